//! Keepalive: two hours of silence, then ten probes, one every 75 seconds.

use crate::experiment::Experiment;
use crate::lab::Lab;
use crate::parameter::Parameter;
use crate::scenes::{self, millis, seconds};
use crate::text::{listed, text, words};

use tcp::{Keepalive, SocketOptions, State};

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "keepalive",
    claims: &[20],
    title: text("The keepalive timer", "保活计时器"),
    says: text(
        "Every time the server hears from the client it resets this timer, usually to 2 hours. If nothing comes in that time it \
         sends a probe, and then one every 75 s. If 10 probes in a row stay unanswered, the server takes the client for broken \
         and closes the connection.",
        "服务器每收到一次客户端的请求后都会重新复位这个计时器，时间通常是设置为 2 小时，若两小时还没有收到客户端的任何数据，服务器就会发送一个\
         探测报文段，以后每隔 75 秒发送一次。若一连发送 10 个探测报文仍然没反应，服务器就认为客户端出了故障，接着就关闭连接。",
    ),
    precise: text(
        "Only if the application asks for it: RFC 9293 wants keepalive off by default (MUST-25), and the first wait at least two \
         hours by default (MUST-28). The 75 s and the number of probes are no rule of TCP but habits: Linux takes 75 s and nine \
         probes, this stack ten as the page says. Either end may use it, not the server alone. A probe is a segment with an old \
         number, which the peer must answer; one that stays unanswered proves nothing yet (MUST-29).",
        "前提是应用开启了它：RFC 9293 要求保活默认关闭（MUST-25），默认的首次等待不少于两小时（MUST-28）。75 秒和探测次数不是 TCP 的规定，\
         而是各实现的习惯：Linux 是 75 秒、九次，本栈按原文取十次。它也不专属服务端，任何一端都可使用。\
         探测报文段带一个旧序列号，对方必须回应；一次探测没有回应还不能说明对方已失效（MUST-29）。",
    ),
    look: &[text(
        "Mend the cable before the tenth probe, and the connection lives on.",
        "在第十个探测之前修好线缆，连接就继续存活。",
    )],
    sources: &["RFC 9293 3.8.4"],
    parameters: &[
        Parameter::number(
            "idle",
            text("silence before the first probe", "首次探测前的沉默时间"),
            "s",
            (1, 7_200, 86_400),
        ),
        Parameter::number("interval", text("time between probes", "探测间隔"), "s", (1, 75, 3_600)),
        Parameter::number(
            "probes",
            text("unanswered probes before the end", "放弃前的探测次数"),
            "",
            (1, 10, 50),
        ),
        Parameter::number(
            "vanish",
            text("when the client vanishes; 0 for never", "客户端消失的时刻；0 表示不消失"),
            "s",
            (0, 60, 86_400),
        ),
    ],
    rules: &[],
    run,
};

fn run(lab: &mut Lab) {
    let (idle, interval) = (lab.number("idle"), lab.number("interval"));
    let (probes, vanish) = (lab.number("probes"), lab.number("vanish"));
    let keepalive = Keepalive { idle: seconds(idle), interval: seconds(interval), probes: probes as u8 };
    let options = SocketOptions { keepalive: Some(keepalive), ..SocketOptions::default() };
    let pair = scenes::pair(lab, scenes::cable(millis(10)));
    let Some(listener) = lab.listen(pair.server, 8000, 10, options) else { return };
    let Some((client, server)) = scenes::open(lab, pair, listener, SocketOptions::default()) else { return };
    lab.write(pair.client, client, b"hello");
    scenes::read(lab, pair.server, server, 5, seconds(70));
    let heard = lab.now();
    if vanish > 0 {
        lab.network.set_up_at(
            lab.network.now() + seconds(vanish),
            sim::network::WireId::from_index(0),
            false,
        );
    }
    lab.run_for(seconds(idle + interval * (probes + 1) + vanish + 10));
    let sent = lab.notes("keepalive-probe");
    let gaps: Vec<u64> = sent.windows(2).map(|pair| (pair[1] - pair[0]) / 1_000_000_000).collect();
    let first = sent.first().map(|at| (at - heard + 500_000_000) / 1_000_000_000);
    let alive = lab.state(pair.server, server) == State::Established;
    let open = if alive { words("still open", "仍然打开") } else { words("closed", "已关闭") };
    if vanish == 0 || vanish >= idle {
        // It has answered some probes before it vanished, if it has.
        let claim = match vanish {
            0 => words("a peer that answers keeps the connection", "对方有回应，连接就保留"),
            _ => words(
                "a peer that answers keeps the connection; once it vanishes, the connection is closed",
                "对方有回应，连接就保留；一旦消失，连接被关闭",
            ),
        };
        let seen = words(
            format!("{} probes, {}", sent.len(), open.en),
            format!("{} 次探测，{}", sent.len(), open.zh),
        );
        return lab.check_undisturbed(claim, !sent.is_empty() && alive == (vanish == 0), seen);
    }
    lab.check_undisturbed(
        words(
            format!("the first probe goes after {idle} s of silence"),
            format!("沉默 {idle} 秒后发出第一个探测"),
        ),
        first == Some(idle),
        match first {
            Some(first) => words(format!("after {first} s"), format!("{first} 秒后")),
            None => words("no probe went", "没有发出探测"),
        },
    );
    lab.check_undisturbed(
        words(
            format!("then one every {interval} s, {probes} in all"),
            format!("此后每 {interval} 秒一次，共 {probes} 次"),
        ),
        sent.len() as u64 == probes && gaps.iter().all(|gap| *gap == interval),
        words(
            format!("{} probes; seconds between them: {}", sent.len(), listed(&gaps).en),
            format!("{} 次；间隔（秒）：{}", sent.len(), listed(&gaps).zh),
        ),
    );
    lab.check(words("then the connection is closed", "然后连接被关闭"), !alive, open);
}
