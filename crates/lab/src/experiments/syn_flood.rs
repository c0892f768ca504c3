//! SYNs from addresses that never answer fill the half-open queue; SYN cookies answer without it.

use crate::experiment::Experiment;
use crate::lab::Lab;
use crate::parameter::Parameter;
use crate::scenes::{self, millis, seconds};
use crate::text::{text, words};

use sim::network::{Network, NodeId};
use std::net::Ipv4Addr;
use tcp::{SocketOptions, SynCookies};

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "syn-flood",
    claims: &[23],
    title: text("A SYN flood", "SYN 洪水"),
    says: text("The half-open pool of listen(10).", "listen(10) 的半连接池。"),
    precise: text(
        "Whoever sends SYNs with forged sources costs the server an entry each, for as long as it repeats its SYN-ACK. The \
         queue is bounded, so memory is not the problem; but honest SYNs find it full. SYN cookies put what the entry would \
         hold into the SYN-ACK's own numbers: the segment size and a keyed hash into the sequence number, the other options into \
         the low bits of the timestamp. So a full server still answers, remembers nothing, and knows the honest caller by the ACK \
         that brings the number back. The price: such a SYN-ACK is not repeated, and the segment size is rounded down.",
        "用伪造源地址发 SYN 的人，每个 SYN 都让服务端花费一个表项，直到它不再重发 SYN-ACK。队列有上限，所以内存不是问题；\
         但正常的 SYN 会遇到满队列。SYN cookie 把表项的内容放进 SYN-ACK 自己的数字里：报文段大小和带密钥的散列放进序列号，\
         其他选项放进时间戳的低位。于是队列满了的服务端照样回应，什么也不记；正常的客户端用 ACK 把这个号码带回来，服务端就认得它。\
         代价是：这样的 SYN-ACK 不会重发，报文段大小只能向下取整。",
    ),
    look: &[text(
        "half_open stays at the bound; what becomes of the honest caller, with cookies and without.",
        "half_open 停在上限；看看有 cookie 和没有 cookie 时，正常的客户端各会怎样。",
    )],
    sources: &["RFC 4987 3.6"],
    parameters: &[
        Parameter::number("syns", text("forged SYNs", "伪造的 SYN"), "", (1, 100, 1_000)),
        Parameter::number("backlog", text("the bound of the queue", "队列上限"), "", (1, 10, 1_000)),
        Parameter::flag("cookies", text("SYN cookies when the queue is full", "队列满时用 SYN cookie"), true),
    ],
    rules: &[],
    run,
};

fn run(lab: &mut Lab) {
    let (syns, backlog) = (lab.number("syns"), lab.number("backlog"));
    let (client, server, attacker) = (lab.host("client"), lab.host("server"), lab.host("attacker"));
    let switch = lab.switch("switch", sim::network::SwitchConfig::default());
    for (host, address) in [(client, "10.0.0.1/16"), (server, "10.0.0.2/16"), (attacker, "10.0.0.3/16")] {
        lab.cable(scenes::cable(millis(2)), (host, address), (switch, ""));
    }
    scenes::acquaint(lab, &[(client, "10.0.0.2"), (server, "10.0.0.1")]);
    lab.begin();
    let cookies = lab.flag("cookies");
    let syn_cookies = Some(if cookies { SynCookies::WhenFull } else { SynCookies::Off });
    let options = SocketOptions { syn_cookies, ..SocketOptions::default() };
    let Some(listener) = lab.listen(server, 8000, backlog as u32, options) else { return };
    let before = population(lab, server);
    for number in 0..syns {
        let frame = forged(&lab.network, attacker, server, number as u32);
        lab.network.inject(attacker, 0, frame);
        lab.run_for(std::time::Duration::from_micros(100));
    }
    lab.run_for(millis(100));
    let most = lab.values(server, "half_open").iter().map(|(_, count)| *count).max().unwrap_or(0);
    lab.check(
        words("the half-open queue never exceeds its bound", "半开队列从不超过上限"),
        most <= backlog,
        words(format!("at most {most}"), format!("最多 {most}")),
    );
    let grown = population(lab, server) - before;
    lab.check(
        words("no connection was made of it", "没有因此产生任何连接"),
        grown == 0,
        words(format!("{grown} connections"), format!("{grown} 个连接")),
    );
    answers(lab, server, syns.saturating_sub(backlog), cookies);
    let called = lab.now();
    let call = lab.connect(client, scenes::SERVER, SocketOptions::default());
    let answered = scenes::accept(lab, server, listener, seconds(200)).is_some();
    let after = (lab.now() - called) / 1_000_000;
    // Without cookies it has to wait for a place: its SYN is repeated after a second, and so on.
    let (claim, held) = match cookies || syns < backlog {
        _ if !lab.is_undisturbed() => (words("an honest caller is served", "正常的客户端得到服务"), true),
        true => (words("an honest caller is served at once", "正常的客户端立刻得到服务"), after < 100),
        false => (words("an honest caller is served in the end", "正常的客户端最终得到服务"), after >= 1_000),
    };
    lab.check(
        claim,
        call.is_some() && answered && held,
        match answered {
            true => words(format!("served after {after} ms"), format!("{after} 毫秒后得到服务")),
            false => words(format!("not served in {after} ms"), format!("{after} 毫秒内未得到服务")),
        },
    );
}

/// What became of the forged SYNs beyond the bound.
fn answers(lab: &mut Lab, server: NodeId, beyond: u64, cookies: bool) {
    let (given, dropped) = lab.network.host(server).map_or((0, 0), |stack| {
        let counters = stack.tcp().counters();
        (counters.syn_cookies_sent, counters.backlog_full)
    });
    let claim = match cookies {
        true => words("SYNs beyond the bound are answered by cookies", "超出上限的 SYN 用 cookie 回应"),
        false => words("SYNs beyond the bound are dropped in silence", "超出上限的 SYN 被悄悄丢弃"),
    };
    lab.check_undisturbed(
        claim,
        (given, dropped) == if cookies { (beyond, 0) } else { (0, beyond) },
        words(format!("{given} cookies, {dropped} dropped"), format!("{given} 个 cookie，丢弃 {dropped} 个")),
    );
}

fn population(lab: &Lab, host: NodeId) -> usize {
    lab.network.host(host).map_or(0, |stack| stack.tcp().population().0)
}

/// A SYN from an address where nobody is.
fn forged(network: &Network, from: NodeId, to: NodeId, number: u32) -> bytes::Bytes {
    let source = Ipv4Addr::from_bits(Ipv4Addr::new(10, 0, 9, 0).to_bits() + number % 200 + 1);
    let destination = Ipv4Addr::new(10, 0, 0, 2);
    let header = wire::tcp::Header {
        source_port: 1_024 + (number / 200) as u16,
        destination_port: 8_000,
        sequence: wire::tcp::Seq(number),
        flags: wire::tcp::Flags::SYN,
        window: 1_024,
        ..wire::tcp::Header::default()
    };
    let mut frame = basis::Frame::new();
    header.prepend_to(&mut frame, source.into(), destination.into());
    wire::ipv4::Header::new(source, destination, wire::protocol::TCP).prepend_to(&mut frame);
    let (source, destination) = (network.hardware(from, 0), network.hardware(to, 0));
    let header = wire::ethernet::Header { destination, source, ether_type: wire::ethernet::EtherType::IPV4 };
    header.prepend_to(&mut frame);
    bytes::Bytes::from(frame.to_vec())
}
