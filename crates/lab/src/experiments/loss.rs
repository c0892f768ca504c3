//! A segment is lost: the sender learns of it and sends it again.

use crate::experiment::Experiment;
use crate::lab::Lab;
use crate::parameter::Parameter;
use crate::scenes::{self, seconds};
use crate::text::{text, words};

use sim::network::Impairments;
use tcp::SocketOptions;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "loss",
    claims: &[],
    title: text("A lost segment", "丢失的报文段"),
    says: text("Packets get lost; TCP repairs that.", "包会丢失,TCP 会修复。"),
    precise: text(
        "The sender learns of a loss from what comes after it: acknowledgments that do not move on tell that later segments \
         arrived. Then it sends the missing one at once. If nothing comes after it, only a timer tells: the retransmission \
         time-out, after which the sender begins again with one segment, and doubles the time-out with each failure.",
        "发送方从后续报文得知丢失:确认号不再前进,说明后面的报文段到了,于是立即重发缺失的那个。若后面什么也没有,就只能靠计时器:\
         重传超时之后,发送方从一个报文段重新开始,每失败一次超时加倍。",
    ),
    look: &[
        text("Drop one in the middle: repaired within a round trip.", "丢中间一个:一个往返内修复。"),
        text("Drop the last one: only a timer tells.", "丢最后一个:只能靠计时器。"),
    ],
    sources: &["RFC 5681 3.2", "RFC 6298", "RFC 6582"],
    parameters: &[
        Parameter::number(
            "delay",
            text("one-way delay of the cable", "电缆的单程时延"),
            "ms",
            (1, 20, 1_000),
        ),
        Parameter::number("loss", text("frames lost at random", "随机丢失的帧"), "ppm", (0, 0, 300_000)),
        Parameter::number("size", text("bytes sent", "发送的字节数"), "bytes", (1, 40_000, 500_000)),
    ],
    rules: &["drop client data #5"],
    run,
};

fn run(lab: &mut Lab) {
    let size = lab.number("size") as usize;
    let delay = lab.millis("delay");
    let cable =
        Impairments { loss: lab.number("loss") as u32, rate: Some(100_000_000), ..scenes::cable(delay) };
    let Some(call) = scenes::call(lab, cable, SocketOptions::default()) else { return };
    let scenes::Pair { client, server } = call.pair;
    lab.run_for(2 * delay);
    let began = lab.now();
    let got = scenes::transfer(lab, (client, call.client), (server, call.server), size, seconds(600));
    scenes::check_arrived(lab, &got, size);
    let milliseconds = (lab.now() - began) / 1_000_000;
    let data = lab.segments("client data").count();
    let lost = lab.segments("client data").filter(|frame| frame.fate != "delivered").count();
    let again = lab.segments("client data").filter(|frame| frame.retransmission).count();
    lab.check(
        words("whatever was lost was sent again", "丢失的都重发了"),
        again >= lost.min(1),
        words(
            format!("{lost} of {data} segments lost, {again} sent again, {milliseconds} ms"),
            format!("{data} 个报文段丢失 {lost} 个,重发 {again} 个,用时 {milliseconds} 毫秒"),
        ),
    );
}
