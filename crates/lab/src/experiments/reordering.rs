//! Segments overtake each other: nothing is lost, and a sender should not think so.

use crate::experiment::Experiment;
use crate::lab::Lab;
use crate::parameter::Parameter;
use crate::scenes::{self, millis, seconds};
use crate::text::{text, words};

use sim::network::Impairments;
use tcp::SocketOptions;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "reordering",
    claims: &[],
    title: text("Overtaking segments", "报文段乱序"),
    says: text("The network may deliver packets in another order.", "网络可能以不同的顺序送达包。"),
    precise: text(
        "The receiver keeps what came too early, answers each such segment at once with a duplicate acknowledgment that tells by \
         SACK what it has, and hands the bytes on in order. A sender that takes three duplicates for a loss sends needlessly \
         again when the delay is longer than that. RACK measures time instead: once it has seen segments overtaken, it allows \
         them a quarter of the shortest round trip, and more each time it was wrong.",
        "接收方保存来得太早的部分，对每个这样的报文段立即回应重复确认，用 SACK 说明已有哪些，并按顺序交付字节。\
         把三个重复确认当作丢失的发送方，在延迟更长时会作不必要的重发。RACK 改为量时间：见过乱序之后，先宽限最短往返时间的四分之一，\
         每判断错一次就再放宽。",
    ),
    look: &[text("Duplicate acknowledgments with SACK blocks.", "带 SACK 块的重复确认。")],
    sources: &["RFC 9293 3.10.7.4", "RFC 2018", "RFC 5681 4.2", "RFC 8985 6.2"],
    parameters: &[
        Parameter::number(
            "reordering",
            text("frames that are overtaken", "被超过的帧"),
            "ppm",
            (0, 100_000, 500_000),
        ),
        Parameter::number(
            "detour",
            text("what an overtaken frame takes longer", "被超过的帧多花的时间"),
            "ms",
            (1, 3, 200),
        ),
        Parameter::number("size", text("bytes sent", "发送的字节数"), "bytes", (1_000, 60_000, 500_000)),
    ],
    rules: &[],
    run,
};

fn run(lab: &mut Lab) {
    let size = lab.number("size") as usize;
    let cable = Impairments {
        reordering: lab.number("reordering") as u32,
        detour: lab.millis("detour"),
        rate: Some(20_000_000),
        ..scenes::cable(millis(10))
    };
    let Some(call) = scenes::call(lab, cable, SocketOptions::default()) else { return };
    let scenes::Pair { client, server } = call.pair;
    let got = scenes::transfer(lab, (client, call.client), (server, call.server), size, seconds(300));
    scenes::check_arrived(lab, &got, size);
    let early = lab.segments("server ACK").filter(|frame| frame.summary.info.contains("sack")).count();
    let overtaken = overtaken(lab);
    lab.check_undisturbed(
        words("what comes too early is told by selective acknowledgments", "来得太早的用选择确认告知"),
        (early > 0) == (overtaken > 0),
        words(
            format!("{overtaken} segments overtaken, {early} ACKs with SACK"),
            format!("{overtaken} 个报文段被超过，{early} 个 ACK 带 SACK"),
        ),
    );
}

/// Data segments that came after one that was sent later.
fn overtaken(lab: &Lab) -> usize {
    let mut latest = 0;
    let mut came: Vec<(u64, u64)> = lab
        .segments("client data")
        .filter_map(|frame| Some((frame.arrivals.first()?.at, frame.sent)))
        .collect();
    came.sort_unstable();
    let mut count = 0;
    for (_, sent) in came {
        count += usize::from(sent < latest);
        latest = latest.max(sent);
    }
    count
}
