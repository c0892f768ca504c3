//! The end of a host delivers what all of its shards still have.

use crate::common::{pattern, right, within};
use crate::{CONNECTIONS, LENGTH, LIMIT, pair_of};
use netstrata::{Host, TcpListener, TcpStream};
use std::io::{ErrorKind, Read, Write};
use std::thread;
use std::time::Duration;

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
