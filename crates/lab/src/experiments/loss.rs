//! A segment is lost: the sender learns of it and sends it again.

use crate::experiment::Experiment;
use crate::lab::Lab;
use crate::parameter::Parameter;
use crate::scenes::{self, seconds};
use crate::text::{text, words};
use crate::trace::model::Frame;

use sim::network::Impairments;
use tcp::SocketOptions;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "loss",
    claims: &[],
    title: text("A lost segment", "丢失的报文段"),
    says: text("Packets get lost; TCP repairs that.", "包会丢失，TCP 会修复。"),
    precise: text(
        "The sender learns of a loss from what comes after it. With selective acknowledgments (SACK) the receiver tells which \
         later segments it has: RACK takes a segment for lost when one sent later has arrived, and a little time for overtaking \
         is over. Without them the third duplicate acknowledgment tells (fast retransmit). Either way the missing one goes again \
         at once. If nothing comes after it, a tail loss probe repeats the last segment after about two round trips, so that \
         there is an acknowledgment to learn from. If that is lost as well, the retransmission time-out is left: the sender \
         begins again with one segment, and doubles the time-out with each failure.",
        "发送方靠后来的报文段得知丢失。有选择确认（SACK）时，接收方说明后面哪些已经收到：只要有更晚发出的已到达，再宽限一小段乱序时间，\
         RACK 就判定仍未到的丢失。没有 SACK 时，由第三个重复确认得知（快速重传）。两种情况都立即重发缺失的那个。\
         若它后面什么也没有，约两个往返之后，尾部丢失探测（TLP）把最后一个报文段再发一次，好得到一个可供判断的确认。\
         连探测也丢了，就只剩重传超时：发送方从一个报文段重新开始，每失败一次超时加倍。",
    ),
    look: &[
        text(
            "Drop one in the middle, as here: it is repaired a round trip later.",
            "丢中间一个（默认如此）：一个往返之后就修复。",
        ),
        text(
            "Drop the last one, client data #28: a tail loss probe repairs it.",
            "丢最后一个 client data #28：由尾部丢失探测修复。",
        ),
        text(
            "Drop its probe as well, client data #28-29: only the time-out is left.",
            "连探测也丢掉，client data #28-29：只剩重传超时。",
        ),
        text("Turn SACK off: the third duplicate acknowledgment tells.", "关掉 SACK：由第三个重复确认得知。"),
    ],
    sources: &["RFC 8985", "RFC 2018", "RFC 5681 3.2", "RFC 6582", "RFC 6298"],
    parameters: &[
        Parameter::number(
            "delay",
            text("one-way delay of the cable", "线缆的单程时延"),
            "ms",
            (1, 20, 1_000),
        ),
        Parameter::number("loss", text("frames lost at random", "随机丢失的帧"), "ppm", (0, 0, 300_000)),
        Parameter::number("size", text("bytes sent", "发送的字节数"), "bytes", (1, 40_000, 500_000)),
        Parameter::flag("sack", text("selective acknowledgments", "选择确认（SACK）"), true),
    ],
    rules: &["drop client data #5"],
    run,
};

fn run(lab: &mut Lab) {
    let size = lab.number("size") as usize;
    let delay = lab.millis("delay");
    let cable =
        Impairments { loss: lab.number("loss") as u32, rate: Some(100_000_000), ..scenes::cable(delay) };
    let mut config = Lab::config();
    config.tcp.selective_acknowledgments = lab.flag("sack");
    let pair = scenes::pair_with(lab, config, cable);
    let options = SocketOptions::default();
    let Some(listener) = lab.listen(pair.server, 8000, 10, options) else { return };
    let Some((sender, receiver)) = scenes::open(lab, pair, listener, options) else { return };
    lab.run_for(2 * delay);
    let began = lab.now();
    let got = scenes::transfer(lab, (pair.client, sender), (pair.server, receiver), size, seconds(600));
    scenes::check_arrived(lab, &got, size);
    let milliseconds = (lab.now() - began) / 1_000_000;
    let sent: Vec<&Frame> = lab.segments("client data").collect();
    let lost: Vec<usize> =
        (0..sent.len()).filter(|place| !matches!(sent[*place].fate, "delivered")).collect();
    let again = sent.iter().filter(|frame| frame.retransmission).count();
    // What is lost shows by what else was sent before it was repeated.
    let repairs: Vec<Option<usize>> =
        lost.iter().map(|place| repaired(sent[*place], &sent[place + 1..])).collect();
    let (all, count, losses) = (repairs.iter().all(Option::is_some), sent.len(), lost.len());
    // The only loss of the run, with three segments behind it that arrived.
    let only = lab.frames().iter().filter(|frame| frame.fate != "delivered").count() == 1;
    let followed = only && losses == 1 && lost[0] + 3 < count && repairs[0].is_some_and(|behind| behind >= 3);
    lab.check(
        words("whatever was lost was sent again", "丢失的都重发了"),
        all,
        words(
            format!("{losses} of {count} segments lost, {again} sent again, {milliseconds} ms"),
            format!("{count} 个报文段丢失 {losses} 个，重发 {again} 个，用时 {milliseconds} 毫秒"),
        ),
    );
    if followed {
        told_by_what_follows(lab);
    }
}

/// How many segments later a lost one began to be sent again, if all its bytes were: by one segment or by several.
fn repaired(lost: &Frame, later: &[&Frame]) -> Option<usize> {
    let first = lost.summary.sequence?;
    // Where a segment begins and ends, counted from the lost one's first byte.
    let ends = |frame: &Frame| {
        let begin = i64::from(frame.summary.sequence.unwrap_or(first).wrapping_sub(first) as i32);
        (begin, begin + frame.summary.payload as i64)
    };
    let mut reached = 0;
    while reached < lost.summary.payload as i64 {
        let further = later.iter().map(|frame| ends(frame));
        reached =
            further.filter(|(begin, end)| *begin <= reached && *end > reached).map(|(_, end)| end).max()?;
    }
    later.iter().position(|frame| matches!(ends(frame), (..=0, 1..)))
}

fn told_by_what_follows(lab: &mut Lab) {
    let count = |code: &str| lab.notes(code).len();
    let (rack, duplicates, time_outs) = (count("rack"), count("fast-retransmit"), count("time-out"));
    let seen = match (rack, duplicates, time_outs) {
        (_, _, 1..) => words("a time-out", "发生了超时"),
        (1.., _, _) => words("RACK found it", "由 RACK 发现"),
        (_, 1.., _) => words("the third duplicate ACK told", "由第三个重复 ACK 得知"),
        _ => words("nothing told", "没有得知"),
    };
    let told = if lab.flag("sack") { rack } else { duplicates };
    lab.check(
        words(
            "with segments behind it, a loss is found without a time-out",
            "后面还有报文段时，无需超时就能发现丢失",
        ),
        told > 0 && time_outs == 0,
        seen,
    );
}
