//! Sockets of both families side by side (RFC 3493 5.3).

use super::harness::*;
use crate::tests::harness::*;
use crate::{BindError, ConnectError, Probing, SendError, UdpConnectError};
use core::net::SocketAddr;
use tcp::SocketOptions;

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// A host with 10.7.0.2 and fd07::2.
fn both() -> Bench {
    let mut bench = Bench::acquainted();
    bench.stack.add_address(bench.now, bench.id, US.into(), 64, Probing::Skip).unwrap();
    bench
}

#[test]
fn a_socket_on_every_address_hears_both_families_unless_it_is_of_one_alone() {
    let mut bench = both();
    let dual = bench.stack.udp_bind(at("[::]:7")).unwrap();
    assert_eq!(bench.stack.udp_bind(at("0.0.0.0:7")), Err(BindError::AddressInUse));
    assert_eq!(bench.stack.udp_bind(at("10.7.0.2:7")), Err(BindError::AddressInUse));
    bench.udp(1, 7, b"four").unwrap();
    bench.packet_v6(&from_them(wire::protocol::UDP), &udp_v6_bytes(US, 1, 7, b"sixteen")).unwrap();
    assert_eq!(bench.stack.udp_receive(dual, &mut [0; 9]), Ok((4, 4, (PEER, 1).into())));
    assert_eq!(bench.stack.udp_receive(dual, &mut [0; 9]), Ok((7, 7, (THEM, 1).into())));
    for to in ["10.7.0.3:9", "[::ffff:10.7.0.3]:9", "[fd07::3]:9"] {
        assert_eq!(bench.stack.udp_send(bench.now, dual, b"x", Some(at(to))), Ok(1), "{to}");
    }
    assert_eq!(bench.sent_packets_of_v4(), 2);

    let only = bench.stack.udp_bind_v6_only(at("[::]:8")).unwrap();
    let four = bench.stack.udp_bind(at("0.0.0.0:8")).unwrap();
    bench.udp(1, 8, b"four").unwrap();
    assert!(bench.stack.udp_receive(only, &mut [0; 9]).is_err());
    assert!(bench.stack.udp_receive(four, &mut [0; 9]).is_ok());
    let invalid = Err(SendError::InvalidDestination);
    assert_eq!(bench.stack.udp_send(bench.now, only, b"x", Some(at("10.7.0.3:9"))), invalid);
    assert_eq!(bench.stack.udp_send(bench.now, four, b"x", Some(at("[fd07::3]:9"))), invalid);
    assert_eq!(bench.stack.udp_connect(four, at("[fd07::3]:9")), Err(UdpConnectError::InvalidDestination));
    bench.stack.udp_close(dual);
    assert!(bench.stack.udp_bind(at("0.0.0.0:7")).is_ok());
}

impl Bench {
    fn sent_packets_of_v4(&mut self) -> usize {
        self.sent().iter().filter(|bytes| open_v6(bytes).is_none()).count()
    }
}

#[test]
fn a_mapped_address_is_the_one_in_it() {
    let mut bench = both();
    let socket = bench.stack.udp_bind(at("[::ffff:10.7.0.2]:7")).unwrap();
    assert_eq!(bench.stack.udp_local(socket), Some(at("10.7.0.2:7")));
    bench.stack.udp_connect(socket, at("[::ffff:10.7.0.3]:9")).unwrap();
    assert_eq!(bench.stack.udp_remote(socket), Some(at("10.7.0.3:9")));
    let options = SocketOptions::default();
    let id = bench.stack.tcp_connect(bench.now, None, at("[::ffff:10.7.0.3]:80"), options).unwrap();
    let tuple = bench.stack.tcp().tuple(id).unwrap();
    assert_eq!((tuple.local, tuple.remote), (OURS.into(), PEER.into()));
}

#[test]
fn listeners_of_one_family_or_of_both_keep_out_of_each_others_way() {
    let mut bench = both();
    let options = SocketOptions::default();
    let mut listen = |local, only: bool| match only {
        false => bench.stack.tcp_listen(at(local), 1, options).map(|(_, local)| local),
        true => bench.stack.tcp_listen_v6_only(at(local), 1, options).map(|(_, local)| local),
    };
    let used = Err(BindError::AddressInUse);
    assert_eq!(listen("[::]:80", false), Ok(at("[::]:80")));
    assert_eq!(listen("0.0.0.0:80", false), used);
    assert_eq!(listen("[fd07::2]:80", false), used);
    assert_eq!(listen("10.7.0.2:80", false), used);
    assert_eq!(listen("[::]:81", true), Ok(at("[::]:81")));
    assert_eq!(listen("0.0.0.0:81", false), Ok(at("0.0.0.0:81")));
    assert_eq!(listen("10.7.0.2:81", false), used);
    assert_eq!(listen("[fd07::2]:81", false), used);
    assert_eq!(listen("[fd07::2]:82", false), Ok(at("[fd07::2]:82")));
    assert_eq!(listen("0.0.0.0:82", false), Ok(at("0.0.0.0:82")));
    assert_eq!(listen("[::]:82", false), used);
    assert_eq!(listen("[fd07::9]:83", false), Err(BindError::AddressNotAvailable));
}

#[test]
fn ways_that_do_not_exist_are_told() {
    let mut bench = both();
    let options = SocketOptions::default();
    let mut connect = |local: Option<&str>, remote: &str| {
        bench.stack.tcp_connect(bench.now, local.map(at), at(remote), options).err()
    };
    assert_eq!(connect(None, "[fd07::3]:80"), None);
    assert_eq!(connect(None, "[ff02::1]:80"), Some(ConnectError::InvalidDestination));
    assert_eq!(connect(None, "[2001:db8::1]:80"), Some(ConnectError::NoRoute));
    assert_eq!(connect(Some("[fd07::9]:0"), "[fd07::3]:80"), Some(ConnectError::AddressNotAvailable));
    assert_eq!(connect(Some("10.7.0.2:0"), "[fd07::3]:80"), Some(ConnectError::AddressNotAvailable));
    assert_eq!(connect(None, "[::]:80"), Some(ConnectError::NoRoute), "there is no loopback");
}

#[test]
fn a_link_local_peer_is_known_by_its_link() {
    let mut bench = both();
    bench.stack.enable_ipv6(bench.now, bench.id, Probing::Skip, false).unwrap();
    let socket = bench.stack.udp_bind(at("[::]:7")).unwrap();
    let ours = bench.stack.addresses().map(|row| row.address.addr());
    let ours = ours.filter_map(|own| match own {
        core::net::IpAddr::V6(own) if wire::ipv6::is_link_local(own) => Some(own),
        _ => None,
    });
    let ours = ours.last().unwrap();
    let mut frame = basis::Frame::copy_of(b"link");
    wire::udp::Header { source_port: 1, destination_port: 7, length: 0 }.prepend_to(
        &mut frame,
        ROUTER.into(),
        ours.into(),
    );
    let header = wire::ipv6::Header::new(ROUTER, ours, wire::protocol::UDP);
    bench.packet_v6(&header, &frame.to_vec()).unwrap();
    let (_, _, from) = bench.stack.udp_receive(socket, &mut [0; 9]).unwrap();
    let SocketAddr::V6(scoped) = from else { panic!("{from}") };
    assert_eq!((scoped.ip(), scoped.scope_id()), (&ROUTER, bench.id.scope()));
    assert_eq!(bench.stack.udp_send(bench.now, socket, b"back", Some(from)), Ok(4));
    let sent = bench.sent_discovery();
    assert_eq!(sent[0].0.source, ours, "asked from an address of that link");
}
