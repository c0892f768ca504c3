//! The sockets for tasks behave as those of `tokio::net` do.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests live in real time, and a failure is a failed test"
)]

#[path = "../common/mod.rs"]
mod common;
mod turns;

use bytes::Bytes;
use common::{LEFT, NOBODY, RIGHT, pair, pattern, right};
use netstrata::Host;
use netstrata::tokio::{Interest, TcpListener, TcpStream};
use std::future::Future;
use std::io::ErrorKind;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::time::{sleep, timeout};

const LIMIT: Duration = Duration::from_secs(60);

/// Runs a test on two threads of tokio, and fails if it does not come to its end.
fn run(test: impl Future<Output = ()> + Send + 'static) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    runtime.block_on(async {
        let task = tokio::spawn(test);
        timeout(LIMIT, task).await.expect("it hangs").unwrap();
    });
}

pub(crate) async fn connected(left: &Host, right: &Host) -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind(right, (RIGHT, 0)).await.unwrap();
    let client = TcpStream::connect(left, listener.local_addr().unwrap()).await.unwrap();
    let (server, from) = listener.accept().await.unwrap();
    assert_eq!((from, from.ip()), (client.local_addr().unwrap(), LEFT));
    (client, server)
}

#[test]
fn a_listener_holds_a_thousand_callers_that_say_nothing_until_they_are_taken() {
    run(async {
        let (left, right) = pair();
        let listener = TcpListener::bind(&right, (RIGHT, 0)).await.unwrap();
        let to = listener.local_addr().unwrap();
        let mut callers = Vec::new();
        for _ in 0..1000 {
            callers.push(TcpStream::connect(&left, to).await.unwrap());
        }
        for caller in &callers {
            assert_eq!(listener.accept().await.unwrap().1, caller.local_addr().unwrap());
        }
    });
}

#[test]
fn a_relay_passes_on_half_closes_in_both_orders() {
    run(async {
        for client_first in [true, false] {
            // client <-> relay <-> server, the relay being a host of its own with two connections.
            let (left, right) = pair();
            let (mut client, mut inner) = connected(&left, &right).await;
            let (mut outer, mut server) = connected(&left, &right).await;
            let relay =
                tokio::spawn(async move { copy_bidirectional(&mut inner, &mut outer).await.unwrap() });
            let (first, second) =
                if client_first { (&mut client, &mut server) } else { (&mut server, &mut client) };
            first.write_all(&pattern(400_000)).await.unwrap();
            first.shutdown().await.unwrap();
            let mut heard = Vec::new();
            second.read_to_end(&mut heard).await.unwrap();
            assert!(heard == pattern(400_000));
            second.write_all(b"the answer comes after the end").await.unwrap();
            second.shutdown().await.unwrap();
            let mut answer = String::new();
            first.read_to_string(&mut answer).await.unwrap();
            assert_eq!(answer, "the answer comes after the end");
            let (up, down) = relay.await.unwrap();
            assert_eq!(up + down, 400_030);
        }
    });
}

#[test]
fn a_slow_reader_holds_the_writer_back_and_loses_nothing() {
    run(async {
        let (left, right) = pair();
        let (mut client, mut server) = connected(&left, &right).await;
        let sent = pattern(4 << 20);
        let bytes = sent.clone();
        let writing = tokio::spawn(async move {
            client.write_all(&bytes).await.unwrap();
            client.shutdown().await.unwrap();
            client
        });
        sleep(Duration::from_millis(200)).await;
        assert!(!writing.is_finished(), "more was taken than two buffers can hold");
        let mut received = Vec::new();
        let mut buffer = vec![0; 40_000];
        loop {
            let length = server.read(&mut buffer).await.unwrap();
            if length == 0 {
                break;
            }
            received.extend_from_slice(&buffer[..length]);
            if received.len() % 7 == 0 {
                sleep(Duration::from_millis(1)).await;
            }
        }
        assert!(received == sent, "{} bytes", received.len());
        writing.await.unwrap();
    });
}

#[test]
fn halves_live_apart_and_dropping_the_writing_one_sends_the_end() {
    run(async {
        let (left, right) = pair();
        let (client, mut server) = connected(&left, &right).await;
        let (mut read, mut write) = client.into_split();
        let writing = tokio::spawn(async move { write.write_all(b"half").await.unwrap() });
        writing.await.unwrap();
        let mut text = String::new();
        server.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "half");
        server.write_all(b"other half").await.unwrap();
        drop(server);
        text.clear();
        read.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "other half");
    });
}

#[test]
fn halves_find_together_again_only_with_their_own() {
    run(async {
        let (left, right) = pair();
        let (one, mut one_server) = connected(&left, &right).await;
        let (two, _two_server) = connected(&left, &right).await;
        let (one_read, one_write) = one.into_split();
        let (two_read, two_write) = two.into_split();
        let error = one_read.reunite(two_write).unwrap_err();
        let mut one = error.0.reunite(one_write).unwrap();
        let _two = two_read.reunite(error.1).unwrap();
        // Nothing was shut down on the way.
        one.write_all(b"x").await.unwrap();
        assert_eq!(one_server.read_u8().await.unwrap(), b'x');
        let (mut read, mut write) = one.split();
        write.write_all(b"y").await.unwrap();
        assert_eq!(one_server.read_u8().await.unwrap(), b'y');
        one_server.write_all(b"z").await.unwrap();
        assert_eq!(read.read_u8().await.unwrap(), b'z');
        write.shutdown().await.unwrap();
        assert_eq!(one_server.read(&mut [0; 1]).await.unwrap(), 0);
    });
}

#[test]
fn an_accept_that_is_given_up_loses_no_connection() {
    run(async {
        let (left, right) = pair();
        let listener = TcpListener::bind(&right, (RIGHT, 7)).await.unwrap();
        for _ in 0..50 {
            assert!(timeout(Duration::from_micros(300), listener.accept()).await.is_err());
        }
        assert_eq!(right.statistics().waiting, 0);
        let client = tokio::spawn(async move {
            let mut streams = Vec::new();
            for _ in 0..200 {
                streams.push(TcpStream::connect(&left, (RIGHT, 7)).await.unwrap());
            }
            streams
        });
        let mut accepted = Vec::new();
        while accepted.len() < 200 {
            if let Ok(call) = timeout(Duration::from_micros(200), listener.accept()).await {
                accepted.push(call.unwrap());
            }
        }
        assert_eq!(client.await.unwrap().len(), 200);
    });
}

#[test]
fn futures_that_are_dropped_leave_no_waker_behind() {
    run(async {
        let (left, right) = pair();
        let (client, _server) = connected(&left, &right).await;
        for _ in 0..20 {
            assert!(timeout(Duration::from_millis(1), client.readable()).await.is_err());
            assert!(timeout(Duration::from_millis(1), client.ready(Interest::READABLE)).await.is_err());
            let connecting = TcpStream::connect(&left, (NOBODY, 1));
            assert!(timeout(Duration::from_millis(1), connecting).await.is_err());
        }
        assert_eq!(left.statistics().waiting, 0);
        assert_eq!(left.with(|stack, _| stack.tcp().population().0), 1);
    });
}

#[test]
fn readiness_tells_what_can_be_done() {
    run(async {
        let (left, right) = pair();
        let (client, mut server) = connected(&left, &right).await;
        let both = Interest::READABLE | Interest::WRITABLE;
        let ready = client.ready(both).await.unwrap();
        assert!(ready.is_writable() && !ready.is_readable());
        assert_eq!(client.try_read(&mut [0; 4]).unwrap_err().kind(), ErrorKind::WouldBlock);
        server.write_all(b"some").await.unwrap();
        client.readable().await.unwrap();
        let mut bytes = Vec::with_capacity(16);
        assert_eq!(client.try_read_buf(&mut bytes).unwrap(), 4);
        assert_eq!(bytes, b"some");
        // The peer's buffer fills first, then ours.
        while timeout(Duration::from_secs(1), client.writable()).await.is_ok() {
            while client.try_write(&[0; 50_000]).is_ok() {}
        }
        let error = client.try_io(Interest::WRITABLE, || Ok(())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        let reading = tokio::spawn(async move {
            let mut buffer = vec![0; 1 << 20];
            while server.read(&mut buffer).await.unwrap() > 0 {}
        });
        client.writable().await.unwrap();
        assert!(client.try_write(b"more").unwrap() > 0);
        // The peer's end goes with its task.
        reading.abort();
        let ready = client.ready(Interest::READABLE).await.unwrap();
        assert!(ready.is_readable());
    });
}

#[test]
fn errors_have_the_kinds_of_the_original() {
    run(async {
        let (left, right_host) = pair();
        let error = TcpStream::connect(&left, right(81)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        let (mut client, server) = connected(&left, &right_host).await;
        server.set_zero_linger().unwrap();
        drop(server);
        assert_eq!(client.read(&mut [0; 1]).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert_eq!(client.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
        // Shutting down what has failed is no error: copy_bidirectional relies on it.
        client.shutdown().await.unwrap();
        let (mut client, _server) = connected(&left, &right_host).await;
        client.shutdown().await.unwrap();
        client.shutdown().await.unwrap();
        assert_eq!(client.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn sockets_change_between_threads_and_tasks() {
    run(async {
        let (left, right) = pair();
        let (client, mut server) = connected(&left, &right).await;
        let blocking = client.into_std().unwrap();
        blocking.set_nonblocking(false).unwrap();
        let writing = std::thread::spawn(move || {
            std::io::Write::write_all(&mut &blocking, b"from a thread").unwrap();
            blocking
        });
        let mut bytes = [0; 13];
        server.read_exact(&mut bytes).await.unwrap();
        let client = TcpStream::from_std(writing.join().unwrap()).unwrap();
        assert_eq!(client.try_read(&mut bytes).unwrap_err().kind(), ErrorKind::WouldBlock);
    });
}

#[test]
fn peeking_leaves_the_bytes() {
    run(async {
        let (left, right) = pair();
        let (client, mut server) = connected(&left, &right).await;
        server.write_all(b"look").await.unwrap();
        let mut bytes = [0; 8];
        assert_eq!(client.peek(&mut bytes).await.unwrap(), 4);
        assert_eq!(client.try_read(&mut bytes).unwrap(), 4);
        assert_eq!(&bytes[..4], b"look");
    });
}

#[test]
fn it_needs_no_reactor_and_no_runtime_of_tokio() {
    // The smallest executor there is: one thread that parks.
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = std::task::Waker::from(std::sync::Arc::new(Unpark(std::thread::current())));
    let mut context = std::task::Context::from_waker(&waker);
    let mut future = std::pin::pin!(async {
        let (left, right) = pair();
        let (mut client, mut server) = connected(&left, &right).await;
        client.write_all(b"anywhere").await.unwrap();
        let mut bytes = [0; 8];
        server.read_exact(&mut bytes).await.unwrap();
        bytes
    });
    let bytes = loop {
        match future.as_mut().poll(&mut context) {
            std::task::Poll::Ready(bytes) => break bytes,
            std::task::Poll::Pending => std::thread::park_timeout(LIMIT),
        }
    };
    assert_eq!(&bytes, b"anywhere");
}

/// Both futures have the task's waker: what one of them takes back must not be the other's.
#[test]
fn of_two_futures_of_one_task_one_may_give_up_and_the_other_is_still_woken() {
    run(async {
        let (left, right) = pair();
        let listener = TcpListener::bind(&right, (RIGHT, 7)).await.unwrap();
        let (gave_up, may_call) = tokio::sync::oneshot::channel();
        let calls = tokio::spawn(async move {
            may_call.await.unwrap();
            TcpStream::connect(&left, (RIGHT, 7)).await.unwrap()
        });
        let brief = async {
            let outcome = timeout(Duration::from_millis(50), listener.accept()).await;
            gave_up.send(()).unwrap();
            outcome
        };
        let (accepted, given_up) = tokio::join!(listener.accept(), brief);
        assert!(given_up.is_err());
        let client = calls.await.unwrap();
        assert_eq!(accepted.unwrap().1, client.local_addr().unwrap());
        assert_eq!(right.statistics().waiting, 0);
    });
}

#[test]
fn tasks_share_memory_with_their_streams_and_send_files() {
    run(async {
        let (left, right) = pair();
        let (client, server) = connected(&left, &right).await;
        let memory = Bytes::from(pattern(5_000_000));
        let written = memory.clone();
        let writing = tokio::spawn(async move {
            client.write_all_bytes(written.slice(..2_000_000)).await.unwrap();
            let mut pieces = [written.slice(2_000_000..2_000_010), written.slice(2_000_010..4_000_000)];
            while pieces.iter().any(|piece| !piece.is_empty()) {
                client.write_bytes_vectored(&mut pieces).await.unwrap();
            }
            let mut file = std::io::Cursor::new(written.clone());
            assert_eq!(client.send_file(&mut file, 4_000_000, 900_000).await.unwrap(), 900_000);
            assert_eq!(client.send_file(&mut file, 4_900_000, u64::MAX).await.unwrap(), 100_000);
            drop(client);
        });
        let mut pieces = Vec::new();
        while server.read_bytes_vectored(&mut pieces, 1 << 20).await.unwrap() > 0 {}
        writing.await.unwrap();
        assert!(pieces.concat() == memory[..], "other bytes");
        let shared = pieces.iter().filter(|piece| memory.as_ptr_range().contains(&piece.as_ptr()));
        // Four fifths were written as they are, and where two parts meet they are copied together.
        assert!(shared.map(Bytes::len).sum::<usize>() > memory.len() / 2);
    });
}

#[test]
fn attempts_with_shared_memory_would_block_or_wait_to_be_polled() {
    run(async {
        let (left, right) = pair();
        let (client, server) = connected(&left, &right).await;
        assert_eq!(server.try_read_bytes(10).unwrap_err().kind(), ErrorKind::WouldBlock);
        let reading = tokio::spawn(async move {
            let first = std::future::poll_fn(|context| server.poll_read_bytes(context, 3)).await.unwrap();
            (first, server)
        });
        let mut bytes = Bytes::from_static(b"hello");
        assert_eq!(client.try_write_bytes(&mut bytes).unwrap(), 5);
        assert!(bytes.is_empty());
        let (first, server) = reading.await.unwrap();
        assert_eq!((&first[..], &server.try_read_bytes(10).unwrap()[..]), (&b"hel"[..], &b"lo"[..]));
        let mut bytes = Bytes::from(vec![7; 50_000_000]);
        while client.try_write_bytes(&mut bytes).is_ok() {}
        let waiting = tokio::spawn(async move {
            let before = bytes.len();
            let count =
                std::future::poll_fn(|context| client.poll_write_bytes(context, &mut bytes)).await.unwrap();
            assert_eq!(bytes.len(), before - count);
            count
        });
        while !waiting.is_finished() {
            server.read_bytes(1 << 20).await.unwrap();
        }
        assert!(waiting.await.unwrap() > 0);
    });
}
