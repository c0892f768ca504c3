//! TIME-WAIT: 2 MSL after a close, old duplicates die, and a repeated FIN is still answered.

use crate::experiment::Experiment;
use crate::export::pcapng::decoded;
use crate::lab::Lab;
use crate::parameter::Parameter;
use crate::scenes::{self, Pair, millis, seconds};
use crate::text::{text, words, yes_or_no};
use crate::trace::model::What;

use sim::network::NodeId;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use tcp::{ConnectionId, ListenerId, Readiness, SocketOptions, State};

/// The client's end: the same each time it calls.
const LOCAL: Option<SocketAddr> = Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 40_000));

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "time-wait",
    claims: &[19],
    title: text("TIME-WAIT", "TIME-WAIT 状态"),
    says: text(
        "MSL is the maximum segment lifetime; TCP lets implementations choose its value.",
        "MSL（Maximum Segment Lifetime），TCP 允许不同的实现可以设置不同的 MSL 值。",
    ),
    precise: text(
        "Who closes first stays in TIME-WAIT for 2 MSL: one MSL for its last ACK to die or arrive, one for a repeated FIN to \
         come. RFC 9293 takes 2 minutes for MSL; common hosts, and this one, 30 s. The four-tuple is not blocked for all of \
         it: a SYN of the peer with a later timestamp, or with a number beyond the old ones, may open it again (RFC 6191).",
        "先关闭的一方在 TIME-WAIT 停留 2 MSL：一个 MSL 让最后的 ACK 到达或消亡，一个让重发的 FIN 到来。RFC 9293 取 MSL 为 2 分钟，\
         常见主机（包括本栈）取 30 秒。四元组并非一直被占：对方发来的 SYN 若时间戳更新，或序列号超过旧值，就可以重新打开它（RFC 6191）。",
    ),
    look: &[
        text(
            "The lost ACK: the FIN comes again, is answered, and 2 MSL begin anew.",
            "最后的 ACK 丢失：FIN 重来，得到回应，2 MSL 重新计时。",
        ),
        text(
            "Let an old duplicate come: nobody reads it, but the RST that its ACK draws ends TIME-WAIT early.",
            "让一个旧的重复数据段到来：没有人会读到它，但它引出的 ACK 换来 RST，使 TIME-WAIT 提前结束。",
        ),
        text(
            "Let the server close first, and the same port may call again at once.",
            "改由服务端先关闭：同一端口立即就能再次连接。",
        ),
    ],
    sources: &["RFC 9293 3.4.2, 3.6.1, 3.10.7.4", "RFC 6191", "RFC 1337 2"],
    parameters: &[
        Parameter::number("msl", text("maximum segment lifetime", "最长报文段寿命 MSL"), "s", (1, 30, 240)),
        Parameter::choice("first", text("who closes first", "谁先关闭"), &["client", "server"], "client"),
        Parameter::flag(
            "reopen",
            text("call again from the same port in time", "期间从同一端口再次连接"),
            true,
        ),
        Parameter::flag(
            "duplicate",
            text("an old duplicate comes in TIME-WAIT", "TIME-WAIT 期间来一个旧的重复报文段"),
            false,
        ),
    ],
    rules: &["drop client ACK #3"],
    run,
};

/// The two ends of a connection: host and handle.
type End = (NodeId, ConnectionId);

fn run(lab: &mut Lab) {
    let msl = lab.number("msl");
    let mut config = Lab::config();
    config.tcp.time_wait = seconds(2 * msl);
    let Pair { client, server } = scenes::pair_with(lab, config, scenes::cable(millis(20)));
    let Some(listener) = lab.listen(server, 8000, 10, SocketOptions::default()) else { return };
    let Some(call) = lab.connect_from(client, LOCAL, scenes::SERVER, SocketOptions::default()) else {
        return;
    };
    let Some(answer) = scenes::accept(lab, server, listener, seconds(70)) else { return };
    let client_first = lab.word("first") == "client";
    let (mut first, mut second) = ((client, call), (server, answer));
    if !client_first {
        (first, second) = (second, first);
    }
    let old = say_and_close(lab, first, second);
    lab.run_for(millis(900));
    if !lab.states(first.0).contains(&"TIME-WAIT") {
        return lab.check_undisturbed(
            words("who closes first waits in TIME-WAIT", "先关闭的一方进入 TIME-WAIT"),
            false,
            words("it did not come to that", "没有走到这一步"),
        );
    }
    if let Some(old) = old.filter(|_| lab.flag("duplicate")) {
        return old_duplicate(lab, first.0, second.0, old);
    }
    match (lab.flag("reopen"), client_first) {
        (true, true) => {
            let early = lab.connect_from(client, LOCAL, scenes::SERVER, SocketOptions::default());
            lab.check(
                words(
                    "until then who closed first cannot use the four-tuple again",
                    "在此之前，先关闭的一方不能再用这个四元组",
                ),
                early.is_none(),
                if early.is_none() { words("refused", "被拒绝") } else { words("allowed", "被允许") },
            );
        }
        (true, false) => return reopened(lab, (client, server), listener),
        (false, _) => {}
    }
    lab.run_for(seconds(4 * msl + 10));
    lasts(lab, first.0, msl);
    repeated(lab, first.0, second.0);
    if lab.flag("reopen") {
        let again = lab.connect_from(client, LOCAL, scenes::SERVER, SocketOptions::default());
        let opened = again.is_some() && scenes::accept(lab, server, listener, seconds(70)).is_some();
        lab.check(
            words("after it the same four-tuple opens again", "之后同一四元组可以再次打开"),
            opened,
            yes_or_no(opened),
        );
    }
}

/// The second end says something; the first reads it and closes, then the second. Returns what was said as it was sent.
fn say_and_close(lab: &mut Lab, first: End, second: End) -> Option<Vec<u8>> {
    // An end that is connected may write; the client is so a little before the server.
    lab.run_until(seconds(70), |lab| lab.readiness(second.0, second.1).contains(Readiness::CONNECTED));
    lab.write(second.0, second.1, b"hello");
    scenes::read(lab, first.0, first.1, 5, seconds(70));
    // The acknowledgment goes by itself.
    lab.run_for(millis(100));
    let name = format!("{} data", lab.network.name(second.0));
    let said = lab.segments(&name).next().map(|frame| decoded(&frame.bytes));
    lab.close(first.0, first.1);
    lab.run_until(seconds(70), |lab| lab.state(second.0, second.1) == State::CloseWait);
    lab.run_for(millis(50));
    lab.close(second.0, second.1);
    lab.run_until(seconds(10), |lab| lab.states(first.0).contains(&"TIME-WAIT"));
    said
}

/// What was read long ago comes once more: the danger of RFC 1337 2, which RFC 9293 3.10.7.4 leaves as it is.
fn old_duplicate(lab: &mut Lab, waiting: NodeId, other: NodeId, old: Vec<u8>) {
    let name = format!("{} ACK", lab.network.name(waiting));
    let (before, place) = (lab.segments(&name).count(), lab.frames().len());
    lab.network.inject(other, 0, old.into());
    lab.run_for(millis(200));
    let answers = lab.segments(&name).count() - before;
    let resets = lab.segments(&format!("{} RST", lab.network.name(other))).count();
    let over = lab.states(waiting).last() != Some(&"TIME-WAIT");
    // Rules may take any of the three away.
    let whole = lab.frames()[place..].iter().all(|frame| frame.fate == "delivered");
    let claims = [
        (
            words(
                "an old duplicate is answered by an ACK, and read by nobody",
                "旧的重复报文段只得到一个 ACK，没有人读到它",
            ),
            answers == 1,
        ),
        (
            words(
                "the other end knows no such connection any more: a RST, which ends TIME-WAIT early",
                "对端已没有这个连接：发来 RST，TIME-WAIT 提前结束",
            ),
            resets == 1 && over,
        ),
    ];
    for (claim, held) in claims {
        let state = if over {
            words("TIME-WAIT is over", "TIME-WAIT 已结束")
        } else {
            words("TIME-WAIT goes on", "TIME-WAIT 仍在继续")
        };
        let seen = words(
            format!("ACKs: {answers}, RSTs: {resets}; {}", state.en),
            format!("ACK {answers} 个，RST {resets} 个；{}", state.zh),
        );
        if whole {
            lab.check(claim, held, seen);
        } else {
            lab.check_undisturbed(claim, held, seen);
        }
    }
}

/// The client calls again while the server is in TIME-WAIT.
fn reopened(lab: &mut Lab, (client, server): (NodeId, NodeId), listener: ListenerId) {
    let again = lab.connect_from(client, LOCAL, scenes::SERVER, SocketOptions::default());
    let opened = again.is_some() && scenes::accept(lab, server, listener, seconds(70)).is_some();
    let over = timer(lab, server, |what| matches!(what, What::Fire { timer: "time-wait", .. })).is_some();
    lab.check(
        words(
            "a SYN with a later timestamp opens the four-tuple again before 2 MSL are over",
            "2 MSL 未过，时间戳更新的 SYN 就能重新打开这个四元组",
        ),
        opened && !over,
        match (opened, over) {
            (true, false) => words("opened from TIME-WAIT", "从 TIME-WAIT 直接打开"),
            (true, true) => words("opened after TIME-WAIT", "TIME-WAIT 结束后才打开"),
            (false, _) => words("not opened", "没有打开"),
        },
    );
}

fn lasts(lab: &mut Lab, waiting: NodeId, msl: u64) {
    let armed = timer(lab, waiting, |what| matches!(what, What::Arm { timer: "time-wait", .. }));
    let fired = timer(lab, waiting, |what| matches!(what, What::Fire { timer: "time-wait", .. }));
    let waited = armed.zip(fired).and_then(|(armed, fired)| Some(fired.checked_sub(armed)? / 1_000_000));
    lab.check(
        words(
            format!("TIME-WAIT lasts 2 MSL after the last FIN: {} s", 2 * msl),
            format!("最后的 FIN 之后，TIME-WAIT 持续 2 MSL：{} 秒", 2 * msl),
        ),
        waited.is_some_and(|milliseconds| milliseconds.abs_diff(2 * msl * 1_000) <= 2),
        match waited {
            Some(milliseconds) => words(format!("{milliseconds} ms"), format!("{milliseconds} 毫秒")),
            None => words("it did not end", "没有结束"),
        },
    );
}

/// If the last ACK was lost, the FIN comes again, and is answered.
fn repeated(lab: &mut Lab, waiting: NodeId, other: NodeId) {
    let [waits, ends] = [waiting, other].map(|node| lab.network.name(node).to_owned());
    let fins: Vec<u64> = lab.segments(&format!("{ends} FIN,ACK")).map(|frame| frame.sent).collect();
    let (Some(first), Some(last)) = (fins.first(), fins.last()) else { return };
    let name = format!("{waits} ACK");
    let answers = || lab.segments(&name).filter(|frame| frame.sent >= *first);
    if answers().all(|frame| frame.fate == "delivered") {
        return;
    }
    let answered = answers().any(|frame| frame.sent >= *last && frame.fate == "delivered");
    let (fins, count) = (fins.len(), answers().count());
    lab.check(
        words("a repeated FIN is answered from TIME-WAIT", "TIME-WAIT 回应重发的 FIN"),
        fins >= 2 && answered,
        words(
            format!("{fins} FINs of the {ends}, {count} ACKs of the {waits} after the first"),
            format!("{ends} 发了 {fins} 个 FIN，此后 {waits} 发了 {count} 个 ACK"),
        ),
    );
}

/// When something last happened to a timer of a host.
fn timer(lab: &Lab, node: NodeId, wanted: impl Fn(&What) -> bool) -> Option<u64> {
    let mut events = lab.events().iter().rev().filter(|event| event.node == node.index());
    events.find(|event| wanted(&event.what)).map(|event| event.at)
}
