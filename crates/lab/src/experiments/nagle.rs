//! Nagle's algorithm: small writes wait for the acknowledgment of what is under way, and go together.

use crate::experiment::Experiment;
use crate::lab::Lab;
use crate::parameter::Parameter;
use crate::scenes::{self, seconds};
use crate::text::{listed, text, words};

use tcp::SocketOptions;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "nagle",
    claims: &[],
    title: text("Small writes", "小块写入"),
    says: text(
        "A program that writes byte by byte would send forty bytes of headers for each.",
        "逐字节写入的程序，每个字节都要带上四十字节的首部。",
    ),
    precise: text(
        "While anything is unacknowledged, Nagle's algorithm holds back a segment that is not full; so at most one small segment \
         is under way. It saves packets, and costs up to a round trip, or the peer's delayed ACK: interactive programs turn it \
         off by TCP_NODELAY.",
        "只要还有数据未被确认，Nagle 算法就扣住不满的报文段，因此路上最多只有一个小报文段。它节省了包，代价是最多一个往返，或对方的延迟确认：\
         交互式程序用 TCP_NODELAY 关掉它。",
    ),
    look: &[text(
        "With Nagle one byte goes at once, and all others together a round trip later.",
        "开启时第一个字节立即发出，其余的一个往返后一起发出。",
    )],
    sources: &["RFC 9293 3.7.4", "RFC 896"],
    parameters: &[
        Parameter::flag("no-delay", text("turn Nagle's algorithm off", "关闭 Nagle 算法"), false),
        Parameter::number("writes", text("writes of one byte", "单字节写入的次数"), "", (2, 20, 200)),
        Parameter::number("every", text("time between them", "写入间隔"), "ms", (0, 1, 100)),
        Parameter::number(
            "delay",
            text("one-way delay of the cable", "线缆的单程时延"),
            "ms",
            (1, 50, 1_000),
        ),
    ],
    rules: &[],
    run,
};

fn run(lab: &mut Lab) {
    let (writes, every) = (lab.number("writes") as usize, lab.millis("every"));
    let no_delay = lab.flag("no-delay");
    let delay = lab.millis("delay");
    let Some(call) =
        scenes::call(lab, scenes::cable(delay), SocketOptions { no_delay, ..SocketOptions::default() })
    else {
        return;
    };
    let scenes::Pair { client, server } = call.pair;
    lab.run_for(2 * delay);
    let data = scenes::pattern(writes);
    for byte in data.chunks(1) {
        lab.write(client, call.client, byte);
        lab.run_for(every.max(std::time::Duration::from_micros(1)));
    }
    let got = scenes::read(lab, server, call.server, writes, seconds(60));
    scenes::check_arrived(lab, &got, writes);
    let sent: Vec<usize> = lab.segments("client data").map(|frame| frame.summary.payload).collect();
    // With Nagle one small segment leaves a round trip: the writes go in as many as there were round trips, and one.
    let trips = (every.as_nanos() * writes as u128 / (2 * delay).as_nanos().max(1)) as usize;
    let held = if no_delay { sent.len() == writes } else { sent.len() <= trips + 2 };
    let claim = match no_delay {
        true => words("without Nagle each write is a segment", "关闭后，每次写入都是一个报文段"),
        false => words("with Nagle a round trip has one small segment", "开启时，一个往返只有一个小报文段"),
    };
    lab.check_undisturbed(
        claim,
        held,
        words(
            format!("{} segments; their bytes: {}", sent.len(), listed(&sent).en),
            format!("{} 个报文段；字节数：{}", sent.len(), listed(&sent).zh),
        ),
    );
}
