use super::*;
use std::io::ErrorKind;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::service::Ended;

/// Longer than anything here takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// A relay between two pipes: the caller's end, the called's end, and the running relay.
fn between_pipes(bound: usize) -> (DuplexStream, DuplexStream, JoinHandle<Ended>) {
    let (caller, mut left) = duplex(bound);
    let (mut right, called) = duplex(bound);
    let running = tokio::spawn(async move {
        let tally = Tally::default();
        let how = relay(&mut left, &mut right, &tally).await;
        Ended::new(&tally, how)
    });
    (caller, called, running)
}

async fn socket_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (near, listener.accept().await.unwrap().0)
}

/// The same between two kernel sockets.
async fn between_sockets() -> (TcpStream, TcpStream, JoinHandle<Ended>) {
    let (caller, mut left) = socket_pair().await;
    let (called, mut right) = socket_pair().await;
    let running = tokio::spawn(async move {
        let tally = Tally::default();
        let how = relay(&mut left, &mut right, &tally).await;
        Ended::new(&tally, how)
    });
    (caller, called, running)
}

async fn rest(stream: &mut DuplexStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    timeout(DEADLINE, stream.read_to_end(&mut bytes)).await.unwrap().unwrap();
    bytes
}

#[tokio::test]
async fn the_caller_may_end_first_and_still_be_answered() {
    let (mut caller, mut called, running) = between_pipes(8);
    caller.write_all(b"request").await.unwrap();
    caller.shutdown().await.unwrap();
    assert_eq!(rest(&mut called).await, b"request");
    called.write_all(b"a long answer").await.unwrap_or_else(|error| panic!("{error}"));
    called.shutdown().await.unwrap();
    assert_eq!(rest(&mut caller).await, b"a long answer");
    let ended = running.await.unwrap();
    assert!(matches!(ended.how, How::Drained), "{ended:?}");
    assert_eq!((ended.received, ended.sent), (7, 13));
}

#[tokio::test]
async fn the_called_may_end_first_and_still_be_told() {
    let (mut caller, mut called, running) = between_pipes(64);
    called.write_all(b"greeting").await.unwrap();
    called.shutdown().await.unwrap();
    assert_eq!(rest(&mut caller).await, b"greeting");
    caller.write_all(b"thanks").await.unwrap();
    caller.shutdown().await.unwrap();
    assert_eq!(rest(&mut called).await, b"thanks");
    assert!(matches!(running.await.unwrap().how, How::Drained));
}

#[tokio::test]
async fn both_directions_at_once_lose_nothing() {
    let (mut caller, mut called, running) = between_pipes(1000);
    let text: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    let expected = text.clone();
    let answering = tokio::spawn(async move {
        let (mut reader, mut writer) = tokio::io::split(&mut called);
        let copied = tokio::io::copy(&mut reader, &mut writer).await.unwrap();
        writer.shutdown().await.unwrap();
        copied
    });
    let (mut reader, mut writer) = tokio::io::split(&mut caller);
    let write = async {
        writer.write_all(&text).await.unwrap();
        writer.shutdown().await.unwrap();
    };
    let mut back = Vec::new();
    let (_, read) = tokio::join!(write, reader.read_to_end(&mut back));
    read.unwrap();
    assert!(back == expected);
    assert_eq!(answering.await.unwrap(), expected.len() as u64);
    assert_eq!(running.await.unwrap().sent, expected.len() as u64);
}

#[tokio::test]
async fn a_reset_on_one_side_becomes_a_reset_on_the_other() {
    for caller_resets in [true, false] {
        let (caller, called, running) = between_sockets().await;
        let (resetting, mut told) = if caller_resets { (caller, called) } else { (called, caller) };
        resetting.set_zero_linger().unwrap();
        drop(resetting);
        let error = timeout(DEADLINE, told.read(&mut [0; 8])).await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        let ended = running.await.unwrap();
        assert!(
            matches!(&ended.how, How::Error(error) if error.kind() == ErrorKind::ConnectionReset),
            "{ended:?}"
        );
    }
}

#[tokio::test]
async fn who_broke_a_call_off_is_told() {
    for (resetting, side) in [(0, Side::Caller), (1, Side::Called)] {
        let (mut left, caller) = socket_pair().await;
        let (mut right, called) = socket_pair().await;
        let mut ends = vec![caller, called];
        ends[resetting].set_zero_linger().unwrap();
        let running = tokio::spawn(async move { carry(&mut left, &mut right, &Tally::default()).await });
        let other = ends.swap_remove(1 - resetting);
        drop(ends);
        let broken = running.await.unwrap().unwrap_err();
        assert_eq!((broken.side, broken.error.kind()), (side, ErrorKind::ConnectionReset));
        drop(other);
    }
}

#[tokio::test]
async fn a_relay_that_is_given_up_resets_both_sides() {
    let (mut caller, mut called, running) = between_sockets().await;
    // Half of what was to come.
    called.write_all(b"half").await.unwrap();
    let mut half = [0; 4];
    timeout(DEADLINE, caller.read_exact(&mut half)).await.unwrap().unwrap();
    running.abort();
    for side in [&mut caller, &mut called] {
        let error = timeout(DEADLINE, side.read(&mut [0; 8])).await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
}
