use super::*;
use link::{Capabilities, Medium, RawFdSource};
use stack::{InterfaceConfig, Stack, StackConfig};

/// A link of which the test decides how many frames it takes.
#[derive(Default)]
struct Fake {
    takes: usize,
    arriving: usize,
    timeout: Option<Instant>,
    calls: std::sync::Arc<std::sync::atomic::AtomicUsize>,
    source: std::sync::Arc<std::sync::Mutex<Option<RawFdSource>>>,
}

impl Link for Fake {
    fn capabilities(&self) -> Capabilities {
        Capabilities { medium: Medium::Ip, mtu: 1500, segmentation: false, checksums: false }
    }

    fn receive(&mut self, _: Instant, arrived: &mut VecDeque<Frame>, most: usize) -> io::Result<bool> {
        let count = self.arriving.min(most);
        self.arriving -= count;
        arrived.extend((0..count).map(|_| Frame::new()));
        Ok(self.arriving > 0)
    }

    fn transmit(&mut self, _: Instant, waiting: &mut VecDeque<Frame>) -> io::Result<bool> {
        self.calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let count = self.takes.min(waiting.len());
        self.takes -= count;
        waiting.drain(..count);
        Ok(waiting.is_empty() && self.takes > 0)
    }

    fn source(&self) -> Option<RawFdSource> {
        *self.source.lock().unwrap()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.timeout
    }
}

fn port(fake: Fake) -> Port {
    let mut stack = Stack::new(Instant::ZERO, StackConfig::default(), [1; 32]);
    let medium = stack::Medium::Ip;
    let config = InterfaceConfig { name: String::new(), medium, mtu: 1500, super_segments: true };
    Port::new(Box::new(fake), stack.add_interface(Instant::ZERO, config))
}

const NOW: Instant = Instant::from_millis(1000);

#[test]
fn a_turn_takes_a_batch_at_most_each_way() {
    let mut port = port(Fake { takes: 1000, arriving: BATCH + 1, ..Fake::default() });
    port.receive(NOW).unwrap();
    assert_eq!((port.arrived.len(), port.poll_timeout()), (BATCH, Instant::ZERO));
    port.receive(NOW).unwrap();
    assert_eq!((port.arrived.len(), port.poll_timeout()), (BATCH + 1, Instant::FAR_FUTURE));
    let mut pulled = 0;
    assert!(port.fill(|_| {
        pulled += 1;
        Some(Frame::new())
    }));
    assert_eq!(pulled, BATCH);
    port.transmit(NOW).unwrap();
    assert!(port.is_open());
    assert!(!port.fill(|_| None));
}

#[test]
fn bytes_are_bounded_too() {
    let mut port = port(Fake::default());
    let large = Frame::copy_of(&vec![0; 65_536]);
    port.fill(|_| Some(large.clone()));
    assert_eq!(port.waiting.len(), WAITING_BYTES / 65_536);
}

#[test]
fn a_full_link_is_filled_no_further_and_left_alone_until_its_retry() {
    let mut port = port(Fake { takes: 10, ..Fake::default() });
    port.receive(NOW).unwrap();
    port.fill(|_| Some(Frame::new()));
    port.transmit(NOW).unwrap();
    assert!(!port.is_open());
    assert_eq!(port.waiting.len(), BATCH - 10);
    // It is topped up once, and then nothing more is pulled or tried.
    assert!(!port.fill(|_| Some(Frame::new())));
    assert!(!port.fill(|_| panic!("pulled for a full link")));
    port.transmit(NOW).unwrap();
    assert_eq!(port.waiting.len(), BATCH);
    // Nothing tells when there is room: it is tried again by itself, not at once.
    assert_eq!(port.poll_timeout(), NOW + RETRY);
    port.transmit(NOW + RETRY).unwrap();
    assert_eq!(port.poll_timeout(), NOW + RETRY + RETRY);
}

#[test]
fn a_link_that_was_full_is_called_when_it_is_ready_even_if_nothing_waits() {
    let calls = std::sync::Arc::default();
    let mut port = port(Fake { takes: 1, calls: std::sync::Arc::clone(&calls), ..Fake::default() });
    port.receive(NOW).unwrap();
    let mut frames = vec![Frame::new()];
    port.fill(|_| frames.pop());
    port.transmit(NOW).unwrap();
    assert!(port.waiting.is_empty() && !port.is_open());
    port.on_ready();
    assert_eq!(port.poll_timeout(), Instant::ZERO);
    port.transmit(NOW).unwrap();
    assert_eq!(calls.load(std::sync::atomic::Ordering::Relaxed), 2);
}

#[test]
fn a_link_is_called_when_its_time_has_come() {
    let calls = std::sync::Arc::default();
    let later = NOW + Duration::from_millis(5);
    let mut port =
        port(Fake { timeout: Some(later), calls: std::sync::Arc::clone(&calls), ..Fake::default() });
    port.receive(NOW).unwrap();
    assert_eq!(port.poll_timeout(), later);
    port.transmit(NOW).unwrap();
    assert_eq!(calls.load(std::sync::atomic::Ordering::Relaxed), 0);
    port.transmit(later).unwrap();
    assert_eq!(calls.load(std::sync::atomic::Ordering::Relaxed), 1);
}

#[test]
fn a_broken_link_swallows_what_the_stack_has_and_is_never_called() {
    let calls = std::sync::Arc::default();
    let mut port = port(Fake { calls: std::sync::Arc::clone(&calls), ..Fake::default() });
    port.broken = true;
    let mut left = 3;
    assert!(!port.fill(|_| {
        left -= 1;
        (left >= 0).then(Frame::new)
    }));
    port.transmit(NOW).unwrap();
    assert_eq!(calls.load(std::sync::atomic::Ordering::Relaxed), 0);
    assert_eq!((port.poll_timeout(), port.is_open()), (Instant::FAR_FUTURE, false));
}

/// The number of the descriptor that one link gives up is another link's in the same turn.
#[cfg(unix)]
#[test]
fn what_one_link_gives_up_is_forgotten_before_another_one_s_is_watched() {
    use std::io::Write;
    use std::os::{fd::AsRawFd, unix::net::UnixStream};
    let (theirs, mut peer) = UnixStream::pair().unwrap();
    let (own, _own_peer) = UnixStream::pair().unwrap();
    let source = |stream: &UnixStream, generation| Some(RawFdSource { fd: stream.as_raw_fd(), generation });
    // In both orders of the ports.
    for (old, new) in [(0, 1), (1, 0)] {
        let mut poll = mio::Poll::new().unwrap();
        let sources: [std::sync::Arc<std::sync::Mutex<_>>; 2] = Default::default();
        let make = |index: usize| port(Fake { source: sources[index].clone(), ..Fake::default() });
        let mut ports = [make(0), make(1)];
        *sources[old].lock().unwrap() = source(&theirs, 0);
        assert!(watch(&mut ports, poll.registry()).is_empty());
        // The descriptor changes hands, and the port that had it has another one or none.
        *sources[old].lock().unwrap() = if old == 0 { source(&own, 1) } else { None };
        *sources[new].lock().unwrap() = source(&theirs, 0);
        let failures = watch(&mut ports, poll.registry());
        assert!(failures.is_empty(), "{failures:?}");
        peer.write_all(b"!").unwrap();
        let mut events = mio::Events::with_capacity(4);
        poll.poll(&mut events, Some(Duration::from_secs(10))).unwrap();
        let ready: Vec<_> =
            events.iter().filter(|event| event.is_readable()).map(|event| event.token().0).collect();
        assert_eq!(ready, [new]);
        assert!(watch(&mut ports, poll.registry()).is_empty());
    }
}

/// Each frame that arrives would be told of, though the driver asks anyway.
#[cfg(unix)]
#[test]
fn a_link_that_always_has_more_is_not_watched_until_it_has_not() {
    use std::io::Write;
    use std::os::{fd::AsRawFd, unix::net::UnixStream};
    let (theirs, mut peer) = UnixStream::pair().unwrap();
    let mut poll = mio::Poll::new().unwrap();
    let mut events = mio::Events::with_capacity(4);
    let source = RawFdSource { fd: theirs.as_raw_fd(), generation: 0 };
    let mut ports =
        [port(Fake { source: std::sync::Arc::new(std::sync::Mutex::new(Some(source))), ..Fake::default() })];
    let mut told = |poll: &mut mio::Poll, ports: &mut [Port], patience| {
        assert!(watch(ports, poll.registry()).is_empty());
        peer.write_all(b"!").unwrap();
        poll.poll(&mut events, Some(patience)).unwrap();
        !events.is_empty()
    };
    let long = Duration::from_secs(10);
    assert!(told(&mut poll, &mut ports, long));
    ports[0].left = BUSY - 1;
    assert!(told(&mut poll, &mut ports, long));
    ports[0].left = BUSY;
    assert!(!told(&mut poll, &mut ports, Duration::ZERO));
    assert_eq!(ports[0].poll_timeout(), Instant::ZERO, "it is asked again at once");
    // One that is full has to say when it is not.
    ports[0].room = Room::Full(NOW);
    assert!(told(&mut poll, &mut ports, long));
    ports[0].room = Room::Open;
    assert!(!told(&mut poll, &mut ports, Duration::ZERO));
    // What came while nobody was told is told of as soon as it is watched again.
    ports[0].look(NOW).unwrap();
    assert_eq!((ports[0].left, ports[0].poll_timeout()), (0, Instant::FAR_FUTURE));
    assert!(watch(&mut ports, poll.registry()).is_empty());
    assert_eq!(ports[0].poll_timeout(), Instant::FAR_FUTURE);
    poll.poll(&mut events, Some(long)).unwrap();
    assert!(!events.is_empty());
}

/// As a device that is left alone for a moment, which is a timer's descriptor meanwhile.
#[cfg(unix)]
#[test]
fn what_a_link_waits_for_instead_is_waited_for_before_the_link_is_called() {
    use std::io::Write;
    use std::os::{fd::AsRawFd, unix::net::UnixStream};
    let (device, mut sender) = UnixStream::pair().unwrap();
    let (timer, mut expiry) = UnixStream::pair().unwrap();
    let source = |stream: &UnixStream| Some(RawFdSource { fd: stream.as_raw_fd(), generation: 0 });
    let current = std::sync::Arc::new(std::sync::Mutex::new(source(&device)));
    let mut ports = [port(Fake { source: current.clone(), ..Fake::default() })];
    let mut poll = mio::Poll::new().unwrap();
    let mut is_told = |ports: &mut [Port], patience| {
        assert!(watch(ports, poll.registry()).is_empty());
        assert_eq!(ports[0].poll_timeout(), Instant::FAR_FUTURE, "the link is not called");
        let mut events = mio::Events::with_capacity(4);
        poll.poll(&mut events, Some(patience)).unwrap();
        !events.is_empty()
    };
    let (now, long) = (Duration::ZERO, Duration::from_secs(10));
    ports[0].look(NOW).unwrap();
    sender.write_all(b"!").unwrap();
    assert!(is_told(&mut ports, long));
    *current.lock().unwrap() = source(&timer);
    sender.write_all(b"!").unwrap();
    assert!(!is_told(&mut ports, now), "the device is left alone");
    expiry.write_all(b"!").unwrap();
    assert!(is_told(&mut ports, long));
    // What came meanwhile is told of when the device is watched again.
    *current.lock().unwrap() = source(&device);
    assert!(is_told(&mut ports, long));
}

#[test]
fn a_host_is_behind_while_most_turns_that_bring_something_leave_something() {
    let mut port = port(Fake { arriving: 4 * BATCH + 1, ..Fake::default() });
    let mut turn = || {
        port.look(NOW).unwrap();
        port.is_behind(NOW)
    };
    assert!(!turn() && turn() && turn() && turn());
    // The one that is left, and then nothing, which says nothing.
    assert!(turn() && turn() && (0..100).all(|_| turn()));
}

#[test]
fn tcp_is_told_when_the_host_is_behind_one_of_its_links_and_when_it_is_not() {
    let mut stack = Stack::new(Instant::ZERO, StackConfig::default(), [1; 32]);
    let mut ports = [port(Fake::default()), port(Fake { arriving: 2 * BATCH + 2, ..Fake::default() })];
    let mut turns = |ports: &mut [Port], count: usize| {
        for _ in 0..count {
            ports.iter_mut().for_each(|port| port.look(NOW).map(drop).unwrap());
            crate::exchange::deliver(ports, &mut stack, NOW);
        }
        stack.tcp().is_behind()
    };
    assert!(!turns(&mut ports, 1) && turns(&mut ports, 1));
    assert!(!turns(&mut ports, 1), "two turns left something, and one did not");
    ports[1].link = Box::new(Fake { arriving: 9 * BATCH, ..Fake::default() });
    assert!(turns(&mut ports, 4));
    ports[1].broken = true;
    assert!(!turns(&mut ports, 1));
}
