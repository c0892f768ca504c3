//! Sockets of IPv6, of both families, and groups, between two hosts of one process.
#![allow(clippy::unwrap_used, reason = "tests fail by panics")]

use netstrata::{Host, LinkSpec, Network, PingSocket, TcpListener, TcpStream, UdpSocket};
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::thread;
use std::time::Duration;

const LEFT: Ipv6Addr = Ipv6Addr::new(0xfd07, 0, 0, 0, 0, 0, 0, 1);
const RIGHT: Ipv6Addr = Ipv6Addr::new(0xfd07, 0, 0, 0, 0, 0, 0, 2);
const RIGHT_V4: Ipv4Addr = Ipv4Addr::new(10, 7, 0, 2);

fn pair() -> (Host, Host) {
    let end = |v4: [u8; 4], v6: Ipv6Addr| {
        Network::new(LinkSpec::Memory).address(v4.into(), 24).address(v6.into(), 64)
    };
    end([10, 7, 0, 1], LEFT).pair(end([10, 7, 0, 2], RIGHT)).unwrap()
}

fn call(host: &Host, to: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(host, to).unwrap();
    stream.write_all(b"hello").unwrap();
    stream
}

#[test]
fn a_listener_of_both_families_tells_ipv4_addresses_as_mapped_ones() {
    let (left, right) = pair();
    let listener = TcpListener::bind(&right, "[::]:80").unwrap();
    assert_eq!(listener.local_addr().unwrap(), "[::]:80".parse().unwrap());
    for (to, from) in [
        (SocketAddr::from((RIGHT, 80)), IpAddr::V6(LEFT)),
        (SocketAddr::from((RIGHT_V4, 80)), IpAddr::V6(Ipv4Addr::new(10, 7, 0, 1).to_ipv6_mapped())),
    ] {
        let caller = call(&left, to);
        let (mut stream, peer) = listener.accept().unwrap();
        let mut bytes = [0; 5];
        stream.read_exact(&mut bytes).unwrap();
        assert_eq!((&bytes, peer.ip(), stream.peer_addr().unwrap()), (b"hello", from, peer));
        assert_eq!(caller.local_addr().unwrap().is_ipv4(), to.is_ipv4());
        assert_eq!(caller.peer_addr().unwrap(), to);
    }
    let mapped = SocketAddr::from((RIGHT_V4.to_ipv6_mapped(), 80));
    let caller = call(&left, mapped);
    assert_eq!(caller.peer_addr().unwrap(), mapped);
    assert!(listener.accept().unwrap().1.is_ipv6());
}

#[test]
fn a_listener_of_ipv6_alone_leaves_the_port_of_ipv4_to_another() {
    let (left, right) = pair();
    let six = TcpListener::bind_v6_only(&right, "[::]:80").unwrap();
    let refused = TcpStream::connect(&left, (RIGHT_V4, 80)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    let four = TcpListener::bind(&right, "0.0.0.0:80").unwrap();
    let calls = [call(&left, (RIGHT, 80).into()), call(&left, (RIGHT_V4, 80).into())];
    assert_eq!(six.accept().unwrap().1.ip(), LEFT);
    assert!(four.accept().unwrap().1.is_ipv4());
    drop(calls);
}

#[test]
fn datagrams_of_both_families_reach_one_socket() {
    let (left, right) = pair();
    let there = UdpSocket::bind(&right, "[::]:7").unwrap();
    let here = UdpSocket::bind(&left, "[::]:0").unwrap();
    let mut bytes = [0; 9];
    for to in [SocketAddr::from((RIGHT, 7)), SocketAddr::from((RIGHT_V4.to_ipv6_mapped(), 7))] {
        here.send_to(b"hello", to).unwrap();
        let (length, from) = there.recv_from(&mut bytes).unwrap();
        assert_eq!((length, from.port()), (5, here.local_addr().unwrap().port()));
        assert!(from.is_ipv6());
        there.send_to(b"back", from).unwrap();
        assert_eq!(here.recv_from(&mut bytes).unwrap(), (4, to));
    }
    let only = UdpSocket::bind_v6_only(&right, "[::]:8").unwrap();
    assert!(UdpSocket::bind(&right, "0.0.0.0:8").is_ok());
    drop(only);
}

#[test]
fn a_group_is_heard_by_who_joined_it() {
    let (left, right) = pair();
    let here = UdpSocket::bind(&left, "[::]:0").unwrap();
    let there = UdpSocket::bind(&right, "[::]:7").unwrap();
    there.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let (four, six) = (Ipv4Addr::new(239, 1, 2, 3), "ff02::1234".parse::<Ipv6Addr>().unwrap());
    there.join_multicast_v4(&four, &RIGHT_V4).unwrap();
    assert_eq!(there.join_multicast_v4(&four, &RIGHT_V4).unwrap_err().kind(), ErrorKind::AddrInUse);
    there.join_multicast_v6(&six, 0).unwrap();
    let mut bytes = [0; 9];
    for group in [IpAddr::V4(four), IpAddr::V6(six)] {
        here.send_to(b"all", (group, 7)).unwrap();
        assert_eq!(there.recv_from(&mut bytes).unwrap().0, 3);
    }
    there.leave_multicast_v6(&six, 0).unwrap();
    there.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    here.send_to(b"all", (six, 7)).unwrap();
    assert_eq!(there.recv_from(&mut bytes).unwrap_err().kind(), ErrorKind::WouldBlock);
    here.set_multicast_ttl_v4(7).unwrap();
    assert_eq!((here.multicast_ttl_v4().unwrap(), here.multicast_loop_v6().unwrap()), (7, true));
    here.set_multicast_loop_v6(false).unwrap();
    assert!(!here.multicast_loop_v6().unwrap() && here.multicast_loop_v4().unwrap());
}

#[test]
fn a_host_reaches_itself_and_its_neighbour_by_echo() {
    let (left, _right) = pair();
    let ping = PingSocket::open(&left).unwrap();
    for (sequence, to) in [(1, RIGHT), (2, Ipv6Addr::LOCALHOST), (3, LEFT)] {
        ping.send_to(to.into(), sequence, &[7; 3000], None).unwrap();
        let reply = ping.recv_timeout(Duration::from_secs(30)).unwrap();
        assert_eq!((reply.sequence, reply.from, reply.bytes), (sequence, to.into(), 3008));
    }
    let listener = TcpListener::bind(&left, "[::1]:80").unwrap();
    let accepted = thread::spawn(move || listener.accept().unwrap().1);
    let stream = TcpStream::connect(&left, "[::]:80").unwrap();
    assert_eq!(accepted.join().unwrap(), stream.local_addr().unwrap());
}
