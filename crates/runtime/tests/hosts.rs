//! A host's life beside its sockets: links that break, wake-ups, the end.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests live in real time, and a failure is a failed test"
)]

use basis::{Frame, Instant};
use link::{Capabilities, Link, Medium, RawFdSource};
use netstrata_runtime::{Awaited, Host, InterfaceSetup};
use stack::{PingId, Stack};
use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::thread;
use std::time::Duration;

const LOCALHOST: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

fn until(mut condition: impl FnMut() -> bool) {
    let start = std::time::Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(10), "it does not come true");
        thread::sleep(Duration::from_millis(1));
    }
}

/// A link that breaks when it is told to.
struct Fragile(Arc<AtomicBool>);

impl Link for Fragile {
    fn capabilities(&self) -> Capabilities {
        Capabilities { medium: Medium::Ip, mtu: 1500, segmentation: false, checksums: false }
    }

    fn receive(&mut self, _: Instant, _: &mut VecDeque<Frame>, _: usize) -> io::Result<bool> {
        if self.0.load(Ordering::Relaxed) { Err(io::Error::other("unplugged")) } else { Ok(false) }
    }

    fn transmit(&mut self, _: Instant, waiting: &mut VecDeque<Frame>) -> io::Result<bool> {
        waiting.clear();
        Ok(true)
    }

    fn source(&self) -> Option<RawFdSource> {
        None
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.0.load(Ordering::Relaxed).then_some(Instant::ZERO)
    }
}

fn echo(host: &Host, ping: PingId, sequence: u16) {
    let sent = host.with(|stack, now| stack.ping_send(now, ping, LOCALHOST, sequence, b"x", None));
    sent.unwrap_or_else(|error| panic!("{error}"));
}

fn answer(stack: &mut Stack, ping: PingId) -> Poll<io::Result<u16>> {
    stack.ping_receive(ping).map_or(Poll::Pending, |reply| Poll::Ready(Ok(reply.sequence)))
}

#[test]
fn a_link_that_breaks_is_reported_and_the_others_go_on() {
    let broken = Arc::new(AtomicBool::new(false));
    let address = IpAddr::from([192, 0, 2, 1]);
    let setup = InterfaceSetup::new("fragile").address(address, 24);
    let host = Host::builder().interface(Box::new(Fragile(Arc::clone(&broken))), setup).start().unwrap();
    assert_eq!(host.interfaces().len(), 1);
    assert!(host.link_failures().is_empty());
    // Who waits for others is told, and who waits for this host itself goes on.
    let waiting = {
        let host = host.clone();
        thread::spawn(move || {
            let never = |_: &mut Stack, _| Poll::<io::Result<()>>::Pending;
            host.wait(Awaited::Address, Some(Duration::from_secs(60)), never)
        })
    };
    until(|| host.statistics().waiting == 1);
    broken.store(true, Ordering::Relaxed);
    // Something to do ends the driver's sleep.
    let ping = host.with(|stack, _| stack.ping_open()).unwrap();
    echo(&host, ping, 1);
    until(|| !host.link_failures().is_empty());
    assert_eq!(host.link_failures().len(), 1);
    assert!(host.link_failures()[0].ends_with("unplugged"), "{:?}", host.link_failures());
    let Poll::Ready(Err(error)) = waiting.join().unwrap() else { panic!("it goes on waiting") };
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (io::ErrorKind::NetworkDown, "the link is broken: unplugged")
    );
    echo(&host, ping, 2);
    for expected in [1, 2] {
        let got =
            host.wait(Awaited::Ping(ping), Some(Duration::from_secs(10)), |stack, _| answer(stack, ping));
        assert!(matches!(got, Poll::Ready(Ok(sequence)) if sequence == expected), "{got:?}");
    }
    let turns = host.statistics().turns;
    thread::sleep(Duration::from_millis(100));
    assert!(host.statistics().turns <= turns + 3, "the driver spins");
}

#[test]
fn waiting_ends_at_its_time_and_leaves_nothing() {
    let host = Host::builder().start().unwrap();
    let ping = host.with(|stack, _| stack.ping_open()).unwrap();
    let start = std::time::Instant::now();
    let patience = Some(Duration::from_millis(30));
    let got = host.wait(Awaited::Ping(ping), patience, |stack, _| answer(stack, ping));
    assert!(got.is_pending() && start.elapsed() >= Duration::from_millis(30));
    assert_eq!(host.statistics().waiting, 0);
}

#[test]
fn turns_of_many_threads_at_one_host_are_all_answered() {
    let host = Host::builder().start().unwrap();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let host = host.clone();
            thread::spawn(move || {
                let ping = host.with(|stack, _| stack.ping_open()).unwrap();
                for sequence in 0..2000 {
                    echo(&host, ping, sequence);
                    let patience = Some(Duration::from_secs(10));
                    let got = host.wait(Awaited::Ping(ping), patience, |stack, _| answer(stack, ping));
                    assert!(matches!(got, Poll::Ready(Ok(number)) if number == sequence), "{got:?}");
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn a_gateway_or_an_address_that_cannot_be_is_refused_in_one_line() {
    let link = || Box::new(Fragile(Arc::default()));
    let setup = InterfaceSetup::new("eth0").address(IpAddr::from([224, 0, 0, 1]), 24);
    let error = Host::builder().interface(link(), setup).start().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    assert!(error.to_string().starts_with("eth0: address 224.0.0.1/24: "), "{error}");
    let setup = InterfaceSetup::new("eth0").address(IpAddr::from([10, 0, 0, 1]), 33);
    assert!(Host::builder().interface(link(), setup).start().is_err());
    let setup = InterfaceSetup::new("eth0").gateway(Some(IpAddr::from([255, 255, 255, 255])));
    assert!(Host::builder().interface(link(), setup).start().is_err());
}

#[test]
fn an_address_that_the_host_does_not_have_is_not_waited_for() {
    let host = Host::builder().start().unwrap();
    host.wait_address(&[LOCALHOST], Duration::ZERO).unwrap();
    let error = host.wait_address(&[IpAddr::from([10, 0, 0, 1])], Duration::from_secs(9)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
}

#[test]
fn the_same_seed_makes_the_same_stack() {
    let port = || {
        let host = Host::builder().seed(Some([5; 32])).start().unwrap();
        let to = std::net::SocketAddr::new(LOCALHOST, 9);
        host.with(|stack, now| {
            let id = stack.tcp_connect(now, None, to, tcp::SocketOptions::default()).unwrap();
            stack.tcp().tuple(id).map(|tuple| tuple.local_port)
        })
    };
    assert_eq!(port(), port());
}
