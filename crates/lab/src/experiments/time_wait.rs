//! TIME-WAIT: 2 MSL after a close, old duplicates die, and a repeated FIN is still answered.

use crate::experiment::Experiment;
use crate::lab::Lab;
use crate::parameter::Parameter;
use crate::scenes::{self, millis, seconds};
use crate::text::{text, words, yes_or_no};

use tcp::{SocketOptions, State};

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "time-wait",
    claims: &[19],
    title: text("TIME-WAIT", "TIME-WAIT 状态"),
    says: text(
        "MSL is the maximum segment lifetime; TCP lets implementations choose its value.",
        "MSL(Maximum Segment Lifetime),TCP 允许不同的实现可以设置不同的 MSL 值。",
    ),
    precise: text(
        "Who closes first stays in TIME-WAIT for 2 MSL: one MSL for its last ACK to die or arrive, one for a repeated FIN to \
         come. RFC 9293 takes 2 minutes for MSL; common hosts, and this one, 30 s. The four-tuple is not blocked for all of \
         it: a SYN with a later timestamp, or with a number beyond the old ones, may open it again (RFC 6191).",
        "先关闭的一方在 TIME-WAIT 停留 2 MSL:一个 MSL 让最后的 ACK 到达或消亡,一个让重发的 FIN 到来。RFC 9293 取 MSL 为 2 分钟,\
         常见主机(包括本栈)取 30 秒。四元组并非一直不可用:时间戳更新,或序列号超过旧值的 SYN,可以重新打开它(RFC 6191)。",
    ),
    look: &[
        text(
            "The lost ACK: the FIN comes again, is answered, and 2 MSL begin anew.",
            "最后的 ACK 丢失:FIN 重来,得到回应,2 MSL 重新计时。",
        ),
        text("The same port calls again before 2 MSL are over.", "2 MSL 未过,同一端口再次呼叫。"),
    ],
    sources: &["RFC 9293 3.4.2, 3.6.1", "RFC 6191"],
    parameters: &[
        Parameter::number("msl", text("maximum segment lifetime", "最长报文段寿命 MSL"), "s", (1, 30, 240)),
        Parameter::flag(
            "reopen",
            text("call again from the same port in time", "及时从同一端口再次呼叫"),
            true,
        ),
    ],
    rules: &["drop client ACK #2"],
    run,
};

fn run(lab: &mut Lab) {
    let msl = lab.number("msl");
    let mut config = Lab::config();
    config.tcp.time_wait = seconds(2 * msl);
    let (client, server) = (lab.host_with("client", config), lab.host("server"));
    lab.cable(scenes::cable(millis(20)), (client, "10.0.0.1/24"), (server, "10.0.0.2/24"));
    scenes::acquaint(lab, &[(client, "10.0.0.2"), (server, "10.0.0.1")]);
    lab.begin();
    let Some(listener) = lab.listen(server, 8000, 10, SocketOptions::default()) else { return };
    let local = Some(std::net::SocketAddr::from(([10, 0, 0, 1], 40_000)));
    let Some(first) = lab.connect_from(client, local, scenes::SERVER, SocketOptions::default()) else {
        return;
    };
    let Some(answer) = scenes::accept(lab, server, listener, seconds(70)) else { return };
    lab.close(client, first);
    lab.run_until(seconds(70), |lab| lab.state(server, answer) == State::CloseWait);
    lab.run_for(millis(50));
    lab.close(server, answer);
    lab.run_until(seconds(10), |lab| lab.states(client).contains(&"TIME-WAIT"));
    lab.run_for(millis(900));
    if lab.flag("reopen") && lab.states(client).contains(&"TIME-WAIT") {
        let early = lab.connect_from(client, local, scenes::SERVER, SocketOptions::default());
        let refused =
            if early.is_none() { words("refused", "被拒绝") } else { words("allowed", "被允许") };
        lab.check(
            words("until then the same four-tuple is in use", "在此之前,同一四元组仍被占用"),
            early.is_none(),
            refused,
        );
    }
    lab.run_for(seconds(4 * msl + 10));
    let waited = waited(lab, client.index());
    let wanted = 2 * msl * 1_000;
    lab.check(
        words(
            format!("TIME-WAIT lasts 2 MSL after the last FIN: {} s", 2 * msl),
            format!("最后的 FIN 之后,TIME-WAIT 持续 2 MSL:{} 秒", 2 * msl),
        ),
        waited.is_some_and(|milliseconds| milliseconds.abs_diff(wanted) <= 2),
        match waited {
            Some(milliseconds) => words(format!("{milliseconds} ms"), format!("{milliseconds} 毫秒")),
            None => words("it did not end", "没有结束"),
        },
    );
    let fins = lab.segments("server FIN,ACK").count();
    let answers = lab.segments("client ACK").count();
    let disturbed = !lab.is_undisturbed();
    let claim = words("a repeated FIN is answered from TIME-WAIT", "TIME-WAIT 回应重发的 FIN");
    let seen = words(
        format!("{fins} FINs of the server, {answers} ACKs of the client"),
        format!("服务端 {fins} 个 FIN,客户端 {answers} 个 ACK"),
    );
    if disturbed {
        lab.check(claim, fins >= 2 && answers > fins, seen);
    }
    if lab.flag("reopen") {
        let again = lab.connect_from(client, local, scenes::SERVER, SocketOptions::default());
        let opened = again.is_some() && scenes::accept(lab, server, listener, seconds(70)).is_some();
        lab.check(
            words("after it the same four-tuple opens again", "之后同一四元组可以再次打开"),
            opened,
            yes_or_no(opened),
        );
    }
}

/// Milliseconds from the last arming of the timer of TIME-WAIT to its end.
fn waited(lab: &Lab, node: usize) -> Option<u64> {
    use crate::trace::model::What;
    let events = || lab.events().iter().filter(move |event| event.node == node);
    let armed = events().rev().find(|event| matches!(event.what, What::Arm { timer: "time-wait", .. }))?.at;
    let fired = events().rev().find(|event| matches!(event.what, What::Fire { timer: "time-wait", .. }))?.at;
    Some(fired.checked_sub(armed)? / 1_000_000)
}
