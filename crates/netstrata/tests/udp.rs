//! Datagrams and echo requests.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests live in real time, and a failure is a failed test"
)]

mod common;

use common::{LEFT, NOBODY, RIGHT, pair, right, within};
use netstrata::stack::PingKind;
use netstrata::{PingSocket, UdpSocket};
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(30);

#[test]
fn datagrams_keep_their_bounds_and_tell_their_sender() {
    within(LIMIT, || {
        let (left, right_host) = pair();
        let server = UdpSocket::bind(&right_host, (RIGHT, 53)).unwrap();
        let client = UdpSocket::bind(&left, (LEFT, 0)).unwrap();
        assert_eq!(client.send_to(b"one", right(53)).unwrap(), 3);
        assert_eq!(client.send_to(b"", right(53)).unwrap(), 0);
        assert_eq!(client.send_to(&[7; 5000], right(53)).unwrap(), 5000);
        let mut buffer = [0; 8000];
        assert_eq!(server.peek_from(&mut buffer[..2]).unwrap(), (2, client.local_addr().unwrap()));
        assert_eq!(server.recv_from(&mut buffer).unwrap(), (3, client.local_addr().unwrap()));
        assert_eq!(server.recv_from(&mut buffer).unwrap().0, 0);
        assert_eq!(server.recv_from(&mut buffer).unwrap().0, 5000);
        assert_eq!(server.send_to(b"answer", client.local_addr().unwrap()).unwrap(), 6);
        // What does not fit is lost.
        assert_eq!(client.recv_from(&mut buffer[..3]).unwrap(), (3, server.local_addr().unwrap()));
        client.set_nonblocking(true).unwrap();
        assert_eq!(client.recv_from(&mut buffer).unwrap_err().kind(), ErrorKind::WouldBlock);
    });
}

#[test]
fn a_connected_socket_hears_its_peer_alone_and_what_icmp_says() {
    within(LIMIT, || {
        let (left, right_host) = pair();
        let client = UdpSocket::bind(&left, (LEFT, 0)).unwrap();
        assert_eq!(client.peer_addr().unwrap_err().kind(), ErrorKind::NotConnected);
        client.connect(right(53)).unwrap();
        assert_eq!(client.peer_addr().unwrap(), right(53));
        client.send(b"nobody there").unwrap();
        assert_eq!(client.recv(&mut [0; 8]).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        let server = UdpSocket::bind(&right_host, (RIGHT, 53)).unwrap();
        let stranger = UdpSocket::bind(&right_host, (RIGHT, 54)).unwrap();
        stranger.send_to(b"stranger", client.local_addr().unwrap()).unwrap();
        server.send_to(b"peer", client.local_addr().unwrap()).unwrap();
        let mut buffer = [0; 16];
        assert_eq!(client.recv(&mut buffer).unwrap(), 4);
        assert_eq!(&buffer[..4], b"peer");
    });
}

#[test]
fn time_outs_errors_and_options_are_those_of_std() {
    within(LIMIT, || {
        let (left, _right) = pair();
        let socket = UdpSocket::bind(&left, (LEFT, 9)).unwrap();
        assert_eq!(UdpSocket::bind(&left, (LEFT, 9)).unwrap_err().kind(), ErrorKind::AddrInUse);
        assert_eq!(UdpSocket::bind(&left, (RIGHT, 9)).unwrap_err().kind(), ErrorKind::AddrNotAvailable);
        socket.set_read_timeout(Some(Duration::from_millis(30))).unwrap();
        let start = Instant::now();
        assert_eq!(socket.recv(&mut [0; 1]).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert!(start.elapsed() >= Duration::from_millis(30));
        assert_eq!(left.statistics().waiting, 0);
        let everybody = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 255)), 9);
        assert_eq!(socket.send_to(b"x", everybody).unwrap_err().kind(), ErrorKind::PermissionDenied);
        socket.set_broadcast(true).unwrap();
        assert!(socket.broadcast().unwrap());
        assert_eq!(socket.send_to(b"x", everybody).unwrap(), 1);
        assert_eq!(socket.send_to(b"x", "203.0.113.1:9").unwrap_err().kind(), ErrorKind::NetworkUnreachable);
        assert!(socket.send_to(&[0; 65_508], right(9)).is_err());
        socket.set_ttl(5).unwrap();
        assert_eq!(socket.ttl().unwrap(), 5);
        assert!(socket.send(b"not connected").is_err());
        assert!(socket.take_error().unwrap().is_none());
    });
}

#[test]
fn many_datagrams_between_threads_are_all_answered() {
    within(LIMIT, || {
        let (left, right_host) = pair();
        let server = UdpSocket::bind(&right_host, (RIGHT, 7)).unwrap();
        thread::spawn(move || {
            let mut buffer = [0; 64];
            while let Ok((length, from)) = server.recv_from(&mut buffer) {
                server.send_to(&buffer[..length], from).unwrap();
            }
        });
        let clients: Vec<_> = (0..4u32)
            .map(|number| {
                let socket = UdpSocket::bind(&left, (LEFT, 0)).unwrap();
                thread::spawn(move || {
                    socket.connect(right(7)).unwrap();
                    for round in 0..500 {
                        let sent = (number * 1000 + round).to_be_bytes();
                        socket.send(&sent).unwrap();
                        let mut received = [0; 8];
                        assert_eq!(socket.recv(&mut received).unwrap(), 4);
                        assert_eq!(received[..4], sent);
                    }
                })
            })
            .collect();
        for client in clients {
            client.join().unwrap();
        }
    });
}

#[test]
fn tasks_send_and_receive_datagrams() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        use netstrata::tokio::UdpSocket;
        let (left, right_host) = pair();
        let server = UdpSocket::bind(&right_host, (RIGHT, 7)).await.unwrap();
        let client = UdpSocket::bind(&left, (LEFT, 0)).await.unwrap();
        client.connect(right(7)).await.unwrap();
        assert_eq!(client.try_recv(&mut [0; 1]).unwrap_err().kind(), ErrorKind::WouldBlock);
        client.writable().await.unwrap();
        client.send(b"question").await.unwrap();
        assert_eq!(server.peek_sender().await.unwrap(), client.local_addr().unwrap());
        let mut bytes = Vec::with_capacity(64);
        let (length, from) = server.recv_buf_from(&mut bytes).await.unwrap();
        assert_eq!((length, &bytes[..]), (8, &b"question"[..]));
        server.send_to(b"answer", from).await.unwrap();
        client.readable().await.unwrap();
        let mut buffer = [0; 16];
        assert_eq!(client.peek(&mut buffer).await.unwrap(), 6);
        assert_eq!(client.recv(&mut buffer).await.unwrap(), 6);
    });
}

#[test]
fn pings_are_answered_and_failures_reported() {
    within(LIMIT, || {
        let (left, _right) = pair();
        let socket = PingSocket::open(&left).unwrap();
        for sequence in 0..3 {
            socket.send_to(RIGHT, sequence, &[5; 56], None).unwrap();
            let reply = socket.recv_timeout(Duration::from_secs(30)).unwrap();
            assert_eq!((reply.sequence, reply.from, reply.kind), (sequence, RIGHT, PingKind::Reply));
        }
        assert_eq!(socket.try_recv().unwrap_err().kind(), ErrorKind::WouldBlock);
        let outside = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1));
        let error = socket.send_to(outside, 9, b"", None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NetworkUnreachable);
        socket.send_to(NOBODY, 7, b"", None).unwrap();
        let reply = socket.recv_timeout(Duration::from_secs(30)).unwrap();
        assert!(matches!(reply.kind, PingKind::Unreachable { .. }), "{reply:?}");
    });
}
