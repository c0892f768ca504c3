//! Sockets for every address and port, and calls that are decided on before they are answered.
#![allow(clippy::unwrap_used, reason = "tests fail by panics")]

use netstrata::{
    Host, LinkSpec, Network, PingSocket, SocketOptions, TcpListener, TcpStream, UdpSocket, Unreachable,
};
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv6Addr, SocketAddr};
use std::thread;
use std::time::Duration;

const ROUTER: Ipv6Addr = Ipv6Addr::new(0xfd07, 0, 0, 0, 0, 0, 0, 2);

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// The second is the first one's router, and takes in what is for anybody.
fn pair() -> (Host, Host) {
    let end = |last: u8| {
        let six = Ipv6Addr::new(0xfd07, 0, 0, 0, 0, 0, 0, last.into());
        Network::new(LinkSpec::Memory).address([10, 7, 0, last].into(), 24).address(six.into(), 64)
    };
    let guest = end(1).gateway(Some([10, 7, 0, 2].into()));
    let (guest, router) = guest.pair(end(2).intercepts(true)).unwrap();
    let interface = guest.interfaces()[0];
    let all = "::/0".parse().unwrap();
    guest.with(|stack, _| stack.add_route(all, Some(ROUTER.into()), interface)).unwrap();
    (guest, router)
}

#[test]
fn a_listener_for_all_tells_whom_each_caller_meant() {
    let (guest, router) = pair();
    let listener = TcpListener::bind_any(&router).unwrap();
    assert_eq!(TcpListener::bind_any(&router).unwrap_err().kind(), ErrorKind::AddrInUse);
    for to in ["203.0.113.9:443", "10.7.0.2:1", "[2001:db8::77]:22"] {
        let mut caller = TcpStream::connect(&guest, at(to)).unwrap();
        let (mut stream, peer) = listener.accept().unwrap();
        assert_eq!((stream.local_addr().unwrap(), peer), (at(to), caller.local_addr().unwrap()));
        stream.write_all(b"welcome").unwrap();
        drop(stream);
        let mut text = String::new();
        caller.read_to_string(&mut text).unwrap();
        assert_eq!(text, "welcome");
    }
}

#[test]
fn calls_are_accepted_refused_and_ignored_before_they_are_answered() {
    let (guest, router) = pair();
    let listener = TcpListener::bind_any(&router).unwrap();
    listener.set_admission(true).unwrap();
    let deciding = thread::spawn(move || {
        // A SYN that is ignored may be repeated on a busy machine.
        loop {
            let request = listener.request().unwrap();
            assert_eq!(request.peer_addr().ip(), SocketAddr::from(([10, 7, 0, 1], 0)).ip());
            match request.local_addr().port() {
                80 => break request.accept().unwrap(),
                81 => request.refuse().unwrap(),
                _ => drop(request),
            }
        }
        listener.accept().unwrap().0
    });
    let refused = TcpStream::connect(&guest, "203.0.113.9:81").unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    let ignored = TcpStream::connect_timeout(&guest, &at("203.0.113.9:82"), Duration::from_millis(200));
    assert_eq!(ignored.unwrap_err().kind(), ErrorKind::TimedOut);
    let caller = TcpStream::connect(&guest, "203.0.113.9:80").unwrap();
    let stream = deciding.join().unwrap();
    assert_eq!(stream.peer_addr().unwrap(), caller.local_addr().unwrap());
}

#[test]
fn a_request_outlives_neither_its_caller_nor_its_listener() {
    let (guest, router) = pair();
    let listener = TcpListener::bind_any(&router).unwrap();
    listener.set_admission(true).unwrap();
    listener.set_nonblocking(true).unwrap();
    assert_eq!(listener.request().unwrap_err().kind(), ErrorKind::WouldBlock);
    listener.set_nonblocking(false).unwrap();
    let calling = thread::spawn(move || TcpStream::connect(&guest, "203.0.113.9:80"));
    let request = listener.request().unwrap();
    drop(listener);
    assert_eq!(request.accept().unwrap_err().kind(), ErrorKind::ConnectionAborted);
    // Nobody listens any more: the SYN that is repeated is refused.
    assert_eq!(calling.join().unwrap().unwrap_err().kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn a_call_that_gets_nowhere_is_told_so_before_it_is_answered() {
    let (guest, router) = pair();
    let listener = TcpListener::bind_any_with(&router, 16, SocketOptions::default()).unwrap();
    listener.set_admission(true).unwrap();
    for (to, why, kind) in [
        ("203.0.113.9:81", Unreachable::Host, ErrorKind::HostUnreachable),
        ("203.0.113.9:82", Unreachable::Network, ErrorKind::NetworkUnreachable),
        ("[2001:db8::77]:83", Unreachable::Host, ErrorKind::HostUnreachable),
    ] {
        let guest = guest.clone();
        let calling = thread::spawn(move || TcpStream::connect(&guest, at(to)));
        listener.request().unwrap().unreachable(why).unwrap();
        assert_eq!(calling.join().unwrap().unwrap_err().kind(), kind, "{to}");
    }
}

#[tokio::test]
async fn echo_requests_for_strangers_are_had_and_answered() {
    let (guest, router) = pair();
    let all = PingSocket::open_any(&router).unwrap();
    assert_eq!(PingSocket::open_any(&router).unwrap_err().kind(), ErrorKind::AddrInUse);
    let asking = PingSocket::open(&guest).unwrap();
    asking.send_to([203, 0, 113, 9].into(), 3, b"over seven layers", None).unwrap();
    let request = all.recv_request().await.unwrap();
    all.answer(&request, &request.payload).unwrap();
    let reply = asking.recv().await.unwrap();
    assert_eq!((reply.from, &reply.payload[..]), (request.to, &b"over seven layers"[..]));
}

#[test]
fn a_socket_for_all_answers_as_whom_it_was_asked() {
    let (guest, router) = pair();
    let all = UdpSocket::bind_any(&router).unwrap();
    let asking = UdpSocket::bind(&guest, "[::]:0").unwrap();
    for to in ["203.0.113.9:53", "[2001:db8::77]:53"] {
        asking.send_to(b"who is there", at(to)).unwrap();
        let mut bytes = [0; 64];
        let (length, from, meant) = all.recv_from_to(&mut bytes).unwrap();
        assert_eq!((&bytes[..length], meant), (&b"who is there"[..], at(to)));
        all.send_from_to(b"it is I", meant, from).unwrap();
        let (length, from) = asking.recv_from(&mut bytes).unwrap();
        assert_eq!((&bytes[..length], from.ip().to_canonical()), (&b"it is I"[..], meant.ip()));
    }
    let error = asking.send_from_to(b"x", at("203.0.113.9:53"), at("10.7.0.2:53")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
}

#[tokio::test]
async fn the_same_for_tasks() {
    use netstrata::tokio::{TcpListener, TcpStream, UdpSocket};
    let (guest, router) = pair();
    let listener = TcpListener::bind_any(&router).unwrap();
    listener.set_admission(true).unwrap();
    let calling = tokio::spawn({
        let guest = guest.clone();
        async move { TcpStream::connect(&guest, "203.0.113.9:443").await }
    });
    let request = listener.request().await.unwrap();
    assert_eq!(request.local_addr(), at("203.0.113.9:443"));
    request.accept().unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let caller = calling.await.unwrap().unwrap();
    assert_eq!(stream.local_addr().unwrap(), caller.peer_addr().unwrap());

    let (all, asking) =
        (UdpSocket::bind_any(&router).unwrap(), UdpSocket::bind(&guest, "0.0.0.0:0").await.unwrap());
    asking.send_to(b"ask", "198.51.100.1:123").await.unwrap();
    let mut bytes = [0; 64];
    let (length, from, meant) = all.recv_from_to(&mut bytes).await.unwrap();
    assert_eq!((length, meant), (3, at("198.51.100.1:123")));
    all.send_from_to(b"told", meant, from).await.unwrap();
    assert_eq!(asking.recv_from(&mut bytes).await.unwrap(), (4, meant));
}
