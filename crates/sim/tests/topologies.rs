//! Hubs, switches, routers and loopback, and a network of a thousand hosts.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use netstrata_sim::network::{Impairments, Network, NodeId, Occurrence, Outcome, Rule, SwitchConfig};
use std::net::IpAddr;
use std::time::Duration;
use tcp::{Readiness, SocketOptions};

const MS: fn(u64) -> Duration = Duration::from_millis;

fn cable() -> Impairments {
    Impairments { delay: MS(1), ..Impairments::NONE }
}

/// Three hosts on what `add` makes.
fn star(add: impl Fn(&mut Network) -> NodeId) -> (Network, NodeId, [NodeId; 3]) {
    let mut network = Network::new(7);
    let middle = add(&mut network);
    let hosts = ["a", "b", "c"].map(|name| network.add_host(name));
    for (number, host) in hosts.into_iter().enumerate() {
        network.ethernet(cable(), (host, &format!("10.0.0.{}/24", number + 1)), (middle, ""));
    }
    (network, middle, hosts)
}

/// Sends an echo request; whether its reply comes within a second, and the frames that `watched` got meanwhile.
fn ping(network: &mut Network, from: NodeId, to: &str, ttl: Option<u8>, watched: NodeId) -> (bool, usize) {
    let (now, to) = (network.now(), to.parse::<IpAddr>().unwrap());
    let socket = network.stack(from).ping_open().unwrap();
    network.stack(from).ping_send(now, socket, to, 1, b"x", ttl).unwrap();
    let mut heard = 0;
    while let Some(occurrence) = network.advance(now + MS(1_000)) {
        heard += usize::from(matches!(&occurrence, Occurrence::Arrived(arrived) if arrived.node == watched));
    }
    let answered = network.stack(from).ping_receive(socket).is_some();
    network.stack(from).ping_close(socket);
    (answered, heard)
}

#[test]
fn a_switch_learns_and_a_hub_does_not() {
    let (mut network, switch, [a, _, c]) =
        star(|network| network.add_switch("switch", SwitchConfig::default()));
    // The ARP request is for everybody.
    assert_eq!(ping(&mut network, a, "10.0.0.2", None, c), (true, 1));
    assert_eq!(ping(&mut network, a, "10.0.0.2", None, c), (true, 0));
    let known: Vec<usize> = network.stations(switch).iter().map(|station| station.port).collect();
    assert_eq!(known, [0, 1]);
    let (mut network, _, [a, _, c]) = star(|network| network.add_hub("hub"));
    assert_eq!(ping(&mut network, a, "10.0.0.2", None, c), (true, 4));
}

#[test]
fn a_full_or_old_table_floods() {
    let one = SwitchConfig { table: 1, ageing: Duration::from_secs(300) };
    let (mut network, switch, [a, _, c]) = star(|network| network.add_switch("switch", one));
    assert!(ping(&mut network, a, "10.0.0.2", None, c).0);
    assert_eq!(network.stations(switch).len(), 1);
    let brief = SwitchConfig { table: 8, ageing: MS(100) };
    let (mut network, switch, [a, _, c]) = star(|network| network.add_switch("switch", brief));
    assert!(ping(&mut network, a, "10.0.0.2", None, c).0);
    assert!(network.stations(switch).is_empty());
    // Nobody is known any more: the request goes to everybody, the reply to whom it is for.
    assert_eq!(ping(&mut network, a, "10.0.0.2", None, c), (true, 1));
}

/// a - router - b.
fn routed(far: Impairments) -> (Network, NodeId, NodeId, NodeId) {
    let mut network = Network::new(7);
    let (a, router, b) = (network.add_host("a"), network.add_router("router"), network.add_host("b"));
    network.ethernet(cable(), (a, "10.0.1.2/24"), (router, "10.0.1.1/24"));
    network.ethernet(far, (router, "10.0.2.1/24"), (b, "10.0.2.2/24"));
    network.add_route(a, "0.0.0.0/0", "10.0.1.1");
    network.add_route(b, "0.0.0.0/0", "10.0.2.1");
    (network, a, router, b)
}

#[test]
fn a_router_forwards_answers_and_tells_when_it_cannot() {
    let (mut network, a, _, b) = routed(cable());
    assert!(ping(&mut network, a, "10.0.2.2", None, b).0);
    assert!(ping(&mut network, a, "10.0.1.1", None, b).0, "the router answers for itself");
    // The last hop is used up at the router, which says so; nothing comes to b.
    assert_eq!(ping(&mut network, a, "10.0.2.2", Some(1), b).1, 0);
    assert_eq!(ping(&mut network, a, "10.0.9.9", None, b).1, 0);
    let icmp =
        network.trace().records().iter().filter(|record| record.packet().kind == "ICMP" && record.host == a);
    assert!(icmp.count() >= 8);
}

#[test]
fn a_neighbour_of_a_router_that_never_answers_is_given_up() {
    let (mut network, a, router, _) = routed(cable());
    let now = network.now();
    let socket = network.stack(a).ping_open().unwrap();
    network.stack(a).ping_send(now, socket, "10.0.2.77".parse().unwrap(), 1, b"x", None).unwrap();
    assert!(network.run_until_idle(Duration::from_secs(60)));
    let asked = network.trace().records().iter().filter(|record| {
        record.host == router && record.packet().kind == "ARP-request" && record.wire.index() == 1
    });
    assert_eq!(asked.count(), 3);
}

#[test]
fn loopback_stays_at_home() {
    let mut network = Network::new(7);
    let host = network.add_host("host");
    network.add_loopback(host);
    let address = "127.0.0.1:80".parse().unwrap();
    network.stack(host).tcp_listen(address, 8, SocketOptions::default()).unwrap();
    let now = network.now();
    let call = network.stack(host).tcp_connect(now, None, address, SocketOptions::default()).unwrap();
    network.run_for(MS(10));
    assert!(network.stack(host).tcp().readiness(call).contains(Readiness::CONNECTED));
}

#[test]
fn rules_corrupt_and_cut() {
    let (mut network, a, _, b) = routed(cable());
    network.add_rule(Rule::corrupt().from(a).when(|packet| packet.kind == "ICMP").only(1));
    assert!(!ping(&mut network, a, "10.0.2.2", None, b).0);
    assert!(ping(&mut network, a, "10.0.2.2", None, b).0);
    network.add_rule(Rule::cut().from(a).when(|packet| packet.kind == "ICMP").only(1));
    assert!(!ping(&mut network, a, "10.0.2.2", None, b).0);
    assert!(!ping(&mut network, a, "10.0.2.2", None, b).0, "a cut cable stays cut");
}

#[test]
fn a_thousand_hosts_and_a_million_frames() {
    let mut network = Network::new(7);
    network.trace_mut().limit = 0;
    let switch = network.add_switch("switch", SwitchConfig::default());
    let hosts: Vec<NodeId> = (0..1_000).map(|number| network.add_host(&format!("host{number}"))).collect();
    for (number, host) in hosts.iter().enumerate() {
        let address = format!("10.0.{}.{}/16", number / 250, number % 250 + 1);
        network.ethernet(cable(), (*host, &address), (switch, ""));
    }
    let now = network.now();
    for (number, host) in hosts.iter().enumerate() {
        let next = (number + 1) % hosts.len();
        let to = format!("10.0.{}.{}", next / 250, next % 250 + 1).parse().unwrap();
        let socket = network.stack(*host).ping_open().unwrap();
        network.stack(*host).ping_send(now, socket, to, 1, b"x", None).unwrap();
    }
    let (mut taken, mut shown) = (0u64, 0);
    while let Some(occurrence) = network.advance(now + MS(1_000)) {
        if let Occurrence::Arrived(arrived) = &occurrence {
            taken += u64::from(arrived.outcome == Outcome::Taken);
        }
        if network.frames() / 250_000 > shown {
            shown = network.frames() / 250_000;
            println!("{} frames", network.frames());
        }
    }
    assert!(network.frames() > 1_000_000 && taken >= 4_000, "{} frames, {taken} taken", network.frames());
}
