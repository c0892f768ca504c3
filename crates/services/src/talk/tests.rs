use super::*;
use std::time::Duration;
use tokio::io::{AsyncReadExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::service::Ended;

fn call(bound: usize) -> (DuplexStream, JoinHandle<Ended>) {
    let (near, far) = duplex(bound);
    (near, tokio::spawn(Talk.call(far)))
}

/// Writes one message and reads the same back.
async fn exchange(stream: &mut DuplexStream, message: &[u8]) {
    stream.write_all(message).await.unwrap();
    let mut answer = vec![0; message.len()];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, message);
}

#[tokio::test]
async fn what_one_read_returns_is_sent_back_as_it_came() {
    let (mut near, running) = call(1024);
    for message in ["hello\n", "\n", "q?", "qq", "q\n\n", " q", "你好", "\0\u{1}\u{2}"] {
        exchange(&mut near, message.as_bytes()).await;
    }
    drop(near);
    let ended = running.await.unwrap();
    assert!(matches!(ended.how, How::PeerClosed), "{ended:?}");
    assert_eq!(ended.received, ended.sent);
    assert_eq!(ended.sent, 25);
}

#[tokio::test]
async fn a_character_cut_by_reads_reaches_the_caller_whole() {
    let (mut near, _running) = call(1024);
    let text = "网络编程".as_bytes();
    for byte in text {
        near.write_all(std::slice::from_ref(byte)).await.unwrap();
        tokio::task::yield_now().await;
    }
    let mut answer = vec![0; text.len()];
    near.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, text);
}

#[tokio::test]
async fn each_form_of_farewell_ends_the_call_without_being_sent_back() {
    for farewell in ["q", "q\n", "q\r\n"] {
        let (mut near, running) = call(64);
        exchange(&mut near, b"before").await;
        near.write_all(farewell.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        near.read_to_end(&mut rest).await.unwrap();
        assert!(rest.is_empty(), "{rest:?}");
        let ended = running.await.unwrap();
        assert!(matches!(ended.how, How::Quit), "{farewell:?}: {ended:?}");
        assert_eq!((ended.received, ended.sent), (6 + farewell.len() as u64, 6));
    }
}

#[tokio::test]
async fn the_end_of_the_stream_ends_the_call_at_once() {
    let (mut near, running) = call(64);
    near.shutdown().await.unwrap();
    // The page's server would go on reading nothing for ever.
    let ended = timeout(Duration::from_secs(5), running).await.unwrap().unwrap();
    assert!(matches!(ended.how, How::PeerClosed), "{ended:?}");
    let mut rest = Vec::new();
    assert_eq!(near.read_to_end(&mut rest).await.unwrap(), 0);
}

#[tokio::test]
async fn a_half_closed_caller_still_gets_its_answer() {
    let (mut near, running) = call(3);
    near.write_all(b"abc").await.unwrap();
    near.shutdown().await.unwrap();
    let mut answer = Vec::new();
    near.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, b"abc");
    assert!(matches!(running.await.unwrap().how, How::PeerClosed));
}

/// The clock stands while anybody can go on: the time is over when all stand still, however busy the machine is.
#[tokio::test(start_paused = true)]
async fn a_caller_that_never_reads_is_no_longer_read() {
    let (mut near, running) = call(1000);
    // One bound's worth in each direction, then the caller stands still: the service holds no more than one read.
    let sent = timeout(Duration::from_millis(200), async {
        let mut sent = 0;
        loop {
            sent += near.write(&[b'x'; 100]).await.unwrap();
            assert!(sent <= 3000);
        }
    });
    assert!(sent.await.is_err());
    drop(near);
    let ended = timeout(Duration::from_secs(5), running).await.unwrap().unwrap();
    assert!(matches!(ended.how, How::Error(_)), "{ended:?}");
}
