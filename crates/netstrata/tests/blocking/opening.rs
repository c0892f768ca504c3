//! Connections that are opened, or refused.

use crate::LIMIT;
use crate::common::{LEFT, NOBODY, RIGHT, pair, pair_with, right, within};
use netstrata::stack::StackConfig;
use netstrata::{TcpListener, TcpStream};
use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn refused_unreachable_and_timed_out_have_their_kinds() {
    within(LIMIT, || {
        let (left, _right) = pair();
        let error = TcpStream::connect(&left, right(81)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused, "{error}");
        let error = TcpStream::connect(&left, "203.0.113.1:80").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NetworkUnreachable, "{error}");
        // Nobody answers ARP for it.
        let error = TcpStream::connect(&left, (NOBODY, 80)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::HostUnreachable, "{error}");
        let nobody = SocketAddr::new(NOBODY, 80);
        let start = Instant::now();
        let error = TcpStream::connect_timeout(&left, &nobody, Duration::from_millis(50)).unwrap_err();
        // What is left of the time before a neighbour that failed is asked again may come first.
        assert!(matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::HostUnreachable), "{error}");
        assert!(start.elapsed() < Duration::from_secs(20));
        let error = TcpStream::connect_timeout(&left, &nobody, Duration::ZERO).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let error = TcpStream::connect(&left, right(0)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    });
}

#[test]
fn a_connect_that_gives_up_leaves_nothing_behind() {
    within(LIMIT, || {
        let (left, _right) = pair();
        let nobody = SocketAddr::new(NOBODY, 80);
        let error = TcpStream::connect_timeout(&left, &nobody, Duration::from_millis(30)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert_eq!(left.with(|stack, _| stack.tcp().population()), (0, 0, 0));
        assert_eq!(left.statistics().waiting, 0);
    });
}

#[test]
fn addresses_in_use_and_not_ours_are_refused() {
    let (left, _right) = pair();
    let listener = TcpListener::bind(&left, (LEFT, 9)).unwrap();
    assert_eq!(TcpListener::bind(&left, (LEFT, 9)).unwrap_err().kind(), ErrorKind::AddrInUse);
    assert_eq!(TcpListener::bind(&left, (RIGHT, 9)).unwrap_err().kind(), ErrorKind::AddrNotAvailable);
    drop(listener);
    assert!(TcpListener::bind(&left, (LEFT, 9)).is_ok());
}

#[test]
fn no_more_than_the_backlog_is_accepted_for_the_application() {
    within(LIMIT, || {
        let mut config = StackConfig::default();
        config.tcp.syn_retries = 2;
        let (left, right) = pair_with(&config);
        let listener = TcpListener::bind_with_backlog(&right, (RIGHT, 7), 4).unwrap();
        let address = listener.local_addr().unwrap();
        let clients: Vec<TcpStream> = (0..4).map(|_| TcpStream::connect(&left, address).unwrap()).collect();
        // The server's handshakes end with the clients' acknowledgments, which may still be on their way.
        let deadline = Instant::now() + LIMIT / 2;
        let waiting = || right.with(|stack, _| stack.tcp().listeners().map(|row| row.waiting).sum::<u32>());
        while waiting() < 4 {
            assert!(Instant::now() < deadline);
            thread::sleep(Duration::from_millis(1));
        }
        let fifth = TcpStream::connect_timeout(&left, &address, Duration::from_millis(300));
        assert!(waiting() <= 4);
        let accepted: Vec<_> = (0..4).map(|_| listener.accept().unwrap()).collect();
        assert_eq!(accepted.len(), clients.len());
        drop(fifth);
        // There is room again.
        let mut sixth = TcpStream::connect(&left, address).unwrap();
        sixth.write_all(b"!").unwrap();
    });
}
