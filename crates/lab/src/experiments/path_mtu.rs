//! A link on the way takes less: the router says so, and the sender makes its segments smaller.

use crate::experiment::Experiment;
use crate::lab::Lab;
use crate::parameter::Parameter;
use crate::scenes::{self, Pair, millis, seconds};
use crate::text::{text, words};

use sim::network::Impairments;
use tcp::SocketOptions;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "path-mtu",
    claims: &[],
    title: text("The narrowest link", "最窄的链路"),
    says: text("Links differ in how long a packet may be.", "不同链路允许的包长不同。"),
    precise: text(
        "Packets of TCP forbid fragments. A router whose next link takes less drops such a packet and says by ICMP how long it \
         may be; the sender makes its segments so small, sends the dropped ones again, and remembers it for ten minutes. Where \
         a firewall swallows that message, connections hang: a black hole.",
        "TCP 的包禁止分片。下一段链路容不下时，路由器丢弃该包，并用 ICMP 告知可以多长；发送方把报文段缩小，重发被丢的，并记住十分钟。\
         如果防火墙吞掉这条消息，连接就会卡住：所谓黑洞。",
    ),
    look: &[text(
        "ICMP: fragmentation needed. Drop it, and see the black hole.",
        "ICMP：需要分片。丢掉它，就看到黑洞。",
    )],
    sources: &["RFC 1191", "RFC 8201"],
    parameters: &[
        Parameter::number(
            "mtu",
            text("longest packet of the far link", "远端链路的最大包长"),
            "bytes",
            (600, 1_280, 1_500),
        ),
        Parameter::number("size", text("bytes sent", "发送的字节数"), "bytes", (1_000, 20_000, 200_000)),
    ],
    rules: &[],
    run,
};

fn run(lab: &mut Lab) {
    let (mtu, size) = (lab.number("mtu") as usize, lab.number("size") as usize);
    let Pair { client, server } = network(lab, Impairments { mtu, ..scenes::cable(millis(10)) });
    let Some(listener) = lab.listen(server, 8000, 10, SocketOptions::default()) else { return };
    let Some(call) = lab.connect(client, "10.0.3.2:8000", SocketOptions::default()) else { return };
    let Some(answer) = scenes::accept(lab, server, listener, seconds(70)) else { return };
    lab.run_until(seconds(70), |lab| lab.readiness(client, call).contains(tcp::Readiness::CONNECTED));
    let got = scenes::transfer(lab, (client, call), (server, answer), size, seconds(120));
    scenes::check_arrived(lab, &got, size);
    let told =
        lab.frames().iter().filter(|frame| frame.summary.info.contains("fragmentation needed")).count();
    let longest =
        lab.frames().iter().filter(|frame| frame.link == 1).map(|frame| frame.length - 14).max().unwrap_or(0);
    lab.check_undisturbed(
        words("nothing longer than that passes the narrow link", "窄链路上没有更长的包"),
        longest <= mtu,
        words(format!("at most {longest} bytes"), format!("最长 {longest} 字节")),
    );
    if mtu >= 1_500 || size + 52 <= mtu {
        // No packet is longer than the narrow link takes.
        return;
    }
    let segment = lab.info(client, call).map_or(0, |info| info.segment_size as usize);
    lab.check_undisturbed(
        words("the sender has learnt it from the router", "发送方从路由器得知"),
        told > 0 && segment + 52 <= mtu,
        words(
            format!("{told} messages of the router, segments of {segment} bytes"),
            format!("路由器 {told} 条消息，报文段 {segment} 字节"),
        ),
    );
}

/// A client and a server on ordinary links, with two routers and a narrow link between them: neither end knows of it.
fn network(lab: &mut Lab, narrow: Impairments) -> Pair {
    let (client, one, two, server) =
        (lab.host("client"), lab.router("one"), lab.router("two"), lab.host("server"));
    let near = scenes::cable(millis(1));
    lab.cable(near, (client, "10.0.1.2/24"), (one, "10.0.1.1/24"));
    lab.cable(narrow, (one, "10.0.2.1/24"), (two, "10.0.2.2/24"));
    lab.cable(near, (two, "10.0.3.1/24"), (server, "10.0.3.2/24"));
    for (node, to, next) in [
        (client, "0.0.0.0/0", "10.0.1.1"),
        (server, "0.0.0.0/0", "10.0.3.1"),
        (one, "10.0.3.0/24", "10.0.2.2"),
        (two, "10.0.1.0/24", "10.0.2.1"),
    ] {
        lab.network.add_route(node, to, next);
    }
    lab.begin();
    Pair { client, server }
}
