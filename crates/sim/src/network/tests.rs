use super::*;
use std::time::Duration;
use tcp::{ConnectionId, Readiness, SocketOptions};
use wire::tcp::Flags;

const MS: fn(u64) -> Duration = Duration::from_millis;

/// Two hosts on a cable; `b` listens on port 80.
fn pair(seed: u64, impairments: Impairments) -> (Network, HostId, HostId, tcp::ListenerId) {
    let mut network = Network::new(seed);
    let (a, b) = (network.add_host("a"), network.add_host("b"));
    network.cable(impairments, (a, "10.0.0.1/24"), (b, "10.0.0.2/24"));
    let listening = network.stack(b).tcp_listen("10.0.0.2:80".parse().unwrap(), 8, SocketOptions::default());
    let (listener, _) = listening.unwrap();
    (network, a, b, listener)
}

fn connect(network: &mut Network, host: HostId) -> ConnectionId {
    let now = network.now();
    let remote = "10.0.0.2:80".parse().unwrap();
    network.stack(host).tcp_connect(now, None, remote, SocketOptions::default()).unwrap()
}

fn is_connected(network: &mut Network, host: HostId, id: ConnectionId) -> bool {
    network.stack(host).tcp().readiness(id).contains(Readiness::CONNECTED)
}

#[test]
fn a_handshake_takes_one_round_trip() {
    let (mut network, a, ..) = pair(1, Impairments { delay: MS(50), ..Impairments::NONE });
    let id = connect(&mut network, a);
    network.run_for(MS(99));
    assert!(!is_connected(&mut network, a, id));
    network.run_for(MS(1));
    assert!(is_connected(&mut network, a, id));
}

#[test]
fn a_rule_meets_the_packet_it_names_and_no_other() {
    let (mut network, a, b, _) = pair(1, Impairments { delay: MS(10), ..Impairments::NONE });
    let rule = network.add_rule(Rule::drop().from(b).with_flags(Flags::SYN | Flags::ACK).first(2));
    let id = connect(&mut network, a);
    network.run_for(MS(3_500));
    assert!(is_connected(&mut network, a, id));
    assert_eq!(network.rule(rule).met(), 2);
    let lost = network.trace().records().iter().filter(|record| record.fate == Fate::Ruled).count();
    assert_eq!(lost, 2);
    let syns = network.trace().segments_from(a).filter(|(_, packet)| packet.has_flags(Flags::SYN)).count();
    assert!(syns >= 2, "the SYN was repeated {syns} times");
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_gives_another() {
    let run = |seed| {
        let impairments = Impairments {
            rate: Some(10_000_000),
            delay: MS(5),
            jitter: MS(3),
            loss: 20_000,
            duplication: 20_000,
            reordering: 20_000,
            corruption: 10_000,
            ..Impairments::NONE
        };
        let (mut network, a, ..) = pair(seed, impairments);
        let id = connect(&mut network, a);
        network.run_for(MS(5_000));
        let now = network.now();
        let _ = network.stack(a).tcp_mut().write(now, id, &[7; 200_000]);
        network.run_for(MS(5_000));
        (network.trace().digest(), network.trace().count())
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5), run(6));
}

#[test]
fn a_rate_spaces_frames_and_a_full_queue_drops_them() {
    // 10 Mbit/s: 1500 bytes take 1.2 ms. Ten segments are sent at once; the queue has room for four.
    let impairments =
        Impairments { rate: Some(10_000_000), queue: 6_000, delay: MS(10), ..Impairments::NONE };
    let (mut network, a, b, listener) = pair(1, impairments);
    let id = connect(&mut network, a);
    network.run_for(MS(100));
    let now = network.now();
    assert_eq!(network.stack(a).tcp_mut().write(now, id, &[7; 14_480]), Ok(14_480));
    network.run_for(MS(15));
    let records = network.trace().records();
    let data = |record: &&Record| record.packet().payload > 1_000;
    let times: Vec<u64> = records
        .iter()
        .filter(|record| record.host == b && record.fate == Fate::Received)
        .filter(data)
        .map(|record| (record.at - now).as_micros() as u64)
        .collect();
    assert_eq!(times, [11_200, 12_400, 13_600, 14_800]);
    assert_eq!(records.iter().filter(|record| record.fate == Fate::QueueFull).count(), 6);
    network.run_for(MS(5_000));
    let accepted = network.stack(b).tcp_mut().accept(listener).unwrap();
    let mut out = vec![0; 20_000];
    let now = network.now();
    assert_eq!(network.stack(b).tcp_mut().read(now, accepted, &mut out), Ok(14_480));
}

#[test]
fn a_cut_wire_carries_nothing_until_it_is_mended() {
    let mut network = Network::new(3);
    let (a, b) = (network.add_host("a"), network.add_host("b"));
    let cable = network.cable(Impairments::NONE, (a, "10.0.0.1/24"), (b, "10.0.0.2/24"));
    network.stack(b).tcp_listen("10.0.0.2:80".parse().unwrap(), 8, SocketOptions::default()).unwrap();
    network.set_up(cable, false);
    let id = connect(&mut network, a);
    network.run_for(MS(500));
    assert!(!is_connected(&mut network, a, id));
    assert!(network.trace().records().iter().any(|record| record.fate == Fate::Cut));
    network.set_up(cable, true);
    network.run_for(MS(600));
    assert!(is_connected(&mut network, a, id));
}

#[test]
fn on_a_segment_every_host_reaches_every_other() {
    let mut network = Network::new(4);
    let hosts = ["a", "b", "c"].map(|name| network.add_host(name));
    let addresses = ["10.0.0.1/24", "10.0.0.2/24", "10.0.0.3/24"];
    let ends: Vec<(HostId, &str)> = hosts.into_iter().zip(addresses).collect();
    network.segment(Impairments { delay: MS(1), ..Impairments::NONE }, &ends);
    network.stack(hosts[1]).tcp_listen("10.0.0.2:80".parse().unwrap(), 8, SocketOptions::default()).unwrap();
    let from_a = connect(&mut network, hosts[0]);
    let from_c = connect(&mut network, hosts[2]);
    network.run_for(MS(50));
    assert!(is_connected(&mut network, hosts[0], from_a) && is_connected(&mut network, hosts[2], from_c));
}

#[test]
fn an_idle_network_is_idle() {
    let (mut network, a, ..) = pair(1, Impairments { delay: MS(10), ..Impairments::NONE });
    connect(&mut network, a);
    assert!(network.run_until_idle(MS(10_000)));
    assert_eq!(network.in_flight(), 0);
}
