use super::*;
use crate::shares::Sender;
use basis::Random;
use wire::ethernet::MacAddress;

fn host() -> Host {
    Host::new(UdpConfig::default(), Random::new([1; 32]).hash_key())
}

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn delivery() -> Delivery {
    let (from, to) = (at("10.0.0.9:1"), at("10.0.0.2:7"));
    Delivery { from, to, sender: Sender::Address(from.ip()), time_to_live: 64, dont_fragment: false }
}

#[test]
fn the_narrower_binding_wins_and_broadcast_goes_to_the_wider() {
    let mut host = host();
    let exact = host.bind(at("10.0.0.1:7"), false, false).unwrap();
    let other = host.bind(at("10.0.0.2:7"), false, false).unwrap();
    let any = host.bind(at("0.0.0.0:8"), false, false).unwrap();
    let source = at("10.0.0.9:1");
    assert_eq!(host.find(source, at("10.0.0.1:7"), false), Some(exact));
    assert_eq!(host.find(source, at("10.0.0.2:7"), false), Some(other));
    assert_eq!(host.find(source, at("10.0.0.3:7"), false), None);
    assert_eq!(host.find(source, at("10.0.0.1:8"), false), Some(any));
    assert_eq!(host.find(source, at("10.0.0.255:8"), true), Some(any));
    assert_eq!(host.find(source, at("10.0.0.1:7"), true), None);
}

#[test]
fn an_event_is_told_once_and_not_after_the_socket_is_closed() {
    let mut host = host();
    let socket = host.bind(at("0.0.0.0:7"), false, false).unwrap();
    for _ in 0..3 {
        host.deliver(socket, delivery(), &mut Frame::copy_of(b"x")).unwrap();
    }
    assert_eq!(host.poll_event(), Some((socket, UdpReadiness::READABLE)));
    assert_eq!(host.poll_event(), None);
    host.deliver(socket, delivery(), &mut Frame::copy_of(b"x")).unwrap();
    host.close(socket);
    assert_eq!(host.poll_event(), None);
    assert!(host.ports.is_empty() && host.by_address.is_empty() && host.untold.is_empty());
    assert_eq!(host.deliver(socket, delivery(), &mut Frame::new()), Err(Dropped::UdpNoSocket));
}

#[test]
fn one_that_floods_leaves_room_in_a_queue_for_all() {
    // As many addresses as it likes.
    let push = |socket: &mut Socket, station: u8, number: u16| {
        let [high, low] = number.to_be_bytes();
        let from = SocketAddr::from(([10, 7, high, low], 1));
        let sender = Sender::new(Some(MacAddress([2, 0, 0, 0, 0, station])), from.ip());
        let delivery = Delivery { from, sender, ..delivery() };
        socket.push(delivery, &mut Frame::copy_of(&[0; 72]), 120_000)
    };
    let flood =
        |socket: &mut Socket, station| (0..2000).filter(|number| push(socket, station, *number)).count();
    // A queue of one owner's has one bound.
    let whole = flood(&mut Socket::new(at("0.0.0.0:7"), false), 100);
    let mut socket = Socket::new(SocketAddr::new(at("[::]:1").ip(), EVERY_PORT), true);
    // Two thirds, then of what is left, and so on; those whose addresses are alike in their last bits have places of their own.
    let taken = [100, 132, 164, 196].map(|station| flood(&mut socket, station));
    for (taken, part) in taken.iter().zip([3, 9, 27, 81]) {
        assert!(taken.abs_diff(2 * whole / part) <= 2, "{taken} of {whole}");
    }
    // What was taken out makes room.
    let all: usize = taken.iter().sum();
    assert_eq!(core::iter::from_fn(|| socket.receive(&mut [], false).ok()).count(), all);
    assert_eq!(flood(&mut socket, 132), taken[0]);
}

/// SO_REUSEPORT.
#[test]
fn datagrams_spread_over_sockets_that_share_a_port_and_the_connected_one_has_its_own() {
    let mut host = host();
    let mut sharing: Vec<_> = (0..4).map(|_| host.bind(at("0.0.0.0:7"), false, true).unwrap()).collect();
    let source = |n: u16| SocketAddr::new([10, 0, 0, 9].into(), n);
    let find = |host: &Host, n| host.find(source(n), at("10.0.0.1:7"), false);
    let count = |host: &Host, id| (0..4_000).filter(|n| find(host, *n) == Some(id)).count();
    for id in &sharing {
        assert!((850..1_150).contains(&count(&host, *id)), "{}", count(&host, *id));
    }
    let connected = host.get_mut(sharing[2]).unwrap();
    (connected.remote, connected.local) = (Some(source(5)), at("10.0.0.1:7").ip());
    assert_eq!((find(&host, 5), count(&host, sharing[2])), (Some(sharing[2]), 1));
    while let Some(gone) = sharing.pop() {
        host.close(gone);
        assert_eq!(count(&host, gone), 0);
    }
    assert!(host.ports.is_empty() && host.by_address.is_empty() && host.sharing.is_empty());
}

#[test]
fn a_port_is_shared_if_all_want_it_and_by_no_more_than_the_bound() {
    let mut host = host();
    host.bind(at("10.0.0.1:6"), false, false).unwrap();
    assert_eq!(host.bind(at("10.0.0.1:6"), false, true), Err(BindError::AddressInUse));
    assert_eq!(host.bind(at("[::]:6"), true, true), Err(BindError::AddressInUse));
    for _ in 0..MAX_SHARERS {
        host.bind(at("[::]:7"), true, true).unwrap();
    }
    assert_eq!(host.bind(at("0.0.0.0:7"), false, true), Err(BindError::TooManySockets));
    assert!(host.bind(at("10.0.0.1:7"), false, true).is_ok(), "beside those on every address");
    assert_eq!(host.bind(at("10.0.0.2:7"), false, false), Err(BindError::AddressInUse));
}

#[test]
fn a_group_s_datagram_is_for_all_who_share_the_port_and_have_joined() {
    let mut host = host();
    let sharing: Vec<_> = (0..3).map(|_| host.bind(at("0.0.0.0:7"), false, true).unwrap()).collect();
    let group = at("224.0.0.251:7");
    for id in &sharing[1..] {
        host.get_mut(*id).unwrap().multicast.groups.push((0, group.ip()));
    }
    let found: Vec<_> = host.find_all_joined(at("10.0.0.9:7"), group, 0).collect();
    assert_eq!(found, sharing[1..]);
}
