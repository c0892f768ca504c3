use super::*;
use std::collections::VecDeque;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Mutex;
use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::echo::Echo;
use crate::service::Tally;
use crate::stop::Stopper;
use crate::talk::Talk;

/// Longer than anything here takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

async fn start<S: Service>(
    service: S,
    most: usize,
) -> (SocketAddr, Stopper, Arc<Calls>, JoinHandle<Summary>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stopper, stop) = Stopper::new();
    let calls = Calls::new(most);
    let running = tokio::spawn(serve(listener, Arc::new(service), Arc::clone(&calls), stop));
    (address, stopper, calls, running)
}

async fn ask(stream: &mut TcpStream, message: &[u8]) {
    stream.write_all(message).await.unwrap();
    let mut answer = vec![0; message.len()];
    timeout(DEADLINE, stream.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(answer, message);
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < DEADLINE, "{what} did not come about");
        sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn many_calls_at_once_and_a_farewell_ends_only_its_own() {
    let (address, stopper, calls, running) = start(Talk, 200).await;
    let mut streams = Vec::new();
    for _ in 0..100 {
        streams.push(TcpStream::connect(address).await.unwrap());
    }
    for (number, stream) in streams.iter_mut().enumerate() {
        ask(stream, format!("call {number}").as_bytes()).await;
    }
    assert_eq!(calls.count(), 100);
    let mut leaving = streams.swap_remove(17);
    leaving.write_all(b"q").await.unwrap();
    assert_eq!(leaving.read(&mut [0; 8]).await.unwrap(), 0);
    drop(leaving);
    until("the end of one call", || calls.count() == 99).await;
    for stream in &mut streams {
        ask(stream, b"still there").await;
    }
    drop(streams);
    until("the end of all calls", || calls.count() == 0).await;
    stopper.drain(DEADLINE);
    assert_eq!(running.await.unwrap(), Summary { held: 100, refused: 0, stopped: 0 });
}

#[tokio::test]
async fn a_call_beyond_the_bound_is_reset_and_the_others_go_on() {
    let (address, _stopper, calls, _running) = start(Talk, 2).await;
    let mut first = TcpStream::connect(address).await.unwrap();
    let mut second = TcpStream::connect(address).await.unwrap();
    ask(&mut first, b"one").await;
    ask(&mut second, b"two").await;
    let mut third = TcpStream::connect(address).await.unwrap();
    let error = timeout(DEADLINE, third.read(&mut [0; 8])).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert_eq!((calls.count(), calls.refused()), (2, 1));
    ask(&mut first, b"still here").await;
    drop(second);
    until("room", || calls.count() == 1).await;
    let mut fourth = TcpStream::connect(address).await.unwrap();
    ask(&mut fourth, b"in again").await;
}

#[tokio::test]
async fn stopping_refuses_new_calls_and_lets_the_old_finish() {
    let (address, stopper, _calls, running) = start(Echo, 10).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    ask(&mut stream, b"before").await;
    stopper.drain(Duration::from_secs(30));
    // The listener is gone soon after.
    let begun = Instant::now();
    while TcpStream::connect(address).await.is_ok() {
        assert!(begun.elapsed() < DEADLINE);
        sleep(Duration::from_millis(5)).await;
    }
    ask(&mut stream, b"after").await;
    stream.shutdown().await.unwrap();
    assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0);
    let summary = timeout(DEADLINE, running).await.unwrap().unwrap();
    assert_eq!(summary.stopped, 0);
}

#[tokio::test]
async fn what_goes_on_after_the_grace_is_ended() {
    let (address, stopper, calls, running) = start(Talk, 10).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    ask(&mut stream, b"idle from now on").await;
    stopper.drain(Duration::from_millis(50));
    let summary = timeout(DEADLINE, running).await.unwrap().unwrap();
    assert_eq!(summary, Summary { held: 1, refused: 0, stopped: 1 });
    assert_eq!(calls.count(), 0);
    assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0);
}

/// Gives what it was told to give, then waits.
struct Scripted {
    script: Mutex<VecDeque<io::Result<DuplexStream>>>,
    asked: mpsc::UnboundedSender<Instant>,
}

impl Accept for Scripted {
    type Stream = DuplexStream;

    async fn accept(&self) -> io::Result<Accepted<DuplexStream>> {
        let _ = self.asked.send(Instant::now());
        let next = self.script.lock().unwrap().pop_front();
        let Some(next) = next else { return std::future::pending().await };
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        next.map(|stream| Accepted { stream, local: address, peer: address })
    }
}

#[tokio::test(start_paused = true)]
async fn errors_of_accepting_are_waited_out_with_growing_pauses() {
    let (mut near, far) = duplex(64);
    let failure = || Err(io::Error::other("too many open files"));
    let mut script: VecDeque<_> = (0..10).map(|_| failure()).collect();
    script.push_back(Err(ErrorKind::ConnectionAborted.into()));
    script.push_back(Ok(far));
    script.push_back(failure());
    let (asked, mut times) = mpsc::unbounded_channel();
    let (_stopper, stop) = Stopper::new();
    let acceptor = Scripted { script: Mutex::new(script), asked };
    tokio::spawn(serve(acceptor, Arc::new(Talk), Calls::new(5), stop));

    let mut pauses = Vec::new();
    let mut last = times.recv().await.unwrap();
    for _ in 0..13 {
        let next = times.recv().await.unwrap();
        pauses.push(next.duration_since(last).as_millis());
        last = next;
    }
    // The paused clock moves in whole milliseconds, one too many at times.
    let expected = [10, 20, 40, 80, 160, 320, 640, 1000, 1000, 1000, 0, 0, 10];
    for (pause, expected) in pauses.iter().zip(expected) {
        assert!((expected..=expected + 1).contains(pause), "{pauses:?}");
    }
    near.write_all(b"q").await.unwrap();
    assert_eq!(near.read(&mut [0; 8]).await.unwrap(), 0);
}

/// A service with a fault.
struct Faulty;

impl Service for Faulty {
    fn name(&self) -> &'static str {
        "faulty"
    }

    fn port(&self) -> u16 {
        0
    }

    fn about(&self) -> &'static str {
        "panics"
    }

    async fn run<S: Stream>(&self, stream: &mut S, _: &Tally) -> How {
        let read = stream.read_u8().await;
        assert!(read.is_err(), "as the test wants it");
        How::PeerClosed
    }
}

#[tokio::test]
async fn a_panic_in_one_call_ends_only_that_call() {
    let (address, stopper, calls, running) = start(Faulty, 10).await;
    let mut bad = TcpStream::connect(address).await.unwrap();
    let good = TcpStream::connect(address).await.unwrap();
    until("two calls", || calls.count() == 2).await;
    bad.write_all(b"!").await.unwrap();
    until("the end of the bad call", || calls.count() == 1).await;
    drop(good);
    until("the end of the good call", || calls.count() == 0).await;
    stopper.drain(Duration::ZERO);
    assert_eq!(running.await.unwrap().held, 2);
}

/// Carries calls to another address, as published ports do.
struct Carrying(SocketAddr);

impl Service for Carrying {
    fn name(&self) -> &'static str {
        "carrying"
    }

    fn port(&self) -> u16 {
        0
    }

    fn about(&self) -> &'static str {
        "carries calls"
    }

    async fn run<S: Stream>(&self, stream: &mut S, tally: &Tally) -> How {
        let mut called = TcpStream::connect(self.0).await.unwrap();
        crate::relay::relay(stream, &mut called, tally).await
    }
}

/// Neither side may take what it got for the whole.
#[tokio::test]
async fn a_call_that_is_carried_is_reset_on_both_sides_when_the_grace_is_over() {
    let behind = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, stopper, _calls, running) = start(Carrying(behind.local_addr().unwrap()), 10).await;
    let mut caller = TcpStream::connect(address).await.unwrap();
    let (mut called, _) = behind.accept().await.unwrap();
    called.write_all(b"half").await.unwrap();
    timeout(DEADLINE, caller.read_exact(&mut [0; 4])).await.unwrap().unwrap();
    stopper.drain(Duration::ZERO);
    for side in [&mut caller, &mut called] {
        let error = timeout(DEADLINE, side.read(&mut [0; 8])).await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
    assert_eq!(running.await.unwrap(), Summary { held: 1, refused: 0, stopped: 1 });
}
