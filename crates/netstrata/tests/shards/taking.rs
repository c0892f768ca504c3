//! Calls that come in at several shards are taken at one listener.

use crate::common::{right, within};
use crate::{CONNECTIONS, LIMIT, opens, pair_of, total};
use netstrata::{TcpListener, TcpStream};
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::thread;
use std::time::Duration;

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
