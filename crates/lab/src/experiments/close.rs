//! How a connection ends: by four messages, by three, by both ends at once, or by a reset.

use crate::experiment::Experiment;
use crate::lab::Lab;
use crate::parameter::Parameter;
use crate::scenes::{self, millis, seconds};
use crate::text::{Words, text, words};

use tcp::{SocketOptions, State};

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "close",
    claims: &[18],
    title: text("Four messages close", "四次挥手"),
    says: text(
        "When the server receives a FIN it only means that the peer sends no more, but can still receive; and the server may \
         still have data to send. So ACK and FIN usually travel apart, and closing takes one message more than opening.",
        "关闭连接时，服务器收到对方的 FIN 报文，仅仅表示对方不再发送数据了但是还能接收数据，而自己也未必全部数据都发送给对方了，\
         因此己方 ACK 和 FIN 一般都会分开发送，从而导致多了一次。",
    ),
    precise: text(
        "Four messages are the usual case, not a rule. If the server has nothing more to say and closes at once, ACK and FIN \
         travel together and three suffice. If both close at the same time, both pass CLOSING and both wait in TIME-WAIT. A \
         reset ends the connection at once, and what was not read is lost.",
        "四次是常见情形，并非规定。服务端若无话可说、立即关闭，ACK 与 FIN 可以合在一起，三个报文就够。双方同时关闭，则都经过 CLOSING，\
         都进入 TIME-WAIT。RST 则立即结束连接，未读的数据随之丢失。",
    ),
    look: &[
        text(
            "Who closes first passes FIN-WAIT-1, FIN-WAIT-2 and TIME-WAIT.",
            "先关闭的一方经过 FIN-WAIT-1、FIN-WAIT-2、TIME-WAIT。",
        ),
        text(
            "Drop the last ACK: TIME-WAIT answers the repeated FIN.",
            "丢掉最后的 ACK：TIME-WAIT 会回应重发的 FIN。",
        ),
    ],
    sources: &["RFC 9293 3.6, 3.10.4", "RFC 1122 4.2.2.13"],
    parameters: &[
        Parameter::choice(
            "way",
            text("how it is closed", "关闭的方式"),
            &["four", "three", "simultaneous", "reset"],
            "four",
        ),
        Parameter::number(
            "delay",
            text("one-way delay of the cable", "线缆的单程时延"),
            "ms",
            // Round trips shorter than the first time-out: else what opens it comes several times.
            (1, 50, 450),
        ),
    ],
    rules: &[],
    run,
};

fn run(lab: &mut Lab) {
    let delay = lab.millis("delay");
    let way = lab.word("way").to_owned();
    let Some(call) = scenes::call(lab, scenes::cable(delay), SocketOptions::default()) else { return };
    let scenes::Pair { client, server } = call.pair;
    lab.run_for(2 * delay);
    let began = lab.frames().len();
    match way.as_str() {
        "simultaneous" => {
            lab.close(client, call.client);
            lab.close(server, call.server);
        }
        "reset" => {
            lab.abort(client, call.client);
            lab.run_for(2 * delay);
            // Its owner is told by the next read, and gives the handle back.
            lab.read(server, call.server, 100);
            lab.close(server, call.server);
        }
        way => {
            lab.close(client, call.client);
            lab.run_until(seconds(100), |lab| lab.state(server, call.server) == State::CloseWait);
            if way == "four" {
                // The server has something to do first: its ACK goes alone.
                lab.run_for(millis(100));
            }
            lab.close(server, call.server);
        }
    }
    lab.run_for(seconds(200));
    let kinds: Vec<String> = lab.frames()[began..].iter().map(|frame| frame.name.clone()).collect();
    let expected: &[&str] = match way.as_str() {
        "four" => &["client FIN,ACK", "server ACK", "server FIN,ACK", "client ACK"],
        "three" => &["client FIN,ACK", "server FIN,ACK", "client ACK"],
        "simultaneous" => &["client FIN,ACK", "server FIN,ACK", "client ACK", "server ACK"],
        _ => &["client RST,ACK"],
    };
    let mut plain: Vec<&str> = kinds.iter().filter_map(|name| name.split(" #").next()).collect();
    let mut wanted = expected.to_vec();
    if way == "simultaneous" {
        // They happen at the same time; who is drawn first is no matter.
        (plain, wanted) = (sorted(plain), sorted(wanted));
    }
    let shown = kinds.join(", ");
    lab.check_undisturbed(
        words(
            format!("the messages are {}", expected.join(", ")),
            format!("报文依次为 {}", expected.join("、")),
        ),
        plain == wanted,
        words(shown.clone(), shown),
    );
    let waits = |lab: &Lab, host| lab.states(host).contains(&"TIME-WAIT");
    let (one, other) = (waits(lab, client), waits(lab, server));
    let wanted = match way.as_str() {
        "simultaneous" => (true, true),
        "reset" => (false, false),
        _ => (true, false),
    };
    lab.check_undisturbed(
        words(
            match way.as_str() {
                "simultaneous" => "who closes first waits in TIME-WAIT: here both",
                "reset" => "after a reset nobody waits in TIME-WAIT",
                _ => "who closes first waits in TIME-WAIT, and nobody else",
            },
            match way.as_str() {
                "simultaneous" => "先关闭的一方进入 TIME-WAIT：这里两端都是",
                "reset" => "复位之后谁也不进入 TIME-WAIT",
                _ => "先关闭的一方进入 TIME-WAIT，另一方不会",
            },
        ),
        (one, other) == wanted,
        match (one, other) {
            (true, true) => words("both waited", "两端都等待"),
            (true, false) => words("the client waited, the server did not", "客户端等待，服务端没有"),
            (false, true) => words("the server waited, the client did not", "服务端等待，客户端没有"),
            (false, false) => words("neither waited", "两端都没有等待"),
        },
    );
    let left = [client, server]
        .map(|host| lab.network.host(host).map_or((0, 0, 0), |stack| stack.tcp().population()));
    lab.check(
        words("in the end nothing is left of it at either end", "最终两端都不留下任何东西"),
        left == [(0, 0, 0); 2],
        words(
            format!("{} at the client, {} at the server", kept(left[0]).en, kept(left[1]).en),
            format!("客户端{}，服务端{}", kept(left[0]).zh, kept(left[1]).zh),
        ),
    );
}

/// What a host keeps: open, half-open, in TIME-WAIT.
fn kept((open, half_open, waiting): (usize, usize, usize)) -> Words {
    match (open, half_open, waiting) {
        (0, 0, 0) => words("nothing", "无残留"),
        _ => words(
            format!("{half_open} half-open, {open} open, {waiting} in TIME-WAIT"),
            format!("半开 {half_open}、打开 {open}、TIME-WAIT {waiting}"),
        ),
    }
}

fn sorted(mut names: Vec<&str>) -> Vec<&str> {
    names.sort_unstable();
    names
}
