//! IPv4 addresses in dotted decimal, read strictly.

use crate::experiment::Experiment;
use crate::lab::Lab;
use crate::parameter::Parameter;
use crate::scenes::{self, millis, seconds};
use crate::text::{listed, text, words};

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "address",
    claims: &[10],
    title: text("Dotted decimal", "点分十进制"),
    says: text(
        "IP marks one computer of a LAN by an address in dotted decimal, from 0.0.0.0 to 255.255.255.255.",
        "IP 用于标识唯一的一台计算机（局域网）的地址，点分十进制，最小值 0.0.0.0，最大值 255.255.255.255。",
    ),
    precise: text(
        "Neither end of the range marks a computer: 0.0.0.0 means \"this host\" or \"any\", 255.255.255.255 everybody on \
         the link; 224.0.0.0/4 are groups, 127.0.0.0/8 is the host itself. Only four decimal numbers without leading zeros \
         are read: 010 was octal for some programs and decimal for others, which has let attackers pass filters.",
        "范围的两端都不标识某台计算机：0.0.0.0 表示“本机”或“任意”，255.255.255.255 表示链路上的所有人；224.0.0.0/4 是组播，127.0.0.0/8 是本机。\
         只接受四个没有前导零的十进制数：010 在有的程序里是八进制，在有的程序里是十进制，曾让攻击者绕过过滤。",
    ),
    look: &[text(
        "A datagram to 255.255.255.255 comes to every other host of the LAN; no router would pass it on.",
        "发往 255.255.255.255 的数据报到达局域网中其他每台主机；路由器不会转发它。",
    )],
    sources: &["RFC 791 3.2", "RFC 1122 3.2.1.3", "RFC 6943 3.1.1"],
    parameters: &[Parameter::number("hosts", text("hosts of the LAN", "局域网中的主机数"), "", (2, 4, 50))],
    rules: &[],
    run,
};

/// What is written, and whether it is an address.
const WRITTEN: [(&str, bool); 10] = [
    ("10.0.0.1", true),
    ("0.0.0.0", true),
    ("255.255.255.255", true),
    ("256.0.0.1", false),
    ("10.0.0", false),
    ("10.0.0.1.2", false),
    ("010.0.0.1", false),
    ("0x0a.0.0.1", false),
    ("10.0.0.-1", false),
    (" 10.0.0.1", false),
];

fn run(lab: &mut Lab) {
    let read = |written: &str| written.parse::<std::net::Ipv4Addr>().ok();
    let rows = WRITTEN.iter().map(|(written, _)| {
        let address = read(written);
        let kind = match address {
            Some(address) if address.is_unspecified() => words("this host, or any", "本机，或任意地址"),
            Some(address) if address.is_broadcast() => words("everybody on the link", "链路上所有人"),
            Some(_) => words("one interface", "一个接口"),
            None => words("not an address", "不是地址"),
        };
        vec![
            format!("{written:?}").into(),
            address.map_or(String::new(), |address| format!("0x{:08x}", address.to_bits())).into(),
            kind,
        ]
    });
    let rows = rows.collect();
    let columns = [text("written", "写法"), text("as a number", "数值"), text("what it is", "含义")];
    lab.table(text("Addresses, read strictly", "严格读取的地址"), &columns, rows);
    let wrong: Vec<&str> = WRITTEN
        .iter()
        .filter(|(written, right)| read(written).is_some() != *right)
        .map(|(written, _)| *written)
        .collect();
    lab.check(
        words("only four decimal numbers of 0 to 255 are an address", "只有四个 0 到 255 的十进制数才是地址"),
        wrong.is_empty(),
        words(
            format!("{} ways of writing one were tried; read wrongly: {}", WRITTEN.len(), listed(&wrong).en),
            format!("试了 {} 种写法；读错的：{}", WRITTEN.len(), listed(&wrong).zh),
        ),
    );
    broadcast(lab);
}

fn broadcast(lab: &mut Lab) {
    let count = lab.number("hosts");
    let switch = lab.switch("switch", sim::network::SwitchConfig::default());
    let hosts: Vec<_> = (1..=count).map(|number| lab.host(&format!("host{number}"))).collect();
    for (number, host) in hosts.iter().enumerate() {
        lab.cable(scenes::cable(millis(1)), (*host, &format!("10.0.0.{}/24", number + 1)), (switch, ""));
    }
    lab.begin();
    let any = std::net::SocketAddr::from(([0, 0, 0, 0], 50_000));
    let sockets: Vec<_> =
        hosts.iter().filter_map(|host| lab.network.stack(*host).udp_bind(any).ok()).collect();
    let (now, everybody) = (lab.network.now(), std::net::SocketAddr::from(([255, 255, 255, 255], 50_000)));
    if let Some(socket) = sockets.first() {
        lab.network.stack(hosts[0]).udp_set_broadcast(*socket, true);
        // If it cannot be sent the check below fails.
        let _ = lab.network.stack(hosts[0]).udp_send(now, *socket, b"to all", Some(everybody));
    }
    lab.run_for(seconds(1));
    let heard = hosts[1..]
        .iter()
        .zip(&sockets[1..])
        .filter(|(host, socket)| lab.network.stack(**host).udp_receive(**socket, &mut [0; 64]).is_ok())
        .count();
    lab.check(
        words(
            "a datagram to 255.255.255.255 comes to every other host of the LAN",
            "发往 255.255.255.255 的数据报到达局域网中其他每台主机",
        ),
        heard as u64 == count - 1,
        words(format!("{heard} of {}", count - 1), format!("{} 台中的 {heard} 台", count - 1)),
    );
}
