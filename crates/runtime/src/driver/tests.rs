use super::*;
use crate::clock::Clock;
use crate::shards::bell::Bell;
use crate::shards::family::Family;
use basis::{Frame, Seed};
use link::{Capabilities, Link, Medium, RawFdSource};
use stack::{InterfaceConfig, Probing, Stack, StackConfig};
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::AtomicUsize;

/// A link that takes a few frames at a time and counts them.
struct Narrow {
    width: usize,
    taken: Arc<AtomicUsize>,
}

impl Link for Narrow {
    fn capabilities(&self) -> Capabilities {
        Capabilities { medium: Medium::Ip, mtu: 1500, segmentation: false, checksums: false }
    }

    fn receive(&mut self, _: Instant, _: &mut VecDeque<Frame>, _: usize) -> io::Result<bool> {
        Ok(false)
    }

    fn transmit(&mut self, _: Instant, waiting: &mut VecDeque<Frame>) -> io::Result<bool> {
        let count = self.width.min(waiting.len());
        waiting.drain(..count);
        self.taken.fetch_add(count, Ordering::Relaxed);
        Ok(waiting.is_empty())
    }

    fn source(&self) -> Option<RawFdSource> {
        None
    }

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }
}

const CALLS: usize = 300;

/// Runs a host that was stopped with [`CALLS`] segments left to send; how many the link took. It has come to its end.
fn end_with_much_to_say(width: usize) -> usize {
    let clock = Clock::new();
    let mut stack = Stack::new(clock.now(), StackConfig::default(), [7; 32]);
    let medium = stack::Medium::Ip;
    let config = InterfaceConfig { name: String::new(), medium, mtu: 1500, super_segments: true };
    let interface = stack.add_interface(clock.now(), config);
    stack.add_address(clock.now(), interface, IpAddr::from([192, 0, 2, 1]), 24, Probing::Skip).unwrap();
    for _ in 0..CALLS {
        let to = SocketAddr::from(([192, 0, 2, 2], 9));
        stack.tcp_connect(clock.now(), None, to, tcp::SocketOptions::default()).unwrap();
    }
    let poll = Poll::new().unwrap();
    let bell = Arc::new(Bell::new(poll.registry(), ALARM).unwrap());
    let family = Arc::new(Family::new(1, Vec::new()));
    let shared = Arc::new(Shared::new(String::new(), clock, vec![interface], stack, bell, family));
    shared.lock().stop = true;
    let taken = Arc::new(AtomicUsize::new(0));
    let link = Narrow { width, taken: Arc::clone(&taken) };
    Driver::new(Arc::clone(&shared), poll, vec![Port::new(Box::new(link), interface)]).run();
    assert!(shared.lock().stopped);
    taken.load(Ordering::Relaxed)
}

#[test]
fn everything_that_is_left_is_said_at_the_end() {
    assert_eq!(end_with_much_to_say(usize::MAX), CALLS);
}

#[test]
fn a_link_that_is_full_meanwhile_gets_the_rest_too() {
    assert_eq!(end_with_much_to_say(20), CALLS);
}

#[test]
fn a_link_that_takes_nothing_does_not_keep_the_host_from_its_end() {
    assert_eq!(end_with_much_to_say(0), 0);
}

/// A link that has brought frames, and counts the SYNs that it takes.
struct Full {
    frames: VecDeque<Frame>,
    requests: Arc<AtomicUsize>,
}

impl Link for Full {
    fn capabilities(&self) -> Capabilities {
        Capabilities { medium: Medium::Ip, mtu: 1500, segmentation: false, checksums: false }
    }

    fn receive(&mut self, _: Instant, arrived: &mut VecDeque<Frame>, most: usize) -> io::Result<bool> {
        arrived.extend(self.frames.drain(..most.min(self.frames.len())));
        Ok(!self.frames.is_empty())
    }

    fn transmit(&mut self, _: Instant, waiting: &mut VecDeque<Frame>) -> io::Result<bool> {
        const FLAGS: usize = 20 + 13;
        let requests = waiting.drain(..).filter(|segment| segment.to_vec()[FLAGS] & 2 != 0).count();
        self.requests.fetch_add(requests, Ordering::Relaxed);
        Ok(true)
    }

    fn source(&self) -> Option<RawFdSource> {
        None
    }

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }
}

fn host(last: u8, seed: Seed) -> (Stack, stack::InterfaceId) {
    let mut stack = Stack::new(Instant::ZERO, StackConfig::default(), seed);
    let medium = stack::Medium::Ip;
    let config = InterfaceConfig { name: String::new(), medium, mtu: 1500, super_segments: true };
    let interface = stack.add_interface(Instant::ZERO, config);
    stack.add_address(Instant::ZERO, interface, IpAddr::from([192, 0, 2, last]), 24, Probing::Skip).unwrap();
    (stack, interface)
}

/// SYNs sent again in one turn of a driver that comes so late that its SYN has timed out, though the answer lies in the link
/// behind `before` frames.
fn sent_again_with_the_answer_behind(before: usize) -> usize {
    let ((mut here, interface), (mut there, far)) = (host(1, [1; 32]), host(2, [2; 32]));
    let to = SocketAddr::from(([192, 0, 2, 2], 9));
    there.tcp_listen(to, 1, tcp::SocketOptions::default()).unwrap();
    here.tcp_connect(Instant::ZERO, None, to, tcp::SocketOptions::default()).unwrap();
    let request = here.poll_transmit(Instant::ZERO, interface).unwrap();
    there.on_frame(Instant::ZERO, far, request).unwrap();
    let answer = there.poll_transmit(Instant::ZERO, far).unwrap();
    let frames = (0..before).map(|_| Frame::new()).chain([answer]).collect();

    let poll = Poll::new().unwrap();
    let bell = Arc::new(Bell::new(poll.registry(), ALARM).unwrap());
    let family = Arc::new(Family::new(1, Vec::new()));
    let clock = Clock::begun(Duration::from_millis(1500));
    let shared = Arc::new(Shared::new(String::new(), clock, vec![interface], here, bell, family));
    shared.family.handles.fetch_add(1, Ordering::Relaxed);
    let requests = Arc::new(AtomicUsize::new(0));
    let link = Full { frames, requests: Arc::clone(&requests) };
    let ports = vec![Port::new(Box::new(link), interface)];
    let mut driver = Driver::new(Arc::clone(&shared), poll, ports);
    driver.turn(Who::Thread);
    requests.load(Ordering::Relaxed)
}

#[test]
fn a_timer_does_not_expire_while_what_it_waits_for_lies_in_the_link() {
    assert_eq!(sent_again_with_the_answer_behind(0), 0);
    assert_eq!(sent_again_with_the_answer_behind(BATCH), 0);
    assert_eq!(sent_again_with_the_answer_behind(BATCH + CATCH_UP - 1), 0);
}

#[test]
fn a_flood_does_not_hold_a_timer_back_for_ever() {
    assert_eq!(sent_again_with_the_answer_behind(BATCH + CATCH_UP), 1);
}

#[test]
fn a_host_without_handles_waits_so_long_for_what_is_not_delivered_and_no_longer() {
    let (mut here, interface) = host(1, [1; 32]);
    let (mut there, far) = host(2, [2; 32]);
    let to = SocketAddr::from(([192, 0, 2, 2], 9));
    there.tcp_listen(to, 1, tcp::SocketOptions::default()).unwrap();
    let id = here.tcp_connect(Instant::ZERO, None, to, tcp::SocketOptions::default()).unwrap();
    let request = here.poll_transmit(Instant::ZERO, interface).unwrap();
    there.on_frame(Instant::ZERO, far, request).unwrap();
    let answer = there.poll_transmit(Instant::ZERO, far).unwrap();
    here.on_frame(Instant::ZERO, interface, answer).unwrap();
    // Its peer acknowledges nothing.
    here.tcp_mut().write(Instant::ZERO, id, &[7; 100]).unwrap();

    let poll = Poll::new().unwrap();
    let bell = Arc::new(Bell::new(poll.registry(), ALARM).unwrap());
    let family = Arc::new(Family::new(1, Vec::new()));
    let shared = Arc::new(Shared::new(String::new(), Clock::new(), vec![interface], here, bell, family));
    let mut driver = Driver::new(Arc::clone(&shared), poll, Vec::new());
    let core = shared.lock();
    let last = Instant::from_millis(5) + drain::LINGER;
    assert!(!driver.is_at_end(&core, Instant::from_millis(5)));
    assert!(!driver.is_at_end(&core, Instant::from_millis(4) + (drain::LINGER - DRAIN_CHECK)));
    assert!(driver.is_at_end(&core, last));
}
