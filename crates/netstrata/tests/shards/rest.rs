//! Shards wake each other up, and sleep when there is nothing to do.

use crate::common::{self, LEFT, RIGHT, network, right, within};
use crate::{CONNECTIONS, LIMIT, pair_of};
use netstrata::{TcpListener, TcpStream};
use std::io::{Read, Write};
use std::thread;
use std::time::Duration;

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
