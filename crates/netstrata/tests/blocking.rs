//! The blocking sockets behave as those of `std::net` do.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests live in real time, and a failure is a failed test"
)]

mod common;

use common::{LEFT, NOBODY, RIGHT, connected, pair, pair_with, pattern, right, within};
use netstrata::stack::StackConfig;
use netstrata::tcp::State;
use netstrata::{Host, Keepalive, TcpListener, TcpStream};
use std::io::{ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(60);

/// Echoes every connection until its end, for as long as the listener lives.
fn echo(listener: TcpListener) {
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            thread::spawn(move || {
                let mut buffer = [0; 16 * 1024];
                while let Ok(length @ 1..) = stream.read(&mut buffer) {
                    if stream.write_all(&buffer[..length]).is_err() {
                        return;
                    }
                }
            });
        }
    });
}

#[test]
fn an_echo_gives_everything_back_in_order() {
    within(LIMIT, || {
        let (left, right) = pair();
        let listener = TcpListener::bind(&right, (RIGHT, 7)).unwrap();
        let address = listener.local_addr().unwrap();
        echo(listener);
        let mut client = TcpStream::connect(&left, address).unwrap();
        assert_eq!(client.peer_addr().unwrap(), address);
        assert_eq!(client.local_addr().unwrap().ip(), LEFT);
        let sent = pattern(3_000_000);
        let mut writer = client.try_clone().unwrap();
        let bytes = sent.clone();
        let writing = thread::spawn(move || {
            writer.write_all(&bytes).unwrap();
            writer.shutdown(Shutdown::Write).unwrap();
        });
        let mut received = Vec::new();
        client.read_to_end(&mut received).unwrap();
        writing.join().unwrap();
        assert!(received == sent, "{} bytes came back", received.len());
    });
}

#[test]
fn a_thousand_connections_at_once_each_get_their_own_bytes() {
    within(LIMIT, || {
        let (left, right) = pair();
        let listener = TcpListener::bind_with_backlog(&right, (RIGHT, 7), 1000).unwrap();
        let address = listener.local_addr().unwrap();
        let accepting = thread::spawn(move || {
            let mut streams: Vec<TcpStream> = listener.incoming().take(1000).map(Result::unwrap).collect();
            for stream in &mut streams {
                let mut word = [0; 8];
                stream.read_exact(&mut word).unwrap();
                stream.write_all(&word).unwrap();
            }
            streams
        });
        let mut clients: Vec<TcpStream> =
            (0..1000).map(|_| TcpStream::connect(&left, address).unwrap()).collect();
        for (number, client) in clients.iter_mut().enumerate() {
            client.write_all(&number.to_be_bytes()).unwrap();
        }
        for (number, client) in clients.iter_mut().enumerate() {
            let mut word = [0; 8];
            client.read_exact(&mut word).unwrap();
            assert_eq!(usize::from_be_bytes(word), number);
        }
        let servers = accepting.join().unwrap();
        drop((clients, servers));
        let deadline = Instant::now() + Duration::from_secs(10);
        while left.with(|stack, _| stack.tcp().population().0) > 0 {
            assert!(Instant::now() < deadline, "connections are left over");
            thread::sleep(Duration::from_millis(5));
        }
    });
}

#[test]
fn either_side_may_close_first_and_the_other_goes_on() {
    within(LIMIT, || {
        let (left, right) = pair();
        for client_first in [true, false] {
            let (client, server) = connected(&left, &right);
            let (mut first, mut second) = if client_first { (client, server) } else { (server, client) };
            first.write_all(b"all I have").unwrap();
            first.shutdown(Shutdown::Write).unwrap();
            let mut heard = String::new();
            second.read_to_string(&mut heard).unwrap();
            assert_eq!(heard, "all I have");
            second.write_all(&pattern(300_000)).unwrap();
            drop(second);
            let mut rest = Vec::new();
            first.read_to_end(&mut rest).unwrap();
            assert!(rest == pattern(300_000));
        }
    });
}

#[test]
fn what_was_written_before_a_drop_still_arrives() {
    within(LIMIT, || {
        let (left, right) = pair();
        let (client, mut server) = connected(&left, &right);
        let bytes = pattern(1 << 20);
        let writing = thread::spawn(move || {
            (&client).write_all(&bytes).unwrap();
            drop(client);
            // The last handle to the host goes, too: its driver delivers all the same.
            drop(left);
        });
        thread::sleep(Duration::from_millis(50));
        let mut received = Vec::new();
        server.read_to_end(&mut received).unwrap();
        writing.join().unwrap();
        assert!(received == pattern(1 << 20), "{} bytes arrived", received.len());
    });
}

#[test]
fn shutdown_of_a_host_waits_until_everything_is_delivered() {
    within(LIMIT, || {
        let (left, right) = pair();
        let (mut client, mut server) = connected(&left, &right);
        client.write_all(&pattern(200_000)).unwrap();
        drop(client);
        let reading = thread::spawn(move || {
            thread::sleep(Duration::from_millis(100));
            let mut received = Vec::new();
            server.read_to_end(&mut received).unwrap();
            received
        });
        assert!(left.shutdown(Duration::from_secs(10)));
        assert!(left.is_stopped());
        assert!(reading.join().unwrap() == pattern(200_000));
    });
}

#[test]
fn sockets_of_a_stopped_host_say_so_instead_of_waiting() {
    within(LIMIT, || {
        let (left, right) = pair();
        let (mut client, _server) = connected(&left, &right);
        let reading = thread::spawn(move || client.read(&mut [0; 8]).unwrap_err().kind());
        thread::sleep(Duration::from_millis(20));
        left.shutdown(Duration::from_millis(10));
        assert_eq!(reading.join().unwrap(), ErrorKind::NotConnected);
        let error = TcpStream::connect(&left, (RIGHT, 7)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotConnected);
    });
}

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
        assert!(start.elapsed() < Duration::from_secs(3));
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
fn a_reset_is_told_once_then_the_end() {
    within(LIMIT, || {
        let (left, right) = pair();
        let (mut client, server) = connected(&left, &right);
        server.set_linger(Some(Duration::ZERO)).unwrap();
        assert_eq!(server.linger().unwrap(), Some(Duration::ZERO));
        drop(server);
        assert_eq!(client.read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
        assert_eq!(client.write(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
        assert!(client.take_error().unwrap().is_none());
    });
}

#[test]
fn unread_bytes_turn_a_drop_into_a_reset() {
    within(LIMIT, || {
        let (left, right) = pair();
        let (mut client, server) = connected(&left, &right);
        client.write_all(b"nobody reads this").unwrap();
        let mut peeked = [0; 6];
        assert_eq!(server.peek(&mut peeked).unwrap(), 6);
        assert_eq!(&peeked, b"nobody");
        drop(server);
        assert_eq!(client.read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    });
}

#[test]
fn writing_after_shutdown_is_a_broken_pipe() {
    within(LIMIT, || {
        let (left, right) = pair();
        let (mut client, mut server) = connected(&left, &right);
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(client.write(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
        assert_eq!(server.read(&mut [0; 1]).unwrap(), 0);
        server.write_all(b"still open").unwrap();
        drop(server);
        let mut text = String::new();
        client.read_to_string(&mut text).unwrap();
        assert_eq!(text, "still open");
    });
}

#[test]
fn shutting_down_the_reading_side_ends_a_read_that_waits() {
    within(LIMIT, || {
        let (left, right) = pair();
        let (client, _server) = connected(&left, &right);
        let mut reader = client.try_clone().unwrap();
        let reading = thread::spawn(move || reader.read(&mut [0; 8]).unwrap());
        thread::sleep(Duration::from_millis(30));
        client.shutdown(Shutdown::Read).unwrap();
        assert_eq!(reading.join().unwrap(), 0);
    });
}

#[test]
fn time_outs_say_would_block_and_zero_is_refused() {
    within(LIMIT, || {
        let (left, right) = pair();
        let (mut client, _server) = connected(&left, &right);
        assert_eq!(
            client.set_read_timeout(Some(Duration::ZERO)).unwrap_err().kind(),
            ErrorKind::InvalidInput
        );
        client.set_read_timeout(Some(Duration::from_millis(40))).unwrap();
        assert_eq!(client.read_timeout().unwrap(), Some(Duration::from_millis(40)));
        let start = Instant::now();
        assert_eq!(client.read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert!(start.elapsed() >= Duration::from_millis(40));
        client.set_write_timeout(Some(Duration::from_millis(40))).unwrap();
        // The peer does not read: both buffers fill up.
        let chunk = [7; 64 * 1024];
        let error = loop {
            if let Err(error) = client.write_all(&chunk) {
                break error;
            }
        };
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        assert_eq!(left.statistics().waiting, 0);
    });
}

#[test]
fn a_nonblocking_socket_never_waits() {
    within(LIMIT, || {
        let (left, right) = pair();
        let listener = TcpListener::bind(&right, (RIGHT, 7)).unwrap();
        listener.set_nonblocking(true).unwrap();
        assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
        let mut client = TcpStream::connect(&left, listener.local_addr().unwrap()).unwrap();
        let server = loop {
            match listener.accept() {
                Ok((stream, _)) => break stream,
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
        };
        client.set_nonblocking(true).unwrap();
        assert_eq!(client.read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert_eq!(client.peek(&mut [0; 8]).unwrap_err().kind(), ErrorKind::WouldBlock);
        let mut written = 0;
        let error = loop {
            match client.write(&[1; 10_000]) {
                Ok(length) => written += length,
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        // The accepted socket waits: it did not inherit the mode.
        let mut left_over = written;
        let mut buffer = vec![0; 100_000];
        while left_over > 0 {
            left_over -= (&server).read(&mut buffer).unwrap();
        }
        client.set_nonblocking(false).unwrap();
        drop(server);
        assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
    });
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
        let deadline = Instant::now() + Duration::from_secs(5);
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

#[test]
fn several_threads_may_wait_for_the_same_socket() {
    within(LIMIT, || {
        let (left, right) = pair();
        let listener = TcpListener::bind(&right, (RIGHT, 7)).unwrap();
        let address = listener.local_addr().unwrap();
        let acceptors: Vec<_> = (0..4)
            .map(|_| {
                let listener = listener.try_clone().unwrap();
                thread::spawn(move || listener.accept().unwrap().0)
            })
            .collect();
        let clients: Vec<_> = (0..4).map(|_| TcpStream::connect(&left, address).unwrap()).collect();
        let servers: Vec<_> = acceptors.into_iter().map(|thread| thread.join().unwrap()).collect();
        let readers: Vec<_> = (0..4)
            .map(|_| {
                let mut reader = servers[0].try_clone().unwrap();
                thread::spawn(move || {
                    let mut byte = [0; 1];
                    reader.read_exact(&mut byte).unwrap();
                    byte[0]
                })
            })
            .collect();
        let peer = servers[0].peer_addr().unwrap();
        let client = clients.iter().find(|client| client.local_addr().unwrap() == peer).unwrap();
        let mut client = client.try_clone().unwrap();
        client.write_all(&[1, 2, 3, 4]).unwrap();
        let sum: u8 = readers.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!(sum, 10);
    });
}

#[test]
fn a_linger_time_waits_for_the_peer_to_have_it_all() {
    within(LIMIT, || {
        let (left, right) = pair();
        let (mut client, mut server) = connected(&left, &right);
        client.set_linger(Some(Duration::from_secs(10))).unwrap();
        client.write_all(&pattern(500_000)[..250_000]).unwrap();
        let reading = thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            let mut received = Vec::new();
            server.read_to_end(&mut received).unwrap();
            received.len()
        });
        drop(client);
        let undelivered = left.with(|stack, _| stack.tcp().undelivered());
        assert_eq!(undelivered, 0);
        assert_eq!(reading.join().unwrap(), 250_000);
    });
}

#[test]
fn options_are_kept_and_the_inside_is_told() {
    let (left, right) = pair();
    let (client, server) = connected(&left, &right);
    client.set_nodelay(true).unwrap();
    client.set_ttl(33).unwrap();
    let keepalive = Keepalive { idle: Duration::from_secs(9), interval: Duration::from_secs(3), probes: 4 };
    client.set_keepalive(Some(keepalive)).unwrap();
    client.set_user_timeout(Some(Duration::from_secs(5))).unwrap();
    assert!(client.nodelay().unwrap());
    assert_eq!(client.ttl().unwrap(), 33);
    assert_eq!(client.keepalive().unwrap(), Some(keepalive));
    assert_eq!(client.user_timeout().unwrap(), Some(Duration::from_secs(5)));
    assert_eq!(client.set_ttl(0).unwrap_err().kind(), ErrorKind::InvalidInput);
    assert!(!server.nodelay().unwrap());
    assert_eq!(client.info().unwrap().state, State::Established);
    assert_eq!(client.linger().unwrap(), None);
}

#[test]
fn a_listener_gives_its_time_to_live_to_what_it_accepts() {
    let (left, right) = pair();
    let listener = TcpListener::bind(&right, (RIGHT, 0)).unwrap();
    assert_eq!(listener.ttl().unwrap(), 64);
    listener.set_ttl(9).unwrap();
    let _client = TcpStream::connect(&left, listener.local_addr().unwrap()).unwrap();
    assert_eq!(listener.accept().unwrap().0.ttl().unwrap(), 9);
}

#[test]
fn several_buffers_are_written_and_read_at_once() {
    within(LIMIT, || {
        let (left, right) = pair();
        let (mut client, mut server) = connected(&left, &right);
        let slices = [IoSlice::new(b"ab"), IoSlice::new(b""), IoSlice::new(b"cde")];
        assert_eq!(client.write_vectored(&slices).unwrap(), 5);
        let mut all = [0; 5];
        while server.peek(&mut all).unwrap() < 5 {}
        let (mut first, mut second) = ([0; 3], [0; 9]);
        let mut slices = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
        assert_eq!(server.read_vectored(&mut slices).unwrap(), 5);
        assert_eq!((&first, &second[..2]), (b"abc", &b"de"[..]));
    });
}

#[test]
fn a_host_reaches_itself() {
    within(LIMIT, || {
        let host = Host::builder().start().unwrap();
        let listener = TcpListener::bind(&host, "0.0.0.0:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut client = TcpStream::connect(&host, ("127.0.0.1", port)).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        let writing = thread::spawn(move || client.write_all(&pattern(5_000_000)).unwrap());
        let mut received = Vec::new();
        server.read_to_end(&mut received).unwrap();
        writing.join().unwrap();
        assert!(received == pattern(5_000_000));
    });
}

#[test]
fn the_driver_ends_with_the_last_handle() {
    within(LIMIT, || {
        let (left, right) = pair();
        let (client, server) = connected(&left, &right);
        let threads = || {
            let tasks = std::fs::read_dir("/proc/self/task");
            tasks.map_or(0, |tasks| {
                let names = tasks.flatten().map(|task| std::fs::read_to_string(task.path().join("comm")));
                names.flatten().filter(|name| name.trim() == "net-only-here").count()
            })
        };
        let host = Host::builder().name("only-here").start().unwrap();
        let socket = TcpListener::bind(&host, "127.0.0.1:1").unwrap();
        let deadline = Instant::now() + Duration::from_secs(5);
        // A thread names itself once it runs.
        while cfg!(target_os = "linux") && threads() == 0 {
            assert!(Instant::now() < deadline, "the driver does not run");
            thread::sleep(Duration::from_millis(1));
        }
        drop(host);
        assert!(!socket.host().is_stopped());
        drop(socket);
        while threads() > 0 {
            assert!(Instant::now() < deadline, "the driver goes on");
            thread::sleep(Duration::from_millis(5));
        }
        drop((client, server, left, right));
    });
}
