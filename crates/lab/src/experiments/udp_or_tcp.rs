//! The same messages by UDP and by TCP, over a cable that loses.

use crate::experiment::Experiment;
use crate::lab::Lab;
use crate::parameter::Parameter;
use crate::scenes::{self, millis, seconds};
use crate::text::{text, words};

use sim::network::Impairments;
use tcp::SocketOptions;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "udp-or-tcp",
    claims: &[],
    title: text("UDP or TCP", "UDP 还是 TCP"),
    says: text("Programs talk by TCP or by UDP.", "程序通过 TCP 或 UDP 通信。"),
    precise: text(
        "UDP adds ports and a checksum to IP, and nothing else: a datagram arrives whole or not at all, at once, in any order. \
         TCP repairs losses and keeps the order, and pays with a handshake, with state at both ends, and with waiting: what \
         comes behind a lost segment waits for its repair.",
        "UDP 只在 IP 上加了端口和校验和：数据报要么完整到达，要么不到，立即到达，次序不定。TCP 修复丢失、保持顺序，代价是握手、两端的状态，\
         还有等待：丢失的报文段之后的数据要等它修复。",
    ),
    look: &[text("The gaps of UDP, and TCP's repairs.", "UDP 的空缺与 TCP 的修复。")],
    sources: &["RFC 768", "RFC 9293"],
    parameters: &[
        Parameter::number(
            "loss",
            text("frames lost at random", "随机丢失的帧"),
            "ppm",
            (0, 200_000, 500_000),
        ),
        Parameter::number("messages", text("messages of 100 bytes", "100 字节消息的个数"), "", (1, 50, 500)),
    ],
    rules: &[],
    run,
};

fn run(lab: &mut Lab) {
    let count = lab.number("messages") as usize;
    let cable = Impairments { loss: lab.number("loss") as u32, ..scenes::cable(millis(20)) };
    let pair = scenes::pair(lab, cable);
    let scenes::Pair { client, server } = pair;
    let at = |last: u8, port: u16| std::net::SocketAddr::from(([10, 0, 0, last], port));
    let sockets = (
        lab.network.stack(client).udp_bind(at(1, 50_000)),
        lab.network.stack(server).udp_bind(at(2, 50_000)),
    );
    let (Ok(from), Ok(to)) = sockets else { return };
    for number in 0..count {
        let now = lab.network.now();
        // What cannot be sent is missing at the other end, and counted there.
        let _ = lab.network.stack(client).udp_send(now, from, &message(number), Some(at(2, 50_000)));
        lab.run_for(millis(2));
    }
    lab.run_for(seconds(1));
    let mut heard = 0;
    let mut buffer = [0; 200];
    while let Ok((length, _, _)) = lab.network.stack(server).udp_receive(to, &mut buffer) {
        heard += usize::from(length == 100);
    }
    let lost = lab
        .frames()
        .iter()
        .filter(|frame| frame.summary.protocol == "UDP" && frame.fate != "delivered")
        .count();
    lab.check_undisturbed(
        words("what UDP loses stays lost", "UDP 丢失的就丢失了"),
        heard + lost == count,
        words(
            format!("{heard} of {count} came, {lost} lost"),
            format!("{count} 条到了 {heard} 条，丢失 {lost} 条"),
        ),
    );
    let Some(listener) = lab.listen(server, 8000, 10, SocketOptions::default()) else { return };
    let Some((one, other)) = scenes::open(lab, pair, listener, SocketOptions::default()) else { return };
    let mut data = Vec::new();
    for number in 0..count {
        lab.write(client, one, &message(number));
        data.extend(message(number));
        lab.run_for(millis(2));
    }
    let got = scenes::read(lab, server, other, data.len(), seconds(600));
    lab.check(
        words("TCP brings all of it, in order", "TCP 全部送达，且按顺序"),
        got == data,
        words(
            format!("{} of {} bytes", got.len(), data.len()),
            format!("{} / {} 字节", got.len(), data.len()),
        ),
    );
}

fn message(number: usize) -> Vec<u8> {
    (0..100).map(|place| (place + number) as u8).collect()
}
