//! Congestion control: how fast may it go, if nobody tells?

use crate::experiment::Experiment;
use crate::lab::Lab;
use crate::parameter::Parameter;
use crate::scenes::{self, seconds};
use crate::text::{listed, text, words};
use crate::trace::model::What;

use sim::network::{Impairments, NodeId};
use tcp::SocketOptions;
use tcp::congestion::Algorithm;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "congestion",
    claims: &[],
    title: text("The congestion window", "拥塞窗口"),
    says: text("Nobody tells a sender how much the network can carry.", "没有人告诉发送方网络能承载多少。"),
    precise: text(
        "So it finds out: it begins with ten segments, doubles them every round trip, and when a queue overflows it takes the \
         loss for the answer. NewReno then halves its window and adds a segment a round trip; CUBIC takes seven tenths and \
         grows along a cubic curve, slowly near where the loss was, faster beyond.",
        "于是它自己试探：从十个报文段开始，每个往返加倍；队列溢出时，把丢失当作答案。NewReno 随后把窗口减半，每个往返加一个报文段；\
         CUBIC 减到七成，再沿三次曲线增长：接近上次丢失处时慢，越过之后快。",
    ),
    look: &[text(
        "cwnd and ssthresh over time: the saw of NewReno, the curve of CUBIC.",
        "cwnd 与 ssthresh 随时间的变化：NewReno 的锯齿，CUBIC 的曲线。",
    )],
    sources: &["RFC 5681 3.1", "RFC 9438", "RFC 6928"],
    parameters: &[
        Parameter::choice(
            "algorithm",
            text("congestion control", "拥塞控制"),
            &["cubic", "newreno"],
            "cubic",
        ),
        Parameter::number(
            "rate",
            text("rate of the cable", "线缆速率"),
            "bit/s",
            (1_000_000, 2_000_000, 1_000_000_000),
        ),
        Parameter::number("delay", text("one-way delay of the cable", "线缆的单程时延"), "ms", (1, 20, 500)),
        Parameter::number(
            "queue",
            text("bytes that wait at the cable", "线缆处的队列"),
            "bytes",
            (3_000, 15_000, 10_000_000),
        ),
        Parameter::number("size", text("bytes sent", "发送的字节数"), "bytes", (10_000, 700_000, 20_000_000)),
    ],
    rules: &[],
    run,
};

fn run(lab: &mut Lab) {
    let size = lab.number("size") as usize;
    let delay = lab.millis("delay");
    let rate = lab.number("rate");
    let cable = Impairments { rate: Some(rate), queue: lab.number("queue") as usize, ..scenes::cable(delay) };
    let algorithm = if lab.word("algorithm") == "cubic" { Algorithm::Cubic } else { Algorithm::NewReno };
    let buffers = 4 * 1024 * 1024;
    let options = SocketOptions {
        congestion: Some(algorithm),
        send_buffer: Some(buffers),
        receive_buffer: Some(buffers),
        ..SocketOptions::default()
    };
    let Some(call) = scenes::call(lab, cable, options) else { return };
    let scenes::Pair { client, server } = call.pair;
    lab.run_for(2 * delay);
    let began = lab.now();
    let got = scenes::transfer(lab, (client, call.client), (server, call.server), size, seconds(600));
    scenes::check_arrived(lab, &got, size);
    let windows: Vec<u64> = lab.values(client, "cwnd").iter().map(|(_, window)| *window).collect();
    let (first, most) = (windows.first().copied().unwrap_or(0), windows.iter().max().copied().unwrap_or(0));
    lab.check_undisturbed(
        words("it begins with ten segments", "从十个报文段开始"),
        (13_000..=14_600).contains(&first),
        words(format!("{first} bytes"), format!("{first} 字节")),
    );
    let overflows = lab.segments("client data").filter(|frame| frame.fate == "queue-full").count();
    let backed = windows.windows(2).any(|pair| pair[1] < pair[0]);
    lab.check_undisturbed(
        words("it grows until a queue overflows, and then backs off", "增长到队列溢出，然后后退"),
        overflows == 0 || backed,
        words(
            format!("up to {most} bytes, {overflows} segments met a full queue"),
            format!("最高 {most} 字节，{overflows} 个报文段遇到队列已满"),
        ),
    );
    let cuts = cuts(lab, client);
    let nanoseconds = (lab.now() - began).max(1);
    let share = size as u64 * 8 * 1_000_000_000 / nanoseconds * 100 / rate.max(1);
    saw(lab, cuts, share);
}

/// By how much each loss cuts the window: RFC 5681 3.1 and RFC 9438 4.6. Returns how often that was.
fn cuts(lab: &mut Lab, client: NodeId) -> usize {
    let (low, high, share) = match lab.word("algorithm") {
        "cubic" => (65, 75, words("seven tenths", "七成")),
        _ => (45, 55, words("half", "一半")),
    };
    let mut window = 0;
    let mut percent = Vec::new();
    let mut times = 0;
    for event in lab.events().iter().filter(|event| event.node == client.index()) {
        let What::Change { set, .. } = &event.what else { continue };
        let value = |name: &str| set.get(name).copied().flatten();
        // Slow start may end by itself, without a loss: only the beginning of a recovery is a cut.
        if let (Some(threshold), Some(1)) = (value("ssthresh"), value("recovering")) {
            times += 1;
            // Two segments are the least (RFC 5681 3.1).
            percent.extend((threshold * 100).checked_div(window).filter(|_| threshold > 2 * 1_448));
        }
        window = value("cwnd").unwrap_or(window);
    }
    if percent.is_empty() {
        return times;
    }
    lab.check_undisturbed(
        words(
            format!("each cut leaves {} of the window", share.en),
            format!("每次削减后剩下窗口的{}", share.zh),
        ),
        percent.iter().all(|percent| (low..=high).contains(percent)),
        words(
            format!("per cent left: {}", listed(&percent).en),
            format!("剩下的百分比：{}", listed(&percent).zh),
        ),
    );
    times
}

/// What shows only on a transfer of many round trips, with a queue that holds what is on the way: at its lowest a window of
/// NewReno then still fills the cable.
fn saw(lab: &mut Lab, times: usize, share: u64) {
    let (rate, queue, size) = (lab.number("rate"), lab.number("queue"), lab.number("size"));
    let on_the_way = rate / 8 * 2 * lab.number("delay") / 1_000;
    let most = queue + on_the_way;
    // NewReno's saw is as long as half the window has segments, and each round trip carries up to a window.
    if queue < on_the_way || size < 2 * most + most * most / 1_448 * 3 / 2 {
        return;
    }
    lab.check_undisturbed(
        words(
            "the window is a saw: it grows and is cut again and again",
            "窗口呈锯齿形：一再增长，一再被削减",
        ),
        times >= 2,
        words(format!("cut {times} times"), format!("削减 {times} 次")),
    );
    lab.check_undisturbed(
        words("most of what the cable carries is used", "线缆的承载能力大部分得到利用"),
        share >= 80,
        words(format!("{share} % of the rate"), format!("速率的 {share} %")),
    );
}
