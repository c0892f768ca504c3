//! Both ends read: both wait for ever, and no packet tells of it.

use crate::experiment::Experiment;
use crate::lab::Lab;
use crate::parameter::Parameter;
use crate::scenes::{self, millis, seconds};
use crate::text::{text, words};

use tcp::{SocketOptions, State};

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "both-receive",
    claims: &[22],
    title: text("Both ends receive", "两端同时接收"),
    says: text(
        "Client and server must keep to this: one end sends, the other receives; both must not send or receive at the same time.",
        "客户端与服务端必须遵循：一端 send，另一端 recv；不能两端同时 send 或 recv。",
    ),
    precise: text(
        "Both may send at the same time: TCP is full duplex (see two-way). What must not be is that both wait to receive with \
         nothing under way: then both wait for ever, and TCP cannot notice, because a silent connection is a healthy one. \
         Time-outs of the application, or keepalive for a peer that is gone, are the remedy; netstrata status shows such a \
         pair as two idle ESTABLISHED connections with empty queues.",
        "同时发送其实没问题：TCP 是全双工的（见 two-way）。真正不行的是两端都在等着接收，而路上什么也没有：双方会永远等下去，\
         TCP 也无从察觉，因为安静的连接就是健康的连接。办法是应用自己的超时；对方消失则靠保活。netstrata status 会把它显示为两条空闲、\
         队列为空的 ESTABLISHED 连接。",
    ),
    look: &[text("Hours pass without a frame.", "几个小时过去，一帧也没有。")],
    sources: &["RFC 9293 3.8.4"],
    parameters: &[Parameter::number("hours", text("how long to watch", "观察多久"), "h", (1, 24, 240))],
    rules: &[],
    run,
};

fn run(lab: &mut Lab) {
    let hours = lab.number("hours");
    let Some(call) = scenes::call(lab, scenes::cable(millis(10)), SocketOptions::default()) else { return };
    let scenes::Pair { client, server } = call.pair;
    lab.run_for(seconds(1));
    let before = lab.frames().len();
    let blocked =
        (lab.read(client, call.client, 1_024).is_none(), lab.read(server, call.server, 1_024).is_none());
    lab.run_for(seconds(3_600 * hours));
    let more = lab.frames().len() - before;
    lab.check(
        words("both reads wait, and nothing is sent", "两个读取都在等待，没有任何帧"),
        blocked == (true, true) && more == 0,
        words(format!("{more} frames in {hours} hours"), format!("{hours} 小时内 {more} 帧")),
    );
    let states = (lab.state(client, call.client), lab.state(server, call.server));
    lab.check(
        words("TCP finds nothing wrong with it", "TCP 看不出任何问题"),
        states == (State::Established, State::Established),
        words(format!("{} and {}", states.0, states.1), format!("{} 和 {}", states.0, states.1)),
    );
    lab.write(client, call.client, b"hello");
    let got = scenes::read(lab, server, call.server, 5, seconds(60));
    lab.check(
        words("one end sends, and both go on", "一端一发送，双方就继续"),
        got == b"hello",
        words(format!("{} bytes came", got.len()), format!("收到 {} 字节", got.len())),
    );
}
