//! No wake-up is lost, and nobody wakes without need.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests live in real time, and a failure is a failed test"
)]

mod common;

use common::{RIGHT, connected, pair, within};
use netstrata::{TcpListener, TcpStream};
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::thread;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(100);

/// Several threads play ping-pong with a byte each: every turn needs a wake-up of a driver and of a thread on both sides.
#[test]
fn thousands_of_turns_between_threads_all_come_to_their_end() {
    within(LIMIT, || {
        let (left, right) = pair();
        let listener = TcpListener::bind(&right, (RIGHT, 7)).unwrap();
        let players: Vec<_> = (0..4)
            .map(|_| {
                let client = TcpStream::connect(&left, (RIGHT, 7)).unwrap();
                let (server, _) = listener.accept().unwrap();
                let play = |mut stream: TcpStream, first: bool| {
                    thread::spawn(move || {
                        stream.set_nodelay(true).unwrap();
                        let mut ball = [0; 1];
                        for turn in 0..3_000u32 {
                            if first || turn > 0 {
                                stream.write_all(&ball).unwrap();
                            }
                            stream.read_exact(&mut ball).unwrap();
                            ball[0] = ball[0].wrapping_add(1);
                        }
                        if !first {
                            stream.write_all(&ball).unwrap();
                        }
                    })
                };
                (play(client, true), play(server, false))
            })
            .collect();
        for (client, server) in players {
            client.join().unwrap();
            server.join().unwrap();
        }
    });
}

/// One thread on each side, so that each drives its host while it waits: with pauses of all lengths around a tick, reads that time out,
/// and others who call, wait and hang up meanwhile. Whatever is in flight when somebody leaves the helm arrives.
#[test]
fn threads_that_drive_their_host_while_they_wait_lose_nothing() {
    const TURNS: u32 = 3_000;
    within(LIMIT, || {
        let (left, right) = pair();
        let listener = TcpListener::bind(&right, (RIGHT, 7)).unwrap();
        let mut client = TcpStream::connect(&left, (RIGHT, 7)).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        let echo = thread::spawn(move || {
            server.set_nodelay(true).unwrap();
            let mut word = [0; 4];
            while server.read_exact(&mut word).is_ok() {
                server.write_all(&word).unwrap();
            }
        });
        let answering = thread::spawn(move || {
            while let Ok((mut stream, _)) = listener.accept() {
                let mut word = Vec::new();
                stream.read_to_end(&mut word).unwrap();
                if word == [9] {
                    return;
                }
                stream.write_all(&word).unwrap();
            }
        });
        client.set_nodelay(true).unwrap();
        let call = |word: &[u8]| {
            let mut other = TcpStream::connect(&left, (RIGHT, 7)).unwrap();
            other.write_all(word).unwrap();
            other.shutdown(Shutdown::Write).unwrap();
            let mut back = Vec::new();
            other.read_to_end(&mut back).unwrap();
            back
        };
        let mut led = 0;
        let mut turn = 0_u32;
        // A machine that is busy elsewhere may need longer until somebody comes back soon several times in a row.
        while turn < TURNS || (led == 0 && turn < 100 * TURNS) {
            client.write_all(&turn.to_be_bytes()).unwrap();
            let mut word = [0; 4];
            client.read_exact(&mut word).unwrap();
            assert_eq!(word, turn.to_be_bytes());
            if turn % 50 == 49 {
                thread::sleep(Duration::from_micros(u64::from(turn % 13) * 100));
                client.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
                let late = client.read(&mut word).unwrap_err();
                assert_eq!(late.kind(), ErrorKind::WouldBlock);
                client.set_read_timeout(None).unwrap();
            }
            if turn % 100 == 77 {
                assert_eq!(call(&turn.to_be_bytes()), turn.to_be_bytes());
            }
            turn += 1;
            led = left.statistics().led;
        }
        assert!(led > 0, "nobody ever drove");
        // A reader that sleeps at the helm is woken by whoever shuts its stream down.
        let reader = client.try_clone().unwrap();
        let waiting = thread::spawn(move || {
            let mut reader = reader;
            reader.read(&mut [0; 4]).unwrap()
        });
        thread::sleep(Duration::from_millis(5));
        client.shutdown(Shutdown::Both).unwrap();
        assert_eq!(waiting.join().unwrap(), 0);
        echo.join().unwrap();
        call(&[9]);
        answering.join().unwrap();
    });
}

/// The end of its host wakes who sleeps at the helm.
#[test]
fn a_thread_that_drives_while_it_waits_learns_that_its_host_is_shut_down() {
    within(LIMIT, || {
        let (left, right) = pair();
        let (mut client, mut server) = connected(&left, &right);
        let echo = thread::spawn(move || {
            let mut ball = [0; 1];
            while server.read_exact(&mut ball).is_ok() && ball != [9] {
                server.write_all(&ball).unwrap();
            }
            server
        });
        let waiting = {
            let left = left.clone();
            thread::spawn(move || {
                client.set_nodelay(true).unwrap();
                while left.statistics().led < 10 {
                    client.write_all(&[1]).unwrap();
                    client.read_exact(&mut [0; 1]).unwrap();
                }
                client.write_all(&[9]).unwrap();
                client.read(&mut [0; 1]).unwrap_err()
            })
        };
        let server = echo.join().unwrap();
        thread::sleep(Duration::from_millis(5));
        left.shutdown(Duration::ZERO);
        assert_eq!(waiting.join().unwrap().kind(), ErrorKind::NotConnected);
        drop(server);
    });
}

/// The turns of many threads among tasks, many more of them than threads.
#[test]
fn thousands_of_turns_between_tasks_all_come_to_their_end() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    within(LIMIT, || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        runtime.block_on(async {
            let (left, right) = pair();
            let listener = netstrata::tokio::TcpListener::bind(&right, (RIGHT, 7)).await.unwrap();
            let serving = tokio::spawn(async move {
                loop {
                    let (mut stream, _) = listener.accept().await.unwrap();
                    tokio::spawn(async move {
                        let mut word = [0; 8];
                        while stream.read_exact(&mut word).await.is_ok() {
                            stream.write_all(&word).await.unwrap();
                        }
                    });
                }
            });
            let mut players = Vec::new();
            for player in 0..50u64 {
                let left = left.clone();
                players.push(tokio::spawn(async move {
                    let mut stream = netstrata::tokio::TcpStream::connect(&left, (RIGHT, 7)).await.unwrap();
                    for turn in 0..200u64 {
                        let sent = (player << 32 | turn).to_be_bytes();
                        stream.write_all(&sent).await.unwrap();
                        let mut received = [0; 8];
                        stream.read_exact(&mut received).await.unwrap();
                        assert_eq!(sent, received);
                    }
                }));
            }
            for player in players {
                player.await.unwrap();
            }
            serving.abort();
        });
    });
}

/// CPU time that this process's threads of that name have used, in clock ticks of 10 ms, and how often they were switched to.
#[cfg(target_os = "linux")]
fn threads(name: &str) -> (u64, u64) {
    let (mut ticks, mut switches) = (0, 0);
    for task in std::fs::read_dir("/proc/self/task").unwrap().flatten() {
        let read = |file| std::fs::read_to_string(task.path().join(file)).unwrap_or_default();
        if !read("comm").starts_with(name) {
            continue;
        }
        let stat = read("stat");
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        ticks += fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        let status = read("status");
        let voluntary = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        switches += voluntary.unwrap().trim().parse::<u64>().unwrap();
    }
    (ticks, switches)
}

#[cfg(target_os = "linux")]
#[test]
fn a_host_with_a_hundred_idle_connections_sleeps() {
    within(LIMIT, || {
        let (left, right) = common::network(common::LEFT)
            .name("idle-left")
            .pair(common::network(RIGHT).name("idle-right"))
            .unwrap();
        let mut streams: Vec<_> = (0..100).map(|_| connected(&left, &right)).collect();
        for (client, server) in &mut streams {
            client.write_all(b"x").unwrap();
            server.read_exact(&mut [0; 1]).unwrap();
        }
        let (before, after) = common::quiet_second(
            || (threads("net-idle"), left.statistics(), right.statistics()),
            |before, after| {
                let turns = [after.1.turns - before.1.turns, after.2.turns - before.2.turns];
                let ((ticks, switches), (more_ticks, more_switches)) = (before.0, after.0);
                more_ticks - ticks <= 1
                    && more_switches - switches <= 4
                    && turns.iter().all(|turns| *turns <= 4)
            },
        );
        assert!(after.0.0 - before.0.0 <= 1, "ticks of 10 ms: {}", after.0.0 - before.0.0);
        assert!(after.0.1 - before.0.1 <= 4, "wake-ups of the threads: {}", after.0.1 - before.0.1);
        assert!(after.1.turns - before.1.turns <= 4, "{:?} -> {:?}", before.1, after.1);
        assert!(after.2.turns - before.2.turns <= 4, "{:?} -> {:?}", before.2, after.2);
    });
}

/// It asks on for a moment, then it sleeps, and so does the thread that it drives for.
#[cfg(target_os = "linux")]
#[test]
fn one_who_drives_while_it_waits_sleeps_when_nothing_comes() {
    within(LIMIT, || {
        let (left, right) = common::network(common::LEFT)
            .name("led-left")
            .pair(common::network(RIGHT).name("led-right"))
            .unwrap();
        let (mut client, mut server) = connected(&left, &right);
        let echo = thread::spawn(move || {
            let mut ball = [0; 1];
            while server.read_exact(&mut ball).is_ok() && ball != [9] {
                server.write_all(&ball).unwrap();
            }
            server
        });
        let waiting = {
            let left = left.clone();
            thread::Builder::new().name("net-led-waiter".to_owned()).spawn(move || {
                client.set_nodelay(true).unwrap();
                while left.statistics().led < 10 {
                    client.write_all(&[1]).unwrap();
                    client.read_exact(&mut [0; 1]).unwrap();
                }
                client.write_all(&[9]).unwrap();
                client.read(&mut [0; 1]).unwrap()
            })
        };
        let mut server = echo.join().unwrap();
        let (before, after) = common::quiet_second(
            || (threads("net-led"), left.statistics().turns),
            |before, after| {
                let ((ticks, switches), (more_ticks, more_switches)) = (before.0, after.0);
                more_ticks - ticks <= 1 && more_switches - switches <= 8 && after.1 - before.1 <= 4
            },
        );
        assert!(after.0.0 - before.0.0 <= 1, "ticks of 10 ms: {}", after.0.0 - before.0.0);
        assert!(after.0.1 - before.0.1 <= 8, "wake-ups of the threads: {}", after.0.1 - before.0.1);
        assert!(after.1 - before.1 <= 4, "turns: {}", after.1 - before.1);
        // And it is woken all the same.
        server.write_all(&[1]).unwrap();
        assert_eq!(waiting.unwrap().join().unwrap(), 1);
    });
}

#[test]
fn asking_for_what_is_not_there_does_not_wake_the_driver() {
    within(LIMIT, || {
        let (left, right) = pair();
        let (client, server) = connected(&left, &right);
        server.set_nonblocking(true).unwrap();
        thread::sleep(Duration::from_millis(300));
        let before = right.statistics();
        for _ in 0..1000 {
            assert_eq!((&server).read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::WouldBlock);
        }
        let after = right.statistics();
        assert!(after.alarms == before.alarms && after.turns <= before.turns + 2, "{before:?} -> {after:?}");
        drop(client);
    });
}
