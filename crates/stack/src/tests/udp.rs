//! UDP sockets: binding, bounds, errors.

use super::harness::*;
use crate::{
    BindError, Dropped, Event, Probing, ReceiveError, SendError, StackConfig, UdpConfig, UdpReadiness,
};
use core::net::SocketAddr;
use std::vec;
use wire::{ipv4, protocol};

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

#[test]
fn an_address_and_port_belongs_to_one_socket() {
    let mut bench = Bench::new();
    let first = bench.stack.udp_bind(at("10.7.0.2:7")).unwrap();
    assert_eq!(bench.stack.udp_bind(at("10.7.0.2:7")), Err(BindError::AddressInUse));
    assert_eq!(bench.stack.udp_bind(at("0.0.0.0:7")), Err(BindError::AddressInUse));
    assert_eq!(bench.stack.udp_bind(at("10.7.0.3:8")), Err(BindError::AddressNotAvailable));
    assert_eq!(bench.stack.udp_bind(at("[fd07::2]:8")), Err(BindError::AddressNotAvailable));
    bench.stack.udp_close(first);
    let any = bench.stack.udp_bind(at("0.0.0.0:7")).unwrap();
    assert_eq!(bench.stack.udp_bind(at("10.7.0.2:7")), Err(BindError::AddressInUse));
    assert_eq!(bench.stack.udp_local(first), None, "a closed socket's name finds nothing");
    assert_eq!(bench.stack.udp_local(any), Some(at("0.0.0.0:7")));
    let chosen = bench.stack.udp_bind(at("0.0.0.0:0")).unwrap();
    assert!(bench.stack.udp_local(chosen).unwrap().port() >= 32768);
}

#[test]
fn sockets_and_ports_are_bounded() {
    let udp = UdpConfig { max_sockets: 5, ..UdpConfig::default() };
    let config = StackConfig { udp, ephemeral_ports: 50000..=50002, ..StackConfig::default() };
    let mut bench = Bench::with(config);
    for _ in 0..3 {
        bench.stack.udp_bind(at("0.0.0.0:0")).unwrap();
    }
    assert_eq!(bench.stack.udp_bind(at("0.0.0.0:0")), Err(BindError::NoFreePort));
    for port in 1..=2 {
        bench.stack.udp_bind((OURS, port).into()).unwrap();
    }
    assert_eq!(bench.stack.udp_bind(at("0.0.0.0:3")), Err(BindError::TooManySockets));
    assert_eq!(bench.stack.udp_sockets().count(), 5);
}

#[test]
fn datagrams_keep_their_bounds_and_senders() {
    let mut bench = Bench::acquainted();
    let socket = bench.stack.udp_bind(at("0.0.0.0:7")).unwrap();
    assert_eq!(bench.stack.udp_receive(socket, &mut [0; 4]), Err(ReceiveError::WouldBlock));
    for (from, payload) in [(1, &b"first"[..]), (2, b""), (3, &[9; 1000])] {
        bench.udp(from, 7, payload).unwrap();
    }
    assert_eq!(bench.events(), [Event::Udp(socket, UdpReadiness::READABLE)]);
    let mut buffer = [0; 4];
    assert_eq!(bench.stack.udp_peek(socket, &mut buffer), Ok((4, 5, (PEER, 1).into())));
    assert_eq!(bench.stack.udp_receive(socket, &mut buffer), Ok((4, 5, (PEER, 1).into())));
    assert_eq!(&buffer, b"firs");
    assert_eq!(bench.stack.udp_receive(socket, &mut buffer), Ok((0, 0, (PEER, 2).into())));
    assert_eq!(bench.stack.udp_receive(socket, &mut []), Ok((0, 1000, (PEER, 3).into())));
    assert_eq!(bench.stack.udp_receive(socket, &mut buffer), Err(ReceiveError::WouldBlock));
}

#[test]
fn what_waits_to_be_read_is_bounded_even_when_it_is_empty() {
    for length in [0, 100, 1400] {
        let udp = UdpConfig { receive_buffer: 10_000, ..UdpConfig::default() };
        let mut bench = Bench::acquainted_with(StackConfig { udp, ..StackConfig::default() });
        let socket = bench.stack.udp_bind(at("0.0.0.0:7")).unwrap();
        let payload = vec![0; length];
        let taken = (0..1000).filter(|_| bench.udp(1, 7, &payload).is_ok()).count();
        assert!(taken >= 5 && taken <= 10_000 / length.max(64) + 1, "{taken} of {length} bytes");
        assert_eq!(bench.udp(1, 7, &payload), Err(Dropped::UdpQueueFull));
        bench.stack.udp_receive(socket, &mut []).unwrap();
        assert_eq!(bench.udp(1, 7, &payload), Ok(()));
    }
}

#[test]
fn what_waits_to_be_sent_is_bounded_and_room_is_reported() {
    let udp = UdpConfig { send_buffer: 10_000, ..UdpConfig::default() };
    let mut bench = Bench::acquainted_with(StackConfig { udp, ..StackConfig::default() });
    let socket = bench.stack.udp_bind(at("0.0.0.0:7")).unwrap();
    let send =
        |bench: &mut Bench| bench.stack.udp_send(bench.now, socket, &[0; 1000], Some((PEER, 7).into()));
    let sent = (0..100).filter(|_| send(&mut bench).is_ok()).count();
    assert!((3..=10).contains(&sent), "{sent}");
    assert_eq!(send(&mut bench), Err(SendError::WouldBlock));
    assert!(!bench.stack.udp_readiness(socket).contains(UdpReadiness::WRITABLE));
    assert_eq!(bench.events(), []);
    assert_eq!(bench.sent_packets().len(), sent);
    assert_eq!(bench.events(), [Event::Udp(socket, UdpReadiness::WRITABLE)]);
    assert!(send(&mut bench).is_ok());
    // A link that goes takes what waits with it, but not the room.
    while send(&mut bench).is_ok() {}
    bench.stack.set_link_state(bench.now, bench.id, false);
    assert_eq!(bench.events(), [Event::Udp(socket, UdpReadiness::WRITABLE)]);
    assert_eq!(send(&mut bench), Err(SendError::NoRoute));
}

#[test]
fn a_connected_socket_hears_only_its_peer() {
    let mut bench = Bench::acquainted();
    let socket = bench.stack.udp_bind(at("0.0.0.0:7")).unwrap();
    bench.stack.udp_connect(socket, (PEER, 9).into()).unwrap();
    assert_eq!(bench.stack.udp_local(socket), Some(at("10.7.0.2:7")));
    assert_eq!(bench.stack.udp_remote(socket), Some((PEER, 9).into()));
    assert_eq!(bench.udp(8, 7, b"x"), Err(Dropped::UdpNoSocket));
    assert_eq!(bench.udp(9, 7, b"x"), Ok(()));
    assert_eq!(bench.stack.udp_send(bench.now, socket, b"x", None), Ok(1));
}

#[test]
fn broadcast_is_received_and_sent_only_if_allowed() {
    let mut bench = Bench::acquainted();
    let socket = bench.stack.udp_bind(at("0.0.0.0:7")).unwrap();
    for destination in [[10, 7, 0, 255], [255; 4]] {
        let header = ipv4::Header { destination: destination.into(), ..from_peer(protocol::UDP) };
        bench.packet(header, &udp_bytes_to(destination.into(), 1, 7, b"x")).unwrap();
    }
    for to in ["10.7.0.255:7", "255.255.255.255:7"] {
        assert_eq!(
            bench.stack.udp_send(bench.now, socket, b"x", Some(at(to))),
            Err(SendError::BroadcastNotAllowed)
        );
        assert!(bench.stack.udp_connect(socket, at(to)).is_err());
    }
    bench.stack.udp_set_broadcast(socket, true);
    assert_eq!(bench.stack.udp_send(bench.now, socket, b"x", Some(at("10.7.0.255:7"))), Ok(1));
}

#[test]
fn impossible_datagrams_are_refused() {
    let mut bench = Bench::new();
    let socket = bench.stack.udp_bind(at("0.0.0.0:7")).unwrap();
    let mut send =
        |payload: &[u8], to: Option<SocketAddr>| bench.stack.udp_send(bench.now, socket, payload, to);
    assert_eq!(send(b"x", None), Err(SendError::NoDestination));
    assert_eq!(send(b"x", Some((PEER, 0).into())), Err(SendError::InvalidDestination));
    assert_eq!(send(b"x", Some(at("[::1]:7"))), Err(SendError::InvalidDestination));
    assert_eq!(send(&[0; 65508], Some((PEER, 7).into())), Err(SendError::TooLong));
    assert_eq!(send(&[0; 65507], Some((PEER, 7).into())), Ok(65507));
    bench.stack.udp_close(socket);
    assert_eq!(
        bench.stack.udp_send(bench.now, socket, b"x", Some((PEER, 7).into())),
        Err(SendError::NoSuchSocket)
    );
}

#[test]
fn a_checksum_of_zero_is_none_and_a_wrong_one_is_dropped() {
    let mut bench = Bench::acquainted();
    bench.stack.udp_bind(at("0.0.0.0:7")).unwrap();
    let mut bytes = udp_bytes(1, 7, b"x");
    bytes[6..8].copy_from_slice(&[0, 0]);
    assert_eq!(bench.packet(from_peer(protocol::UDP), &bytes), Ok(()));
    bytes[6..8].copy_from_slice(&[1, 2]);
    let wrong = bench.packet(from_peer(protocol::UDP), &bytes);
    assert_eq!(wrong, Err(Dropped::Malformed(wire::Malformed::UdpChecksum)));
}

#[test]
fn who_has_no_address_yet_asks_all_on_the_link_from_none_and_hears_the_answer() {
    let mut bench = Bench::bare(StackConfig::default());
    let socket = bench.stack.udp_bind(at("0.0.0.0:68")).unwrap();
    let ask = |bench: &mut Bench, to: &str| bench.stack.udp_send(bench.now, socket, b"x", Some(at(to)));
    assert_eq!(ask(&mut bench, "255.255.255.255:67"), Err(SendError::BroadcastNotAllowed));
    assert!(bench.stack.udp_set_broadcast(socket, true));
    assert_eq!(ask(&mut bench, "255.255.255.255:67"), Ok(1));
    let sent = bench.sent_packets();
    assert_eq!(sent.len(), 1);
    let (header, _) = &sent[0];
    assert_eq!((header.source, header.destination), ([0, 0, 0, 0].into(), [255; 4].into()));
    // Nobody else can be asked so.
    assert_eq!(ask(&mut bench, "10.7.0.1:67"), Err(SendError::NoRoute));
    let header = ipv4::Header { destination: [255; 4].into(), ..from_peer(protocol::UDP) };
    bench.packet(header, &udp_bytes_to([255; 4].into(), 67, 68, b"answer")).unwrap();
    let mut buffer = [0; 10];
    assert_eq!(bench.stack.udp_receive(socket, &mut buffer), Ok((6, 6, (PEER, 67).into())));
    // With an address, from it.
    bench.stack.add_address(bench.now, bench.id, OURS.into(), 24, Probing::Skip).unwrap();
    bench.sent();
    assert_eq!(ask(&mut bench, "255.255.255.255:67"), Ok(1));
    assert_eq!(bench.sent_packets()[0].0.source, OURS);
}
