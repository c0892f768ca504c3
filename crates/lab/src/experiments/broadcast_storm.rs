//! Two cables between two switches: one broadcast goes round for ever.

use crate::experiment::Experiment;
use crate::lab::Lab;
use crate::parameter::Parameter;
use crate::text::{text, words};

use sim::network::{Impairments, SwitchConfig};

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "broadcast-storm",
    claims: &[8],
    title: text("A broadcast storm", "广播风暴"),
    says: text("The weakness of switches: broadcast storms.", "交换机的弊端：广播风暴。"),
    precise: text(
        "Hosts that broadcast much are a burden, but a storm takes a loop: an Ethernet frame has no time to live, so a broadcast \
         that finds a second way back goes round for ever, and with three ways it doubles each time, until the cables are full. \
         Managed switches find loops by the spanning tree protocol and close them; these do not.",
        "主机广播过多只是负担，真正的风暴要有环路：以太网帧没有生存时间，广播若有第二条路可以回来，就会一直转下去；有三条路则每次加倍，直到塞满线路。\
         网管型交换机用生成树协议发现并断开环路；这里的不会。",
    ),
    look: &[text(
        "With one cable the broadcast ends; with two it goes round; with three it explodes.",
        "一根线缆：广播结束；两根：转圈；三根：爆炸。",
    )],
    sources: &["IEEE 802.1D 8"],
    parameters: &[
        Parameter::number("cables", text("cables between the switches", "交换机之间的线缆数"), "", (1, 2, 3)),
        Parameter::number("time", text("how long to watch", "观察多久"), "ms", (1, 20, 200)),
    ],
    rules: &[],
    run,
};

fn run(lab: &mut Lab) {
    let cables = lab.number("cables");
    let (one, two) = (lab.switch("one", SwitchConfig::default()), lab.switch("two", SwitchConfig::default()));
    let (a, b) = (lab.host("a"), lab.host("b"));
    let near = Impairments {
        delay: std::time::Duration::from_micros(100),
        rate: Some(10_000_000),
        queue: 10_000,
        ..Impairments::NONE
    };
    lab.cable(near, (a, "10.0.0.1/24"), (one, ""));
    lab.cable(near, (b, "10.0.0.2/24"), (two, ""));
    for _ in 0..cables {
        lab.cable(near, (one, ""), (two, ""));
    }
    lab.begin();
    let announcement =
        wire::arp::Packet::announcement(lab.network.hardware(a, 0), std::net::Ipv4Addr::new(10, 0, 0, 1));
    let mut frame = basis::Frame::new();
    announcement.prepend_to(&mut frame);
    let header = wire::ethernet::Header {
        destination: wire::MacAddress::BROADCAST,
        source: lab.network.hardware(a, 0),
        ether_type: wire::ethernet::EtherType::ARP,
    };
    header.prepend_to(&mut frame);
    lab.network.inject(a, 0, bytes::Bytes::from(frame.to_vec()));
    lab.run_for(lab.millis("time"));
    let between = lab.frames().iter().filter(|frame| frame.link >= 2).count();
    let came = lab.frames().iter().filter(|frame| frame.link == 1 && frame.from == two.index()).count();
    let storm = cables > 1;
    // A way round takes a little more than a quarter of a millisecond.
    let enough = 5 * lab.number("time").min(4);
    lab.check_undisturbed(
        match storm {
            true => words("one broadcast goes round and round", "一个广播转个不停"),
            false => words("without a loop one broadcast crosses once", "没有环路，广播只过一次"),
        },
        if storm { between as u64 > enough } else { between == 1 },
        words(
            format!("{between} frames between the switches, {came} at b"),
            format!("交换机之间 {between} 帧，b 收到 {came} 帧"),
        ),
    );
    if cables == 3 {
        let full = lab.frames().iter().filter(|frame| frame.fate == "queue-full").count();
        lab.check_undisturbed(
            words("with three ways it fills the cables", "三条路时塞满线缆"),
            full > 0,
            words(format!("{full} frames met a full queue"), format!("{full} 帧遇到队列已满")),
        );
    }
}
