//! A router lets LANs talk: new hardware addresses on each link, the same IP addresses, one hop less to live.

use crate::experiment::Experiment;
use crate::lab::Lab;
use crate::parameter::Parameter;
use crate::scenes::{self, millis, seconds};
use crate::text::{listed, text, words, yes_or_no};

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "router",
    claims: &[9],
    title: text("From LAN to LAN", "局域网之间"),
    says: text("The internet lets LANs communicate with each other.", "互联网让局域网之间进行通信。"),
    precise: text(
        "A host that does not find the destination in its own network sends the packet to its router: the frame carries the \
         router's hardware address, the packet the destination's IP address. The router takes one from the time to live, and \
         makes a new frame for the next link, for which it asks by ARP itself. When the time to live runs out it says so.",
        "目的地不在本网时，主机把包交给路由器：帧写的是路由器的硬件地址，包里仍是目的地的 IP 地址。路由器把生存时间减一，\
         为下一段链路重新做帧，并自己用 ARP 询问。生存时间用完时，它会告知。",
    ),
    look: &[
        text("ARP on both sides, each for its own link.", "两侧各自的 ARP，只管自己的链路。"),
        text(
            "The packet on both links: other hardware addresses, TTL 64 and 63.",
            "两段链路上的同一个包：硬件地址不同，TTL 为 64 和 63。",
        ),
    ],
    sources: &["RFC 1812 5.2, 5.3.1", "RFC 826", "RFC 792"],
    parameters: &[Parameter::number(
        "ttl",
        text("time to live of the echo", "回显请求的生存时间"),
        "",
        (1, 64, 255),
    )],
    rules: &[],
    run,
};

fn run(lab: &mut Lab) {
    let ttl = lab.number("ttl") as u8;
    let cable = scenes::cable(millis(5));
    let scenes::Pair { client, .. } = scenes::routed(lab, cable, cable);
    let now = lab.network.now();
    let Ok(socket) = lab.network.stack(client).ping_open() else { return };
    let to = std::net::IpAddr::from([10, 0, 2, 2]);
    // If it cannot be sent, the checks fail.
    let _ = lab.network.stack(client).ping_send(now, socket, to, 1, b"across", Some(ttl));
    lab.run_for(seconds(5));
    let asked = |link: usize| {
        lab.frames().iter().any(|frame| frame.link == link && frame.summary.info.starts_with("who has"))
    };
    let both = (asked(0), asked(1));
    let wanted = (true, ttl > 1);
    lab.check_undisturbed(
        words("ARP asks on each link for itself", "每段链路各自进行 ARP"),
        both == wanted,
        match both {
            (true, true) => words("asked on both links", "两段链路上都有询问"),
            (true, false) => words("asked on the client's link only", "只在客户端一侧询问"),
            (false, true) => words("asked on the server's link only", "只在服务端一侧询问"),
            (false, false) => words("nobody asked", "没有询问"),
        },
    );
    let requests: Vec<Vec<u8>> = lab
        .frames()
        .iter()
        .filter(|frame| frame.summary.info == "echo request 1")
        .filter_map(|frame| hex(&frame.bytes))
        .collect();
    if ttl == 1 {
        let told = lab.frames().iter().any(|frame| frame.summary.info == "time exceeded");
        let seen =
            if told { words("time exceeded", "已告知超时") } else { words("nothing", "没有消息") };
        return lab.check_undisturbed(
            words("the router tells that its time is over", "路由器告知生存时间用完"),
            told,
            seen,
        );
    }
    let same = requests.len() == 2
        && requests[0][..6] != requests[1][..6]
        && requests[0][6..12] != requests[1][6..12]
        && requests[0][26..34] == requests[1][26..34];
    lab.check_undisturbed(
        words(
            "the router changes the hardware addresses and keeps the IP addresses",
            "路由器换掉硬件地址，保留 IP 地址",
        ),
        same,
        words(
            format!("the request was on {} links", requests.len()),
            format!("请求出现在 {} 段链路上", requests.len()),
        ),
    );
    let lives: Vec<u8> = requests.iter().filter_map(|bytes| bytes.get(22).copied()).collect();
    lab.check_undisturbed(
        words("it takes one from the time to live", "生存时间减一"),
        lives == [ttl, ttl - 1],
        listed(&lives),
    );
    let reply = scenes::echoed(lab, client, socket);
    lab.check(words("the answer finds its way back", "回应找到了回来的路"), reply, yes_or_no(reply));
}

fn hex(text: &str) -> Option<Vec<u8>> {
    (0..text.len() / 2)
        .map(|place| u8::from_str_radix(text.get(2 * place..2 * place + 2)?, 16).ok())
        .collect()
}
