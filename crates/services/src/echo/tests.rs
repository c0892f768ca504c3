use super::*;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::buffer::CAPACITY;
use crate::service::Ended;

/// Bytes that do not repeat with any power of two.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i % 251) as u8 ^ (i / 251 % 241) as u8).collect()
}

#[tokio::test]
async fn every_byte_value_comes_back_and_the_end_follows() {
    for bound in [1, 7, 256, 1 << 20] {
        let (mut near, far) = duplex(bound);
        let running = tokio::spawn(Echo.call(far));
        let sent = pattern(2000);
        let (mut reader, mut writer) = tokio::io::split(near);
        let writing = {
            let sent = sent.clone();
            tokio::spawn(async move {
                writer.write_all(&sent).await.unwrap();
                writer.shutdown().await.unwrap();
                writer
            })
        };
        let mut back = Vec::new();
        reader.read_to_end(&mut back).await.unwrap();
        assert!(back == sent, "bound {bound}");
        near = reader.unsplit(writing.await.unwrap());
        let Ended { received, sent, how } = running.await.unwrap();
        assert!(matches!(how, How::Drained), "{how:?}");
        assert_eq!((received, sent), (2000, 2000));
        drop(near);
    }
}

/// The clock stands while anybody can go on: the time is over when all stand still, however busy the machine is.
#[tokio::test(start_paused = true)]
async fn it_reads_on_while_it_cannot_write_up_to_its_buffer() {
    let (mut near, far) = duplex(100);
    let _running = tokio::spawn(Echo.call(far));
    // Nothing is read back yet: what fits is both pipes' bounds and the buffer, no more and hardly less.
    let mut sent = 0;
    let stuck = timeout(Duration::from_millis(500), async {
        loop {
            sent += near.write(&pattern(100)).await.unwrap();
        }
    });
    assert!(stuck.await.is_err());
    assert!((CAPACITY..=CAPACITY + 200).contains(&sent), "{sent}");
    let mut back = vec![0; sent];
    timeout(Duration::from_secs(5), near.read_exact(&mut back)).await.unwrap().unwrap();
    assert!(back.chunks(100).all(|chunk| pattern(100).starts_with(chunk)));
}

#[tokio::test]
async fn a_caller_that_vanishes_ends_the_call() {
    let (mut near, far) = duplex(10);
    let running = tokio::spawn(Echo.call(far));
    near.write_all(b"0123456789").await.unwrap();
    drop::<DuplexStream>(near);
    let ended = timeout(Duration::from_secs(5), running).await.unwrap().unwrap();
    assert!(matches!(ended.how, How::Error(_)), "{ended:?}");
}

#[tokio::test]
async fn a_busy_call_leaves_the_thread_to_others() {
    let (near, far) = duplex(1 << 20);
    tokio::spawn(Echo.call(far));
    let (mut reader, mut writer) = tokio::io::split(near);
    tokio::spawn(async move { while writer.write_all(&[1; 4096]).await.is_ok() {} });
    tokio::spawn(async move {
        let mut sink = vec![0; 4096];
        while matches!(reader.read(&mut sink).await, Ok(1..)) {}
    });
    // One thread, three tasks that are always ready: the timer is still served.
    timeout(Duration::from_secs(5), tokio::time::sleep(Duration::from_millis(20))).await.unwrap();
}

#[tokio::test]
async fn sixteen_mebibytes_over_a_kernel_socket_with_a_half_close() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let running = tokio::spawn(async move { Echo.call(listener.accept().await.unwrap().0).await });
    let (mut reader, mut writer) = TcpStream::connect(address).await.unwrap().into_split();
    let sent = pattern(16 << 20);
    let writing = {
        let sent = sent.clone();
        tokio::spawn(async move {
            writer.write_all(&sent).await.unwrap();
            writer.shutdown().await.unwrap();
        })
    };
    let mut back = Vec::with_capacity(sent.len());
    timeout(Duration::from_secs(60), reader.read_to_end(&mut back)).await.unwrap().unwrap();
    assert!(back == sent);
    writing.await.unwrap();
    let ended = running.await.unwrap();
    assert!(matches!(ended.how, How::Drained), "{ended:?}");
    assert_eq!(ended.sent, 16 << 20);
}
