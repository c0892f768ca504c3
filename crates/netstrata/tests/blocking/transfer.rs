//! Bytes that come and go, between many and at once.

use crate::LIMIT;
use crate::common::{LEFT, RIGHT, connected, pair, pattern, within};
use netstrata::{Host, TcpListener, TcpStream};
use std::io::{IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;
use std::thread;
use std::time::{Duration, Instant};

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
