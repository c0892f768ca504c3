//! A connection is a two-way channel: both ends send at once, and each direction ends by itself.

use crate::experiment::Experiment;
use crate::lab::Lab;
use crate::parameter::Parameter;
use crate::scenes::{self, millis, seconds};
use crate::text::{text, words};

use tcp::{Shutdown, SocketOptions, State};

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "two-way",
    claims: &[13],
    title: text("A two-way channel", "双向通道"),
    says: text(
        "To talk, both sides need a connection, which makes a two-way channel: one way for what the client sends, another \
         for what the server sends.",
        "若想服务端与客户端进行通信，必须要建立连接，产生双向通道：一条是客户端往服务端发送消息的，另一条是服务端往客户端发送消息的。",
    ),
    precise: text(
        "One connection is two independent byte streams, each with its own numbers, window and end. Nothing obliges the ends \
         to take turns: both may send at the same time, and one direction may end while the other goes on.",
        "一个连接是两条独立的字节流，各有自己的序列号、窗口和终点。双方不必轮流：可以同时发送；一个方向结束后，另一个方向仍可继续。",
    ),
    look: &[text("Data of both directions crosses on the cable.", "两个方向的数据在线缆上交错而过。")],
    sources: &["RFC 9293 3.6, 3.9.1"],
    parameters: &[
        Parameter::number(
            "delay",
            text("one-way delay of the cable", "线缆的单程时延"),
            "ms",
            (1, 30, 2_000),
        ),
        Parameter::number(
            "size",
            text("bytes that each end sends", "每一端发送的字节数"),
            "bytes",
            (1, 3_000, 100_000),
        ),
    ],
    rules: &[],
    run,
};

fn run(lab: &mut Lab) {
    let cable = scenes::cable(lab.millis("delay"));
    let size = lab.number("size") as usize;
    let Some(call) = scenes::call(lab, cable, SocketOptions::default()) else { return };
    let scenes::Pair { client, server } = call.pair;
    lab.run_for(2 * cable.delay);
    let began = lab.frames().len();
    let data = scenes::pattern(size);
    lab.write(client, call.client, &data);
    lab.write(server, call.server, &data);
    let one = scenes::read(lab, server, call.server, size, seconds(60));
    let other = scenes::read(lab, client, call.client, size, seconds(60));
    lab.check(
        words("both directions carry their bytes whole", "两个方向的字节都完整送达"),
        one == data && other == data,
        words(
            format!("{} and {} bytes", one.len(), other.len()),
            format!("{} 和 {} 字节", one.len(), other.len()),
        ),
    );
    let first = |name: &str| {
        let mut data = lab.frames()[began..].iter().filter(|frame| frame.summary.payload > 0);
        data.find(|frame| frame.name.starts_with(name))
            .map(|frame| (frame.sent, frame.arrivals.first().map(|arrival| arrival.at)))
    };
    let crossed = match (first("client "), first("server ")) {
        (Some((one, Some(came))), Some((other, _))) => one <= other && other < came,
        _ => false,
    };
    let (yes, no) = (
        words("they met on the cable", "它们在线缆上相遇"),
        words("one waited for the other", "一方等了另一方"),
    );
    lab.check_undisturbed(
        words("both ends send at the same time", "两端同时发送"),
        crossed,
        if crossed { yes } else { no },
    );
    lab.shutdown(client, call.client, Shutdown::Write);
    lab.run_for(3 * cable.delay + millis(100));
    let states = (lab.state(client, call.client), lab.state(server, call.server));
    lab.check_undisturbed(
        words("one direction ends, the other stays open", "一个方向结束，另一个方向仍然开着"),
        states == (State::FinWait2, State::CloseWait),
        words(
            format!("client {}, server {}", states.0, states.1),
            format!("客户端 {}，服务端 {}", states.0, states.1),
        ),
    );
}
