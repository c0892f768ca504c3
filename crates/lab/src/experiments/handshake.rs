//! Three messages open a connection: both sides are ready, and both initial sequence numbers are agreed on.

use crate::experiment::Experiment;
use crate::lab::Lab;
use crate::parameter::Parameter;
use crate::scenes::{self, Pair};
use crate::text::{text, words};
use tcp::{SocketOptions, State};

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "handshake",
    claims: &[16],
    title: text("The three-way handshake", "三次握手"),
    says: text(
        "The three-way handshake does two important things: both sides prepare to send, and know that the other is \
         prepared; and both agree on the initial sequence numbers, which are sent and acknowledged in the handshake.",
        "三次握手完成两个重要的功能：既要双方做好发送数据的准备工作（双方都知道彼此已准备好），也要允许双方就初始\
         序列号进行协商，这个序列号在握手过程中被发送和确认。",
    ),
    precise: text(
        "Nothing is negotiated: each side announces its own initial sequence number in its SYN, and the other acknowledges \
         it plus one, because a SYN takes up one number. The number comes from a clock and a keyed hash of the four-tuple, \
         so that outsiders cannot guess it. What is agreed on are the options: window scaling, timestamps, selective \
         acknowledgments are used if both SYNs carry them. The client is ESTABLISHED after one round trip, the server half \
         a round trip later.",
        "序列号其实不是协商出来的：每一方在自己的 SYN 里宣布自己的初始序列号，另一方确认“该号加一”，因为 SYN 占用一个\
         序列号。初始序列号由时钟和四元组的带密钥散列产生，外人无法猜中。真正协商的是选项：窗口扩大、时间戳、选择确认\
         只有双方的 SYN 都带上才启用。客户端在一个往返之后进入 ESTABLISHED，服务端再晚半个往返。",
    ),
    look: &[
        text(
            "The SYN-ACK acknowledges the client's number plus one.",
            "SYN-ACK 确认的是客户端的序列号加一。",
        ),
        text(
            "Drop the SYN-ACK: both sides wait one second and send again; the server keeps the half-open connection.",
            "丢掉 SYN-ACK：双方等待一秒后重发；服务端一直保留半开连接。",
        ),
        text(
            "Drop the last ACK: the client believes itself connected, the server does not yet; any data repairs it.",
            "丢掉最后的 ACK：客户端认为已连接，服务端还没有；任何数据都能补上它。",
        ),
    ],
    sources: &["RFC 9293 3.5", "RFC 6528", "RFC 6298 2.1"],
    parameters: &[Parameter::number(
        "delay",
        text("one-way delay of the cable", "线缆的单程时延"),
        "ms",
        (0, 50, 5_000),
    )],
    rules: &[],
    run,
};

fn run(lab: &mut Lab) {
    let delay = lab.millis("delay");
    let Pair { client, server } = scenes::pair(lab, scenes::cable(delay));
    let options = SocketOptions::default();
    let Some(listener) = lab.listen(server, 8000, 10, options) else { return };
    let Some(call) = lab.connect(client, "10.0.0.2:8000", options) else { return };
    let mut accepted = None;
    lab.run_until(scenes::seconds(70), |lab| {
        if accepted.is_none() && lab.can_accept(server, listener) {
            accepted = lab.accept(server, listener);
        }
        accepted.is_some() && lab.state(client, call) == State::Established
    });
    lab.run_for(delay + scenes::millis(10));
    let server_state = accepted.map_or(State::Closed, |id| lab.state(server, id));
    let client_state = lab.state(client, call);
    lab.check(
        words("both ends reach ESTABLISHED", "两端都进入 ESTABLISHED"),
        (client_state, server_state) == (State::Established, State::Established),
        words(
            format!("client {client_state}, server {server_state}"),
            format!("客户端 {client_state}，服务端 {server_state}"),
        ),
    );
    numbers(lab);
    count(lab);
}

/// Each SYN's number is acknowledged plus one.
fn numbers(lab: &mut Lab) {
    let first = |lab: &Lab, kind: &str| lab.segments(kind).next().map(|frame| frame.summary.clone());
    let (syn, answer, last) =
        (first(lab, "client SYN #"), first(lab, "server SYN,ACK #"), first(lab, "client ACK #"));
    let sequence = |summary: &Option<crate::Summary>| summary.as_ref().and_then(|summary| summary.sequence);
    let acknowledged =
        |summary: &Option<crate::Summary>| summary.as_ref().and_then(|summary| summary.acknowledgment);
    let plus_one = |number: Option<u32>| number.map(|number| number.wrapping_add(1));
    let held = acknowledged(&answer).is_some()
        && acknowledged(&answer) == plus_one(sequence(&syn))
        && acknowledged(&last) == plus_one(sequence(&answer));
    let show = |number: Option<u32>| number.map_or("-".to_owned(), |number| number.to_string());
    let (iss, irs) = (show(sequence(&syn)), show(sequence(&answer)));
    let (one, other) = (show(acknowledged(&answer)), show(acknowledged(&last)));
    lab.check(
        words("each initial sequence number is acknowledged plus one", "每个初始序列号都被“加一”确认"),
        held,
        words(
            format!("client {iss} acknowledged by {one}, server {irs} by {other}"),
            format!("客户端 {iss}，得到确认 {one}；服务端 {irs}，得到确认 {other}"),
        ),
    );
}

fn count(lab: &mut Lab) {
    let names: Vec<String> = lab.segments("").map(|frame| frame.name.clone()).collect();
    let shown = names.join(", ");
    // Neither end has measured a round trip yet: both wait for one second.
    let trip = 2 * lab.number("delay");
    if trip >= 1_000 {
        let again = names.iter().any(|name| name == "client SYN #2");
        return lab.check_undisturbed(
            words(
                "the round trip is longer than the first time-out: the SYN goes again needlessly",
                "往返时间长于首次超时：SYN 被不必要地重发",
            ),
            again || trip == 1_000,
            words(shown.clone(), shown),
        );
    }
    lab.check_undisturbed(
        words("three segments are enough: SYN, SYN-ACK, ACK", "三个报文段就够：SYN、SYN-ACK、ACK"),
        names == ["client SYN #1", "server SYN,ACK #1", "client ACK #1"],
        words(shown.clone(), shown),
    );
}
