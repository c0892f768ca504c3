//! What the tests share: two hosts and a cable between them, and a watchdog.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "every test uses a part of it, and a failure is a failed test"
)]

pub(crate) mod exchange;
#[cfg(target_os = "linux")]
pub(crate) mod namespace;

use netstrata::network::{LinkSpec, Network};
use netstrata::stack::{Probing, StackConfig};
use netstrata::{Host, TcpListener, TcpStream};
use std::net::{IpAddr, SocketAddr};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

pub(crate) const LEFT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
pub(crate) const RIGHT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));
/// An address of their network that nobody has.
pub(crate) const NOBODY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 99));

pub(crate) fn network(address: IpAddr) -> Network {
    Network::new(LinkSpec::Memory).probing(Probing::Skip).address(address, 24)
}

/// Two hosts on one cable.
pub(crate) fn pair() -> (Host, Host) {
    network(LEFT).name("left").pair(network(RIGHT).name("right")).unwrap()
}

/// Two hosts on one cable with this configuration.
pub(crate) fn pair_with(config: &StackConfig) -> (Host, Host) {
    network(LEFT).config(config.clone()).pair(network(RIGHT).config(config.clone())).unwrap()
}

/// A connection from the left host to the right one: the client's end and the server's.
pub(crate) fn connected(left: &Host, right: &Host) -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind(right, (RIGHT, 0)).unwrap();
    let client = TcpStream::connect(left, listener.local_addr().unwrap()).unwrap();
    let (server, from) = listener.accept().unwrap();
    assert_eq!(from, client.local_addr().unwrap());
    (client, server)
}

pub(crate) fn right(port: u16) -> SocketAddr {
    SocketAddr::new(RIGHT, port)
}

/// Runs `test`, and fails if it has not come to its end in time: a lost wake-up hangs for ever.
pub(crate) fn within<T: Send + 'static>(limit: Duration, test: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, wait) = mpsc::channel();
    let thread = thread::spawn(move || done.send(test()));
    match wait.recv_timeout(limit) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("not done within {limit:?}"),
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            let payload = thread.join().expect_err("it sends before it ends");
            std::panic::resume_unwind(payload)
        }
    }
}

/// What `measure` says before and after a second in which `is_quiet` holds: the first of ten, or else the last. On a busy machine what
/// is still due, such as delayed acknowledgments, may leave late; who never sleeps has no quiet second at all.
pub(crate) fn quiet_second<T>(mut measure: impl FnMut() -> T, is_quiet: impl Fn(&T, &T) -> bool) -> (T, T) {
    thread::sleep(Duration::from_millis(500));
    let mut tries = 1;
    loop {
        let before = measure();
        thread::sleep(Duration::from_secs(1));
        let after = measure();
        if tries == 10 || is_quiet(&before, &after) {
            return (before, after);
        }
        tries += 1;
    }
}

/// Bytes that show when some are lost, doubled or swapped.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0..length as u64).map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
}
