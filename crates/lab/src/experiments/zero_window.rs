//! The reader stops: the window closes, the sender probes, and goes on when the reader does.

use crate::experiment::Experiment;
use crate::lab::Lab;
use crate::parameter::Parameter;
use crate::scenes::{self, millis, seconds};
use crate::text::{listed, text, words};

use tcp::{Readiness, SocketOptions};

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "zero-window",
    claims: &[],
    title: text("A closed window", "关闭的窗口"),
    says: text("A fast writer must not drown a slow reader.", "写得快的一方不能淹没读得慢的一方。"),
    precise: text(
        "Each acknowledgment tells how many more bytes the reader has room for. When that is none, the sender stops, and asks \
         from time to time, ever more seldom, because the segment that opens the window again could get lost. A peer may keep \
         its window closed as long as it likes, if it answers the probes.",
        "每个确认都告诉对方还能接收多少字节。为零时发送方停下，并不时探测，间隔越来越长，因为重新打开窗口的那个报文段可能丢失。\
         只要回应探测，对方可以一直关着窗口。",
    ),
    look: &[text(
        "snd_wnd falls to 0; probes double their distance; then the window update.",
        "snd_wnd 降到 0；探测间隔加倍；随后是窗口更新。",
    )],
    sources: &["RFC 9293 3.8.6", "RFC 9293 3.8.6.1"],
    parameters: &[
        Parameter::number(
            "buffer",
            text("the reader's buffer", "接收方缓冲区"),
            "bytes",
            (4_096, 16_384, 262_144),
        ),
        Parameter::number(
            "pause",
            text("how long the reader does nothing", "接收方停顿多久"),
            "s",
            (1, 10, 3_600),
        ),
    ],
    rules: &[],
    run,
};

fn run(lab: &mut Lab) {
    let (buffer, pause) = (lab.number("buffer") as u32, lab.number("pause"));
    let options = SocketOptions { receive_buffer: Some(buffer), ..SocketOptions::default() };
    let Some(call) = scenes::call(lab, scenes::cable(millis(10)), options) else { return };
    let scenes::Pair { client, server } = call.pair;
    let size = 3 * buffer as usize;
    let data = scenes::pattern(size);
    let mut sent = 0;
    let write = |lab: &mut Lab, sent: &mut usize| {
        if *sent < data.len() && lab.readiness(client, call.client).contains(Readiness::WRITABLE) {
            *sent += lab.write(client, call.client, &data[*sent..]);
        }
    };
    lab.run_until(seconds(pause), |lab| {
        write(lab, &mut sent);
        false
    });
    let closed = lab.values(client, "snd_wnd").iter().any(|(_, window)| *window == 0);
    lab.check_undisturbed(
        words("the window closes", "窗口关闭"),
        closed,
        if closed {
            words("snd_wnd was 0", "snd_wnd 曾为 0")
        } else {
            words("it never did", "没有关闭")
        },
    );
    let probes = lab.notes("window-probe");
    // The wait begins with the answer to the last probe, a round trip of 20 ms after it.
    let gaps: Vec<u64> = probes.windows(2).map(|pair| (pair[1] - pair[0]) / 1_000_000).collect();
    lab.check_undisturbed(
        words("the sender probes, each time after twice the wait", "发送方探测，等待每次加倍"),
        !probes.is_empty() && gaps.windows(2).all(|pair| pair[1] >= 2 * pair[0] - 40 || pair[1] >= 119_000),
        words(
            format!("{} probes; ms between them: {}", probes.len(), listed(&gaps).en),
            format!("{} 次探测；间隔（毫秒）：{}", probes.len(), listed(&gaps).zh),
        ),
    );
    let mut got = Vec::new();
    lab.run_until(seconds(300), |lab| {
        write(lab, &mut sent);
        if lab.readiness(server, call.server).contains(Readiness::READABLE) {
            got.extend(lab.read(server, call.server, 65_536).unwrap_or_default());
        }
        got.len() >= size
    });
    scenes::check_arrived(lab, &got, size);
}
