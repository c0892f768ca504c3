//! A server that serves day and night, whoever calls and however they behave.

use crate::experiment::Experiment;
use crate::lab::Lab;
use crate::parameter::Parameter;
use crate::scenes::{self, millis, seconds};
use crate::text::{text, words};

use sim::network::SwitchConfig;
use tcp::{ConnectionId, Keepalive, Readiness, SocketOptions};

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "around-the-clock",
    claims: &[2],
    title: text("Around the clock", "全天候服务"),
    says: text(
        "The server gives its service for 24 hours without a break.",
        "服务端：24 小时不间断提供服务。",
    ),
    precise: text(
        "So it must serve many at once, survive callers that reset, vanish or never say a word, and leak nothing: who vanishes is \
         found out by keepalive and given up. The page's server does none of this: it serves one caller, and ends with it.",
        "因此它必须同时服务许多人，经得起客户端重置连接、突然消失、一言不发，而且什么也不泄漏：消失的由保活发现并放弃。原文的服务端都做不到：它只服务一个客户端，随即结束。",
    ),
    look: &[text(
        "One caller vanishes, one resets, the others hang up; a day later the server has no connection left, and serves the next.",
        "一个客户端消失，一个重置，其余正常挂断；一天之后，服务端不留任何连接，照常服务下一个。",
    )],
    sources: &["RFC 9293 3.8.4"],
    parameters: &[
        Parameter::number("callers", text("callers at once", "同时来访的客户端"), "", (3, 5, 50)),
        Parameter::number("hours", text("how long", "多少小时"), "h", (3, 24, 240)),
    ],
    rules: &[],
    run,
};

fn run(lab: &mut Lab) {
    let (callers, hours) = (lab.number("callers"), lab.number("hours"));
    let server = lab.host("server");
    let switch = lab.switch("switch", SwitchConfig::default());
    lab.cable(scenes::cable(millis(1)), (server, "10.0.0.2/24"), (switch, ""));
    let hosts: Vec<_> = (0..callers).map(|number| lab.host(&format!("caller{number}"))).collect();
    let address = |number: usize| format!("10.0.0.{}", number + 10);
    let cables: Vec<_> = hosts
        .iter()
        .enumerate()
        .map(|(number, host)| {
            let address = format!("{}/24", address(number));
            lab.cable(scenes::cable(millis(1)), (*host, &address), (switch, ""))
        })
        .collect();
    for (number, host) in hosts.iter().enumerate() {
        scenes::acquaint(lab, &[(*host, "10.0.0.2"), (server, &address(number))]);
    }
    lab.begin();
    let kept = SocketOptions { keepalive: Some(Keepalive::default()), ..SocketOptions::default() };
    let Some(listener) = lab.listen(server, 8000, 100, kept) else { return };
    let calls: Vec<ConnectionId> = hosts
        .iter()
        .filter_map(|host| lab.connect(*host, scenes::SERVER, SocketOptions::default()))
        .collect();
    let mut served = Vec::new();
    let mut answered = 0;
    lab.run_for(seconds(1));
    for (host, call) in hosts.iter().zip(&calls).skip(2) {
        lab.write(*host, *call, b"hello");
    }
    serve(lab, server, listener, &mut served, seconds(2));
    // The first vanishes, the second resets, the others have their answer and hang up.
    lab.network.set_up(cables[0], false);
    lab.abort(hosts[1], calls[1]);
    for (host, call) in hosts.iter().zip(&calls).skip(2) {
        answered += u64::from(lab.read(*host, *call, 100).as_deref() == Some(b"hello"));
        lab.close(*host, *call);
    }
    serve(lab, server, listener, &mut served, seconds(10));
    let held = population(lab, server);
    lab.check(
        words("every well-behaved caller is answered", "每个守规矩的客户端都得到回答"),
        answered == callers - 2,
        words(format!("{answered} of {}", callers - 2), format!("{} 个中的 {answered} 个", callers - 2)),
    );
    serve(lab, server, listener, &mut served, seconds(3_600 * hours));
    let left = population(lab, server);
    lab.check_undisturbed(
        words("who vanished is found out, and nothing is left of anybody", "消失者被发现，谁也没有残留"),
        held >= 1 && left == 0,
        words(
            format!("connections left: {held} after the rush, {left} after {hours} hours"),
            format!("高峰后 {held} 个连接，{hours} 小时后 {left} 个"),
        ),
    );
    let last = hosts[2];
    let call = lab.connect(last, scenes::SERVER, SocketOptions::default());
    lab.run_for(seconds(1));
    let mut heard = None;
    if let Some(call) = call {
        lab.write(last, call, b"still there?");
        serve(lab, server, listener, &mut served, seconds(2));
        heard = lab.read(last, call, 100);
    }
    lab.check(
        words("the next caller is served as the first was", "下一个客户端得到同样的服务"),
        heard.as_deref() == Some(b"still there?"),
        match heard.map_or(0, |bytes| bytes.len()) {
            0 => words("no answer", "没有回答"),
            count => words(format!("{count} bytes came back"), format!("收到 {count} 字节的回答")),
        },
    );
}

/// The server: takes whoever calls, sends back what they say, and hangs up when they do.
fn serve(
    lab: &mut Lab,
    server: sim::network::NodeId,
    listener: tcp::ListenerId,
    served: &mut Vec<ConnectionId>,
    time: std::time::Duration,
) {
    lab.run_until(time, |lab| {
        while lab.can_accept(server, listener) {
            served.extend(lab.accept(server, listener));
        }
        served.retain(|call| {
            if !lab.readiness(server, *call).intersects(Readiness::READABLE | Readiness::FAILED) {
                return true;
            }
            match lab.read(server, *call, 1_024) {
                Some(bytes) if !bytes.is_empty() => lab.write(server, *call, &bytes) > 0,
                _ => {
                    lab.close(server, *call);
                    false
                }
            }
        });
        false
    });
}

fn population(lab: &Lab, host: sim::network::NodeId) -> usize {
    lab.network.host(host).map_or(0, |stack| stack.tcp().population().0)
}
