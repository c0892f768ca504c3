//! The learning switch in the middle of a LAN.

use super::address::LanAddress;
use super::claim::{self, Claim, Claimed};
use super::framing;
use super::port::{Port, Reading};
use super::statistics::{Counters, PortStatistics, Registry};
use super::table::Table;
use basis::Instant;
use mio::net::UnixStream;
use mio::{Events, Interest, Poll, Token, Waker};
use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant as Clock};
use wire::ethernet::{self, MacAddress};

/// Stations at a switch at most; one more is turned away.
const MOST_PORTS: usize = 1024;
const MOST_STATIONS: usize = 4096;
/// Hardware addresses behind one port that are remembered.
const MOST_STATIONS_EACH: usize = 256;
const AGEING: Duration = Duration::from_secs(300);
/// Bytes that are read from a station before the others have their turn.
const READ: usize = 256 << 10;
/// How long to wait when the system has no descriptor left for another station.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
/// Turns that a stopping switch gives to what is under way.
const LAST_TURNS: usize = 256;

const WAKER: Token = Token(0);
const LISTENER: Token = Token(1);
/// The token of the first port.
const PORTS: usize = 2;

/// A learning switch: the middle of a LAN.
///
/// A frame goes to the port behind which its destination was heard, or to all ports but its own. Stations come and go at
/// any time. A station that does not read fast enough loses frames; the others do not notice.
///
/// ```
/// use netstrata_link::lan::{LanAddress, Switch};
/// # let directory = std::env::temp_dir().join(format!("ns-doc-{}", std::process::id()));
/// let switch = Switch::bind(&LanAddress::new(directory.join("lan.sock")))?;
/// let handle = switch.handle();
/// let thread = std::thread::spawn(move || switch.run());
/// handle.stop();
/// thread.join().unwrap()?;
/// # std::fs::remove_dir_all(directory)?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Switch {
    claimed: Claimed,
    poll: Poll,
    shared: Arc<Shared>,
    started: Clock,
    ports: Vec<Option<Port>>,
    pub(super) most_ports: usize,
    free: Vec<usize>,
    next_number: u64,
    table: Table,
    /// Ports that may have more to read, in the order of their turns.
    readable: VecDeque<usize>,
    /// Ports that were given frames and not flushed since.
    dirty: Vec<usize>,
    /// Accepting failed; it is tried again at that time.
    accept_again: Option<Clock>,
}

struct Shared {
    stop: AtomicBool,
    waker: Waker,
    registry: Registry,
}

/// Stops a switch that runs, and tells of it.
#[derive(Clone)]
pub struct SwitchHandle(Arc<Shared>);

impl SwitchHandle {
    /// Makes [`Switch::run`] return once it has forwarded what it has been given.
    pub fn stop(&self) {
        self.0.stop.store(true, Ordering::SeqCst);
        // It can only fail when the switch is gone.
        let _ = self.0.waker.wake();
    }

    /// What the ports that there are have seen.
    pub fn statistics(&self) -> Vec<PortStatistics> {
        self.0.registry.snapshot()
    }

    /// What all ports have seen so far, those of stations that have gone too. Its number is 0.
    pub fn total(&self) -> PortStatistics {
        self.0.registry.total()
    }
}

impl Switch {
    /// A switch that listens at the address. A socket left there by a dead process is taken over.
    ///
    /// # Errors
    /// `AddrInUse` when another switch listens there; otherwise what the system says of the path.
    pub fn bind(address: &LanAddress) -> io::Result<Switch> {
        match claim::claim(address)? {
            Claim::Ours(claimed) => Switch::new(claimed),
            Claim::Taken => {
                let text = format!("there is a LAN at {address} already: join it, or give another path");
                Err(io::Error::new(ErrorKind::AddrInUse, text))
            }
        }
    }

    pub(super) fn new(mut claimed: Claimed) -> io::Result<Switch> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        poll.registry().register(&mut claimed.listener, LISTENER, Interest::READABLE)?;
        let shared = Shared { stop: AtomicBool::new(false), waker, registry: Registry::default() };
        Ok(Switch {
            claimed,
            poll,
            shared: Arc::new(shared),
            started: Clock::now(),
            ports: Vec::new(),
            most_ports: MOST_PORTS,
            free: Vec::new(),
            next_number: 1,
            table: Table::new(MOST_STATIONS, MOST_STATIONS_EACH, AGEING),
            readable: VecDeque::new(),
            dirty: Vec::new(),
            accept_again: None,
        })
    }

    /// What stops it and tells of it.
    pub fn handle(&self) -> SwitchHandle {
        SwitchHandle(self.shared.clone())
    }

    /// Forwards frames until it is stopped.
    ///
    /// # Errors
    /// When the system's event queue fails.
    pub fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(256);
        let mut buffer = vec![0; READ + framing::PREFIX + framing::LONGEST];
        while !self.shared.stop.load(Ordering::SeqCst) {
            self.wait(&mut events)?;
            // One turn for each port, so that none keeps the others waiting.
            for _ in 0..self.readable.len() {
                self.turn(&mut buffer);
            }
        }
        self.finish(&mut buffer);
        Ok(())
    }

    fn wait(&mut self, events: &mut Events) -> io::Result<()> {
        let timeout = match self.readable.is_empty() {
            true => self.accept_again.map(|at| at.saturating_duration_since(Clock::now())),
            false => Some(Duration::ZERO),
        };
        match self.poll.poll(events, timeout) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        if self.accept_again.is_some_and(|at| at <= Clock::now()) {
            self.accept();
        }
        for event in events.iter() {
            match event.token() {
                WAKER => {}
                LISTENER => self.accept(),
                Token(token) => {
                    let index = token.wrapping_sub(PORTS);
                    if event.is_readable() || event.is_error() {
                        self.mark_readable(index);
                    }
                    if event.is_writable() {
                        self.flush(index);
                    }
                }
            }
        }
        Ok(())
    }

    /// What stations have sent before the switch was stopped still goes to its destination, if that reads.
    fn finish(&mut self, buffer: &mut [u8]) {
        for index in 0..self.ports.len() {
            self.mark_readable(index);
        }
        for _ in 0..LAST_TURNS.max(2 * self.ports.len()) {
            self.turn(buffer);
        }
    }

    fn accept(&mut self) {
        self.accept_again = None;
        loop {
            match self.claimed.listener.accept() {
                Ok((stream, _)) => self.add(stream),
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock => return,
                    ErrorKind::Interrupted | ErrorKind::ConnectionAborted => {}
                    // Most likely too many open files. The system will not tell again that somebody waits.
                    _ => {
                        tracing::warn!(%error, "the lan switch cannot accept a station");
                        self.accept_again = Some(Clock::now() + ACCEPT_AGAIN);
                        return;
                    }
                },
            }
        }
    }

    fn add(&mut self, stream: UnixStream) {
        if self.free.is_empty() && self.ports.len() >= self.most_ports {
            tracing::warn!(most = self.most_ports, "the lan switch has no port left for another station");
            return;
        }
        let counters = Arc::new(Counters { number: self.next_number, ..Counters::default() });
        let mut port = Port::new(stream, counters.clone());
        let index = self.free.pop().unwrap_or_else(|| {
            self.ports.push(None);
            self.ports.len() - 1
        });
        let both = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = self.poll.registry().register(&mut port.stream, Token(PORTS + index), both) {
            tracing::warn!(%error, "the lan switch cannot watch a station");
            self.free.push(index);
            return;
        }
        tracing::debug!(port = counters.number, "a station has joined the lan");
        self.next_number += 1;
        self.shared.registry.add(counters);
        self.ports[index] = Some(port);
    }

    fn remove(&mut self, index: usize) {
        let Some(mut port) = self.ports.get_mut(index).and_then(Option::take) else { return };
        let _ = self.poll.registry().deregister(&mut port.stream);
        tracing::debug!(port = port.counters.number, "a station has left the lan");
        self.shared.registry.remove(port.counters.number);
        self.table.forget_port(index);
        self.readable.retain(|other| *other != index);
        self.dirty.retain(|other| *other != index);
        self.free.push(index);
    }

    fn mark_readable(&mut self, index: usize) {
        if let Some(Some(port)) = self.ports.get_mut(index)
            && !std::mem::replace(&mut port.is_readable, true)
        {
            self.readable.push_back(index);
        }
    }

    /// Reads once from the port whose turn it is and forwards what it has sent.
    fn turn(&mut self, buffer: &mut [u8]) {
        let Some(index) = self.readable.pop_front() else { return };
        let Some(Some(port)) = self.ports.get_mut(index) else { return };
        match port.read(buffer) {
            Reading::Gone => self.remove(index),
            Reading::Dry => port.is_readable = false,
            Reading::Bytes(length) => {
                self.readable.push_back(index);
                let is_well = self.forward_all(index, buffer.get(..length).unwrap_or_default());
                self.flush_dirty();
                if !is_well {
                    self.remove(index);
                }
            }
        }
    }

    /// Forwards all whole frames and keeps the rest. Returns whether the station speaks our language.
    fn forward_all(&mut self, from: usize, mut bytes: &[u8]) -> bool {
        let now = Instant::ZERO + self.started.elapsed();
        let (mut frames, mut frame_bytes, mut malformed) = (0, 0, 0);
        let is_well = loop {
            match framing::split(bytes) {
                Ok(Some((frame, rest))) => {
                    bytes = rest;
                    frames += 1;
                    frame_bytes += frame.len() as u64;
                    malformed += u64::from(!self.forward(from, frame, now));
                }
                Ok(None) => break true,
                Err(framing::TooLong) => break false,
            }
        };
        if let Some(Some(port)) = self.ports.get_mut(from) {
            if is_well {
                port.keep(bytes);
            } else {
                tracing::warn!(
                    port = port.counters.number,
                    "a station sent no frame but nonsense to the lan"
                );
            }
            port.counters.frames_in.add(frames);
            port.counters.bytes_in.add(frame_bytes);
            port.counters.malformed_in.add(malformed);
        }
        is_well
    }

    /// Queues the frame at the ports it is for. Returns false for one that no station can have sent.
    #[inline]
    fn forward(&mut self, from: usize, frame: &[u8], now: Instant) -> bool {
        let Ok(header) = ethernet::Header::parse(frame) else { return false };
        if !header.source.is_unicast() {
            return false;
        }
        self.table.learn(header.source, from, now);
        match self.destination(header.destination, now) {
            Some(to) if to == from => {}
            Some(to) => self.queue(to, frame),
            None => (0..self.ports.len()).filter(|to| *to != from).for_each(|to| self.queue(to, frame)),
        }
        true
    }

    fn destination(&self, mac: MacAddress, now: Instant) -> Option<usize> {
        if mac.is_multicast() { None } else { self.table.port_of(mac, now) }
    }

    #[inline]
    fn queue(&mut self, to: usize, frame: &[u8]) {
        let Some(Some(port)) = self.ports.get_mut(to) else { return };
        port.queue(frame);
        if !std::mem::replace(&mut port.is_dirty, true) {
            self.dirty.push(to);
        }
    }

    fn flush_dirty(&mut self) {
        while let Some(index) = self.dirty.pop() {
            if let Some(Some(port)) = self.ports.get_mut(index) {
                port.is_dirty = false;
            }
            self.flush(index);
        }
    }

    fn flush(&mut self, index: usize) {
        let Some(Some(port)) = self.ports.get_mut(index) else { return };
        if port.flush().is_err() {
            // It leaves when all that it has sent is forwarded.
            port.deafen();
            self.mark_readable(index);
        }
    }
}
