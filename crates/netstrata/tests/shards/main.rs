//! Hosts on several cores: their sockets are those of a host in one piece.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests live in real time, and a failure is a failed test"
)]

#[path = "../common/mod.rs"]
mod common;
mod ends;
mod rest;
mod taking;

use common::{LEFT, RIGHT, network, pattern, right, within};
use netstrata::{Host, PingSocket, TcpListener, TcpStream, UdpSocket};
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr};
use std::thread;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(100);
const CONNECTIONS: usize = 16;
const LENGTH: usize = 300_000;

/// Two hosts on one cable, with so many shards.
fn pair_of(shards: [usize; 2]) -> (Host, Host) {
    let [left, right] = shards;
    network(LEFT).name("left").shards(left).pair(network(RIGHT).name("right").shards(right)).unwrap()
}

/// Gives back what comes on so many calls.
fn echo(listener: TcpListener, calls: usize) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let serving: Vec<_> = (0..calls)
            .map(|_| {
                let (mut stream, _) = listener.accept().unwrap();
                thread::spawn(move || {
                    let mut bytes = Vec::new();
                    stream.read_to_end(&mut bytes).unwrap();
                    stream.write_all(&bytes).unwrap();
                })
            })
            .collect();
        serving.into_iter().for_each(|thread| thread.join().unwrap());
    })
}

/// Calls so many times at once; each call's bytes must come back.
fn call(host: &Host, to: SocketAddr, calls: usize) {
    let calling: Vec<_> = (0..calls)
        .map(|number| {
            let mut stream = TcpStream::connect(host, to).unwrap();
            thread::spawn(move || {
                let sent = &pattern(LENGTH + number)[number..];
                stream.write_all(sent).unwrap();
                stream.shutdown(Shutdown::Write).unwrap();
                let mut back = Vec::new();
                stream.read_to_end(&mut back).unwrap();
                assert!(back == sent, "{} bytes came back", back.len());
            })
        })
        .collect();
    calling.into_iter().for_each(|thread| thread.join().unwrap());
}

/// Connections that each shard has begun, and that it was called by.
fn opens(host: &Host) -> Vec<(u64, u64)> {
    let of = |host: &Host| {
        host.with(|stack, _| {
            let counters = stack.tcp().counters();
            (counters.active_opens, counters.passive_opens)
        })
    };
    host.shards().iter().map(of).collect()
}

fn total(opens: &[(u64, u64)]) -> (u64, u64) {
    opens.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
}

#[test]
fn sixteen_connections_each_way_arrive_bit_for_bit_over_all_shards() {
    for shards in [[1, 2], [2, 1], [2, 2], [3, 4]] {
        within(LIMIT, move || {
            let (left, right) = pair_of(shards);
            assert_eq!([left.shard_count(), right.shard_count()], shards);
            let mut threads = Vec::new();
            for (server, client, address) in [(&left, &right, LEFT), (&right, &left, RIGHT)] {
                let listener = TcpListener::bind(server, (address, 7)).unwrap();
                threads.push(echo(listener, CONNECTIONS));
                let client = client.clone();
                threads.push(thread::spawn(move || call(&client, (address, 7).into(), CONNECTIONS)));
            }
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            for (host, count) in [(&left, shards[0]), (&right, shards[1])] {
                let opens = opens(host);
                let (active, passive) = total(&opens);
                assert_eq!((active, passive), (CONNECTIONS as u64, CONNECTIONS as u64), "{opens:?}");
                assert_eq!(opens.len(), count);
                // Connections take turns among the shards; whom a caller reaches is up to the hash.
                let share = (CONNECTIONS / count) as u64;
                assert!(opens.iter().all(|(active, _)| (share..=share + 1).contains(active)), "{opens:?}");
                assert!(
                    opens.iter().filter(|(_, passive)| *passive > 0).count() >= count.min(2),
                    "{opens:?}"
                );
                let statistics = host.statistics();
                assert_eq!(statistics.handovers_lost, 0);
                assert_eq!(statistics.handed_over > 0, count > 1, "one cable has one queue: {statistics:?}");
            }
        });
    }
}

#[test]
fn a_host_reaches_itself_at_every_address_on_every_shard() {
    within(LIMIT, || {
        let (left, _right) = pair_of([4, 1]);
        for address in [LEFT, IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::from([0_u16, 0, 0, 0, 0, 0, 0, 1])] {
            let listener = TcpListener::bind(&left, (address, 0)).unwrap();
            let to = listener.local_addr().unwrap();
            let serving = echo(listener, CONNECTIONS);
            call(&left, to, CONNECTIONS);
            serving.join().unwrap();
        }
        let opens = opens(&left);
        assert!(
            opens.iter().all(|(active, passive)| active == passive),
            "both ends are on one shard: {opens:?}"
        );
        assert_eq!(total(&opens), (48, 48));
    });
}

#[test]
fn a_wanted_local_port_leads_to_its_shard_and_is_taken_once() {
    within(LIMIT, || {
        let (left, host) = pair_of([3, 1]);
        let listener = TcpListener::bind(&host, right(80)).unwrap();
        let mut streams = Vec::new();
        for port in 2000..2020 {
            let local = Some(SocketAddr::new(LEFT, port));
            let stream = TcpStream::open(&left, local, right(80), None, None).unwrap();
            assert_eq!(stream.local_addr().unwrap().port(), port);
            let again = TcpStream::open(&left, local, right(80), None, None).unwrap_err();
            assert_eq!(again.kind(), ErrorKind::AddrInUse);
            streams.push((stream, listener.accept().unwrap()));
        }
        let used = opens(&left).iter().filter(|(active, _)| *active > 0).count();
        assert!(used > 1, "20 ports of one shard alone are one case in 3 billion");
        // Whatever shard a socket is of, its host is the whole host.
        let other = TcpListener::bind(streams[0].0.host(), (LEFT, 80)).unwrap();
        assert_eq!(TcpListener::bind(&left, (LEFT, 80)).unwrap_err().kind(), ErrorKind::AddrInUse);
        let calling = thread::spawn(move || call(&host, (LEFT, 80).into(), 8));
        echo(other, 8).join().unwrap();
        calling.join().unwrap();
    });
}

#[test]
fn a_listener_that_is_gone_is_gone_from_every_shard_and_its_place_is_free() {
    within(LIMIT, || {
        let (left, host) = pair_of([2, 4]);
        for _ in 0..3 {
            let listener = TcpListener::bind(&host, right(80)).unwrap();
            listener.set_nonblocking(true).unwrap();
            assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
            drop(listener);
            for _ in 0..CONNECTIONS {
                let refused = TcpStream::connect(&left, right(80)).unwrap_err();
                assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
            }
        }
    });
}

#[test]
fn what_is_not_tcp_works_from_a_handle_of_any_shard() {
    within(LIMIT, || {
        let (left, host) = pair_of([3, 2]);
        for handle in left.shards() {
            let ping = PingSocket::open(&handle).unwrap();
            ping.send_to(RIGHT, 1, b"payload", None).unwrap();
            assert_eq!(ping.recv_timeout(Duration::from_secs(30)).unwrap().from, RIGHT);
            for peer in host.shards() {
                let server = UdpSocket::bind(&peer, right(5000)).unwrap();
                let client = UdpSocket::bind(&handle, (LEFT, 0)).unwrap();
                // Longer than the cable: fragments come together at the first shard.
                let sent = pattern(5000);
                client.send_to(&sent, right(5000)).unwrap();
                let mut buffer = vec![0; 6000];
                let (count, from) = server.recv_from(&mut buffer).unwrap();
                assert!(buffer[..count] == sent && from == client.local_addr().unwrap());
            }
        }
    });
}

#[test]
fn a_number_of_shards_that_cannot_be_is_refused() {
    for count in [0, 65] {
        let error = Host::builder().shards(count).start().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("1 to 64"), "{error}");
    }
    let host = Host::builder().shards(64).start().unwrap();
    assert_eq!(host.shards().len(), 64);
    assert!(host.shutdown(Duration::from_secs(10)));
}
