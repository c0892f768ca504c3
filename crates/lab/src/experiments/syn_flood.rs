//! SYNs from addresses that never answer fill the half-open queue.

use crate::experiment::Experiment;
use crate::lab::Lab;
use crate::parameter::Parameter;
use crate::scenes::{self, millis, seconds};
use crate::text::{text, words};

use sim::network::{Network, NodeId};
use std::net::Ipv4Addr;
use tcp::SocketOptions;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "syn-flood",
    claims: &[23],
    title: text("A SYN flood", "SYN 洪水"),
    says: text("The half-open pool of listen(10).", "listen(10) 的半连接池。"),
    precise: text(
        "Whoever sends SYNs with forged sources costs the server an entry each, for as long as it repeats its SYN-ACK. The \
         queue is bounded, so memory is not the problem; but honest SYNs find it full. SYN cookies put what the entry would \
         hold into the initial sequence number, so that a server can answer without remembering.",
        "用伪造源地址发 SYN 的人,每个 SYN 都让服务端花费一个表项,直到它不再重发 SYN-ACK。队列有上限,所以内存不是问题;\
         但诚实的 SYN 会遇到满队列。SYN cookie 把表项的内容放进初始序列号,服务端不用记住就能回应。",
    ),
    look: &[text(
        "half_open stays at the bound; what becomes of the honest caller.",
        "half_open 停在上限;看看诚实的呼叫者怎么样。",
    )],
    sources: &["RFC 4987"],
    parameters: &[
        Parameter::number("syns", text("forged SYNs", "伪造的 SYN"), "", (1, 100, 1_000)),
        Parameter::number("backlog", text("the bound of the queue", "队列上限"), "", (1, 10, 1_000)),
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
    let Some(listener) = lab.listen(server, 8000, backlog as u32, SocketOptions::default()) else { return };
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
    let call = lab.connect(client, scenes::SERVER, SocketOptions::default());
    let answered = scenes::accept(lab, server, listener, seconds(200)).is_some();
    let at = lab.now() / 1_000_000;
    lab.check_undisturbed(
        words("a patient, honest caller is served in the end", "有耐心的诚实呼叫者最终得到服务"),
        call.is_some() && answered,
        words(format!("after {at} ms: {answered}"), format!("{at} 毫秒后:{answered}")),
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
