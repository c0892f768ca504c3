//! Hosts on several cores: their sockets are those of a host in one piece.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests live in real time, and a failure is a failed test"
)]

mod common;

use common::{LEFT, RIGHT, network, pattern, right, within};
use netstrata::{Host, PingSocket, TcpListener, TcpStream, UdpSocket};
use std::collections::BTreeSet;
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
fn many_tasks_at_one_listener_get_all_calls_and_those_that_give_up_lose_none() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    within(LIMIT, || {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
        runtime.block_on(async {
            let (left, host) = pair_of([2, 4]);
            let listener = netstrata::tokio::TcpListener::bind(&host, right(80)).await.unwrap();
            let listener = std::sync::Arc::new(listener);
            let mut serving = Vec::new();
            for _ in 0..8 {
                let listener = listener.clone();
                serving.push(tokio::spawn(async move {
                    let mut taken = BTreeSet::new();
                    while taken.len() < 25 {
                        // It looks now and then only; what came meanwhile must still be there.
                        let accepted =
                            tokio::time::timeout(Duration::from_millis(2), listener.accept()).await;
                        let Ok(accepted) = accepted else { continue };
                        let (mut stream, from) = accepted.unwrap();
                        taken.insert(from);
                        tokio::spawn(async move {
                            let byte = stream.read_u8().await.unwrap();
                            stream.write_u8(byte + 1).await.unwrap();
                        });
                    }
                    taken
                }));
            }
            let calling: Vec<_> = (0..200_u8)
                .map(|number| {
                    let left = left.clone();
                    tokio::spawn(async move {
                        let mut stream =
                            netstrata::tokio::TcpStream::connect(&left, right(80)).await.unwrap();
                        stream.write_u8(number).await.unwrap();
                        assert_eq!(stream.read_u8().await.unwrap(), number + 1);
                        stream.local_addr().unwrap()
                    })
                })
                .collect();
            let mut called = BTreeSet::new();
            for calling in calling {
                called.insert(calling.await.unwrap());
            }
            let mut taken = BTreeSet::new();
            for serving in serving {
                taken.extend(serving.await.unwrap());
            }
            assert_eq!(taken, called);
            assert!(opens(&host).iter().all(|(_, passive)| *passive > 0), "{:?}", opens(&host));
            // Nobody waits any more.
            drop(listener);
            assert_eq!(host.statistics().waiting, 0);
        });
    });
}

#[test]
fn a_shard_with_many_calls_does_not_keep_others_from_being_taken() {
    within(LIMIT, || {
        let (left, host) = pair_of([1, 2]);
        let listener = TcpListener::bind(&host, right(80)).unwrap();
        let streams: Vec<_> = (0..40).map(|_| TcpStream::connect(&left, right(80)).unwrap()).collect();
        // The last acknowledgments may still be on their way.
        while total(&opens(&host)).1 < 40 {
            thread::sleep(Duration::from_millis(1));
        }
        let waiting: Vec<u64> = opens(&host).iter().map(|(_, passive)| *passive).collect();
        let rarer = *waiting.iter().min().unwrap() as usize;
        // As long as both have calls, they are taken by turns: the shard with fewer is not left to the end.
        let mut of_shard = [0, 0];
        for _ in 0..2 * rarer {
            let (stream, _) = listener.accept().unwrap();
            of_shard[stream.host().with(|stack, _| stack.shard().index())] += 1;
        }
        assert_eq!(of_shard, [rarer, rarer]);
        drop(streams);
    });
}

#[test]
fn calls_are_decided_on_at_every_shard() {
    within(LIMIT, || {
        let (left, host) = pair_of([1, 2]);
        let listener = TcpListener::bind(&host, right(80)).unwrap();
        listener.set_admission(true).unwrap();
        let calling: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                let left = left.clone();
                thread::spawn(move || {
                    TcpStream::connect(&left, right(80)).map(|_| ()).map_err(|error| error.kind())
                })
            })
            .collect();
        let mut accepted = 0;
        for number in 0..CONNECTIONS {
            let request = listener.request().unwrap();
            if number % 2 == 0 {
                request.accept().unwrap();
                listener.accept().unwrap();
                accepted += 1;
            } else {
                request.refuse().unwrap();
            }
        }
        let results: Vec<_> = calling.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), accepted);
        assert!(results.iter().all(|result| matches!(result, Ok(()) | Err(ErrorKind::ConnectionRefused))));
    });
}

/// Sends on several connections and lets go at once; what arrives must be whole.
fn leave(end: impl FnOnce(Host, Vec<TcpStream>)) {
    let (left, host) = pair_of([3, 2]);
    let listener = TcpListener::bind(&host, right(80)).unwrap();
    let reading = thread::spawn(move || {
        let reading: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                let (mut stream, _) = listener.accept().unwrap();
                thread::spawn(move || {
                    let mut bytes = Vec::new();
                    stream.read_to_end(&mut bytes).unwrap();
                    assert!(bytes == pattern(LENGTH), "{} bytes arrived", bytes.len());
                })
            })
            .collect();
        reading.into_iter().for_each(|thread| thread.join().unwrap());
    });
    let streams: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let mut stream = TcpStream::connect(&left, right(80)).unwrap();
            stream.write_all(&pattern(LENGTH)).unwrap();
            stream
        })
        .collect();
    end(left, streams);
    reading.join().unwrap();
}

#[test]
fn a_shutdown_waits_for_what_all_shards_have_to_deliver() {
    within(LIMIT, || {
        leave(|host, streams| {
            drop(streams);
            let again = host.clone();
            assert!(host.shutdown(Duration::from_secs(60)));
            assert!(again.is_stopped());
            assert_eq!(again.shards().iter().filter(|shard| !shard.is_stopped()).count(), 0);
            let error = TcpStream::connect(&again, right(80)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotConnected);
        });
    });
}

#[test]
fn a_host_without_handles_delivers_on_all_shards_before_it_ends() {
    within(LIMIT, || {
        leave(|host, streams| {
            drop(host);
            drop(streams);
        });
    });
}

#[test]
fn a_host_that_polls_after_traffic_is_idle_without_it() {
    within(LIMIT, || {
        let network = |address| network(address).shards(2).polling(Duration::from_millis(1));
        let (left, host) = network(LEFT).pair(network(RIGHT)).unwrap();
        let (mut client, mut server) = common::connected(&left, &host);
        let mut byte = [7];
        for _ in 0..3000 {
            client.write_all(&byte).unwrap();
            server.read_exact(&mut byte).unwrap();
            server.write_all(&byte).unwrap();
            client.read_exact(&mut byte).unwrap();
        }
        let (before, after) = common::quiet_second(
            || (left.statistics(), host.statistics()),
            |before, after| {
                [after.0.turns - before.0.turns, after.1.turns - before.1.turns]
                    .iter()
                    .all(|turns| *turns <= 5_000)
            },
        );
        // A neighbour that is asked once more whether it is there is traffic too, after which hundreds of turns follow within the
        // millisecond. Who never slept would take a hundred thousand in this second.
        assert!(after.0.turns - before.0.turns <= 5_000, "{:?} -> {:?}", before.0, after.0);
        assert!(after.1.turns - before.1.turns <= 5_000, "{:?} -> {:?}", before.1, after.1);
    });
}

/// Each byte needs wake-ups of drivers on both sides, of which one may have to hand it over.
#[test]
fn thousands_of_turns_between_shards_all_come_to_their_end() {
    within(LIMIT, || {
        let (left, host) = pair_of([2, 3]);
        let listener = TcpListener::bind(&host, right(7)).unwrap();
        let players: Vec<_> = (0..6)
            .flat_map(|_| {
                let client = TcpStream::connect(&left, right(7)).unwrap();
                let (server, _) = listener.accept().unwrap();
                [(client, true), (server, false)]
            })
            .map(|(mut stream, first)| {
                thread::spawn(move || {
                    stream.set_nodelay(true).unwrap();
                    for turn in 0..1500_u32 {
                        let mut ball = turn.to_be_bytes();
                        if first {
                            stream.write_all(&ball).unwrap();
                        }
                        stream.read_exact(&mut ball).unwrap();
                        assert_eq!(u32::from_be_bytes(ball), turn);
                        if !first {
                            stream.write_all(&ball).unwrap();
                        }
                    }
                })
            })
            .collect();
        players.into_iter().for_each(|player| player.join().unwrap());
        assert!(left.statistics().handed_over > 0 && host.statistics().handed_over > 0);
    });
}

#[test]
fn an_idle_host_of_several_shards_sleeps() {
    within(LIMIT, || {
        let (left, host) = pair_of([2, 3]);
        let listener = TcpListener::bind(&host, right(80)).unwrap();
        let mut streams = Vec::new();
        for _ in 0..CONNECTIONS {
            let mut client = TcpStream::connect(&left, right(80)).unwrap();
            let (mut server, _) = listener.accept().unwrap();
            client.write_all(b"x").unwrap();
            server.read_exact(&mut [0; 1]).unwrap();
            streams.push((client, server));
        }
        let (before, after) = common::quiet_second(
            || (left.statistics(), host.statistics()),
            |before, after| {
                after.0.turns - before.0.turns <= 2 * 4 && after.1.turns - before.1.turns <= 3 * 4
            },
        );
        assert!(after.0.turns - before.0.turns <= 2 * 4, "{:?} -> {:?}", before.0, after.0);
        assert!(after.1.turns - before.1.turns <= 3 * 4, "{:?} -> {:?}", before.1, after.1);
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
