//! A client that knows a service by its name alone finds it on the LAN.

use crate::experiment::Experiment;
use crate::lab::Lab;
use crate::parameter::Parameter;
use crate::scenes::{self, seconds};
use crate::text::{Words, listed, text, words};

use basis::Random;
use names::record::PTR;
use names::{Browser, Found, GROUP_V4, Name, Offer, PORT, Responder, To, Transmit};
use sim::network::{NodeId, SwitchConfig};
use stack::UdpId;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tcp::SocketOptions;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "discovery",
    claims: &[3],
    title: text("A client looks for the service", "客户端去寻找服务端"),
    says: text(
        "The client looks for the service on its own initiative, and enjoys what it offers.",
        "客户端是主动去寻找服务端的，享受服务端提供的服务。",
    ),
    precise: text(
        "A client must know an address and a port before it can call. On a LAN it can ask everybody (multicast DNS, 224.0.0.251, port \
         5353) for a kind of service, and whoever offers it answers with its name, port and address. Names must be the only ones: each \
         server asks three times whether its name is free; of two, one gets another name. Who leaves says goodbye. The servers and the \
         client here run the code of `serve` and `find`.",
        "客户端必须先知道地址和端口才能连接。在局域网里，它可以用组播 DNS（224.0.0.251，端口 5353）向所有人询问某类服务，提供者用名字、端口和地址回答。\
         名字必须唯一：每个服务端先问三次名字是否空闲；两个同名的，其中一个改名。离开者会道别。这里的服务端和客户端运行的就是 `serve` 和 `find` 的代码。",
    ),
    look: &[
        text("Three questions before the first announcement.", "第一次通告之前的三次询问。"),
        text("The call goes to the address and port that were found.", "连接用的是找到的地址和端口。"),
    ],
    sources: &["RFC 6762 8, 10.1", "RFC 6763 4"],
    parameters: &[
        Parameter::number(
            "delay",
            text("one-way delay of each cable", "每条电缆的单程时延"),
            "ms",
            (0, 1, 100),
        ),
        Parameter::flag("twins", text("a second server of the same name", "第二个同名的服务端"), true),
    ],
    rules: &[],
    run,
};

const KIND: &str = "_netstrata-talk._tcp.local";
/// How often the programs look whether something is to be done.
const TICK: Duration = Duration::from_millis(5);

/// A program on a host, with its socket.
struct Station<E> {
    node: NodeId,
    socket: UdpId,
    engine: E,
}

fn run(lab: &mut Lab) {
    let cable = scenes::cable(lab.millis("delay"));
    let (client, switch) = (lab.host("client"), lab.switch("switch", SwitchConfig::default()));
    let one = lab.host("server");
    lab.cable(cable, (client, "10.0.0.1/24"), (switch, ""));
    lab.cable(cable, (one, "10.0.0.2/24"), (switch, ""));
    let twin = lab.flag("twins").then(|| lab.host("twin"));
    if let Some(twin) = twin {
        lab.cable(cable, (twin, "10.0.0.3/24"), (switch, ""));
    }
    lab.begin();
    let options = SocketOptions { no_delay: true, ..SocketOptions::default() };
    let Some(listener) = lab.listen(one, 9528, 10, options) else { return };
    let hosts = [(one, 2)].into_iter().chain(twin.map(|twin| (twin, 3)));
    let servers: Option<Vec<_>> = hosts.map(|(node, last)| server(lab, node, last)).collect();
    let (Some(mut servers), Some(mut browser)) = (servers, browser(lab, client)) else { return };
    let lan_time = seconds(10) + 20 * lab.millis("delay");
    live(lab, &mut servers, None, lan_time);
    let names: Vec<String> = servers
        .iter()
        .flat_map(|server| server.engine.instances().map(Name::first).collect::<Vec<_>>())
        .collect();
    check_names(lab, &servers, &names);

    let Ok(kind) = Name::parse(KIND) else { return };
    browser.engine.ask(&kind, PTR);
    live(lab, &mut servers, Some(&mut browser), seconds(2) + 4 * lab.millis("delay"));
    let found = browser.engine.services(lab.network.now(), &kind);
    show(lab, &found);
    lab.check(
        words("the client finds every server by the kind of service", "客户端按服务类型找到每个服务端"),
        found.len() == servers.len(),
        listed(found.iter().map(|found| found.instance.first())),
    );
    let place = found.iter().find(|found| found.addresses.contains(&IpAddr::from([10, 0, 0, 2])));
    let place = place.map(|found| format!("10.0.0.2:{}", found.port));
    let heard = place.as_deref().and_then(|place| call(lab, client, (one, listener), place));
    lab.check(
        words("what was found can be called", "找到的服务可以连接"),
        heard.as_deref() == Some(b"found you"),
        words(place.clone().unwrap_or("nothing was found".into()), place.unwrap_or("没有找到".into())),
    );
    let now = lab.network.now();
    servers[0].engine.leave(now);
    live(lab, &mut servers, Some(&mut browser), seconds(2) + 4 * lab.millis("delay"));
    let left = browser.engine.services(lab.network.now(), &kind);
    lab.check(
        words("who says goodbye is no longer found", "道别之后就找不到了"),
        left.len() + 1 == found.len()
            && left.iter().all(|left| !left.addresses.contains(&[10, 0, 0, 2].into())),
        listed(left.iter().map(|left| left.instance.first())),
    );
}

fn check_names(lab: &mut Lab, servers: &[Station<Responder>], names: &[String]) {
    let settled = servers.iter().all(|server| server.engine.is_settled());
    let expected: &[&str] = if servers.len() == 2 { &["talk", "talk (2)"] } else { &["talk"] };
    let mut sorted = names.to_vec();
    sorted.sort();
    lab.check(
        words("every name is the only one of its kind", "每个名字都是唯一的"),
        settled && sorted == expected,
        listed(names),
    );
}

fn socket(lab: &mut Lab, node: NodeId) -> Option<UdpId> {
    let now = lab.network.now();
    let stack = lab.network.stack(node);
    let socket = stack.udp_bind(SocketAddr::from(([0, 0, 0, 0], PORT))).ok()?;
    stack.udp_join(now, socket, GROUP_V4.into(), None).ok()?;
    Some(socket)
}

/// A server that wants the names of all of them: `server.local`, and `talk`.
fn server(lab: &mut Lab, node: NodeId, last: u8) -> Option<Station<Responder>> {
    let offer = Offer {
        instance: "talk".into(),
        kind: KIND.strip_suffix(".local")?.into(),
        port: 9528,
        text: Vec::new(),
    };
    let (now, random) = (lab.network.now(), Random::new([last; 32]));
    let engine = Responder::new(now, "server", &[[10, 0, 0, last].into()], vec![offer], random).ok()?;
    Some(Station { node, socket: socket(lab, node)?, engine })
}

fn browser(lab: &mut Lab, node: NodeId) -> Option<Station<Browser>> {
    let engine = Browser::new(lab.network.now(), Random::new([1; 32]));
    Some(Station { node, socket: socket(lab, node)?, engine })
}

/// Lets the programs do what is theirs for so long.
fn live(
    lab: &mut Lab,
    servers: &mut [Station<Responder>],
    mut browser: Option<&mut Station<Browser>>,
    time: Duration,
) {
    let end = lab.network.now() + time;
    while lab.network.now() < end {
        for Station { node, socket, engine } in &mut *servers {
            while let Some((bytes, from)) = receive(lab, *node, *socket) {
                engine.on_message(lab.network.now(), from, &bytes);
            }
            while let Some(next) = engine.poll_transmit(lab.network.now()) {
                send(lab, *node, *socket, &next);
            }
        }
        if let Some(Station { node, socket, engine }) = browser.as_deref_mut() {
            while let Some((bytes, from)) = receive(lab, *node, *socket) {
                engine.on_message(lab.network.now(), from, &bytes);
            }
            while let Some(next) = engine.poll_transmit(lab.network.now()) {
                send(lab, *node, *socket, &next);
            }
        }
        lab.run_for(TICK);
    }
}

fn receive(lab: &mut Lab, node: NodeId, socket: UdpId) -> Option<(Vec<u8>, SocketAddr)> {
    let mut room = vec![0; 2_000];
    let (copied, _, from) = lab.network.stack(node).udp_receive(socket, &mut room).ok()?;
    room.truncate(copied);
    Some((room, from))
}

fn send(lab: &mut Lab, node: NodeId, socket: UdpId, next: &Transmit) {
    let to = match next.to {
        To::Everybody => SocketAddr::new(GROUP_V4.into(), PORT),
        To::One(to) => to,
    };
    let now = lab.network.now();
    // What cannot be sent is lost, as any datagram may be.
    let _ = lab.network.stack(node).udp_send(now, socket, &next.bytes, Some(to));
}

/// Calls the service where it was found, and says something.
fn call(
    lab: &mut Lab,
    client: NodeId,
    (server, listener): (NodeId, tcp::ListenerId),
    place: &str,
) -> Option<Vec<u8>> {
    let caller = lab.connect(client, place, SocketOptions::default())?;
    let called = scenes::accept(lab, server, listener, seconds(70))?;
    lab.run_until(seconds(70), |lab| lab.readiness(client, caller).contains(tcp::Readiness::CONNECTED));
    lab.write(client, caller, b"found you");
    let heard = scenes::read(lab, server, called, 9, seconds(30));
    lab.write(server, called, &heard);
    let answer = scenes::read(lab, client, caller, 9, seconds(30));
    lab.close(client, caller);
    lab.close(server, called);
    Some(answer)
}

fn show(lab: &mut Lab, found: &[Found]) {
    let rows = found.iter().map(|found| -> Vec<Words> {
        let place = found.addresses.first().map(|ip| SocketAddr::new(*ip, found.port).to_string());
        vec![found.instance.first().into(), found.host.to_string().into(), place.unwrap_or_default().into()]
    });
    let columns = [text("service", "服务"), text("host", "主机"), text("where", "地址和端口")];
    lab.table(text("What the client found", "客户端找到的"), &columns, rows.collect());
}
