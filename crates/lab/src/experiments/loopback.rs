//! 127.0.0.1: what a host says to itself never leaves it.

use crate::experiment::Experiment;
use crate::lab::Lab;
use crate::parameter::Parameter;
use crate::scenes::{self, millis, seconds};
use crate::text::{text, words};

use tcp::SocketOptions;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "loopback",
    claims: &[10],
    title: text("127.0.0.1 stays at home", "127.0.0.1 不出家门"),
    says: text("The loopback address 127.0.0.1 is localhost.", "回环地址 127.0.0.1 ---> localhost。"),
    precise: text(
        "All of 127.0.0.0/8 is this host itself: 127.0.0.2, where the page's server is bound, works the same way. Such a \
         packet may never appear on a wire, and one that comes from outside is dropped as a martian (RFC 1122 3.2.1.3). The \
         name localhost belongs to it by RFC 6761.",
        "整个 127.0.0.0/8 都是本机：原文服务端绑定的 127.0.0.2 也一样。这样的包绝不能出现在线路上，从外面来的会被当作“火星包”丢弃\
         （RFC 1122 3.2.1.3）。localhost 这个名字由 RFC 6761 归它所有。",
    ),
    look: &[text("A whole conversation, and nothing on the cable.", "完整的一次对话，线缆上什么也没有。")],
    sources: &["RFC 1122 3.2.1.3", "RFC 6761 6.3"],
    parameters: &[Parameter::number(
        "last",
        text("last part of 127.0.0.x", "127.0.0.x 的最后一段"),
        "",
        (1, 1, 254),
    )],
    rules: &[],
    run,
};

fn run(lab: &mut Lab) {
    let last = lab.number("last");
    let (host, neighbour) = (lab.host("host"), lab.host("neighbour"));
    let cable = lab.cable(scenes::cable(millis(10)), (host, "10.0.0.1/24"), (neighbour, "10.0.0.2/24"));
    lab.loopback(host);
    let interface = stack::InterfaceId::from_number(1);
    let now = lab.network.now();
    if last != 1 {
        let address = std::net::Ipv4Addr::new(127, 0, 0, last as u8);
        // The default one is there already; a further one of the same network cannot be refused.
        let _ = lab.network.stack(host).add_address(now, interface, address.into(), 8, stack::Probing::Skip);
    }
    lab.begin();
    let options = SocketOptions::default();
    let Some(listener) = lab.listen(host, 9528, 10, options) else { return };
    let Some(call) = lab.connect(host, &format!("127.0.0.{last}:9528"), options) else { return };
    let Some(answer) = scenes::accept(lab, host, listener, seconds(10)) else { return };
    lab.write(host, call, b"hello");
    let heard = scenes::read(lab, host, answer, 5, seconds(10));
    lab.check(
        words("a host can talk to itself", "主机可以和自己通话"),
        heard == b"hello",
        words(format!("{} bytes", heard.len()), format!("{} 字节", heard.len())),
    );
    let outside = lab.frames().iter().filter(|frame| frame.link == cable.index()).count();
    let inside = lab.frames().len() - outside;
    lab.check(
        words("nothing of it is on the cable", "线缆上什么也没有"),
        outside == 0 && inside >= 4,
        words(
            format!("{inside} packets inside, {outside} frames on the cable"),
            format!("内部 {inside} 个包，线缆上 {outside} 帧"),
        ),
    );
    martian(lab, host, neighbour);
}

/// A packet that claims to come from 127.0.0.1 is not believed.
fn martian(lab: &mut Lab, host: sim::network::NodeId, neighbour: sim::network::NodeId) {
    let mut frame = basis::Frame::copy_of(&[0; 20]);
    let source = std::net::Ipv4Addr::LOCALHOST;
    wire::ipv4::Header::new(source, std::net::Ipv4Addr::new(10, 0, 0, 1), wire::protocol::TCP)
        .prepend_to(&mut frame);
    let (from, to) = (lab.network.hardware(neighbour, 0), lab.network.hardware(host, 0));
    let header =
        wire::ethernet::Header { destination: to, source: from, ether_type: wire::ethernet::EtherType::IPV4 };
    header.prepend_to(&mut frame);
    lab.network.inject(neighbour, 0, bytes::Bytes::from(frame.to_vec()));
    lab.run_for(seconds(1));
    let from_outside =
        |frame: &usize| lab.frames().get(*frame).is_some_and(|frame| frame.from == neighbour.index());
    let outcome = lab.events().iter().find_map(|event| match &event.what {
        crate::trace::model::What::Receive { frame, outcome } if from_outside(frame) => Some(outcome.clone()),
        _ => None,
    });
    let dropped = outcome.as_ref().is_some_and(|outcome| outcome.contains("martian"));
    let seen = match outcome {
        Some(_) if dropped => words("dropped as a martian", "作为火星包丢弃"),
        Some(outcome) => outcome.into(),
        None => words("it did not come", "没有到达"),
    };
    lab.check_undisturbed(
        words("a packet from outside with that source is dropped", "外来的、源地址为 127.0.0.1 的包被丢弃"),
        dropped,
        seen,
    );
}
