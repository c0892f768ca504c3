//! One link of a host, with the frames on their way to and from it.

mod behind;

use basis::{Frame, Instant};
use behind::Behind;
use link::Link;
use mio::Registry;
#[cfg(unix)]
use mio::{Interest, Token, unix::SourceFd};
use stack::InterfaceId;
use std::collections::VecDeque;
use std::io;
use std::time::Duration;

/// Frames taken from a link, and given to it, in one turn of the driver: no link keeps the others waiting for long.
pub(crate) const BATCH: usize = 64;
/// Bytes that wait for a link at most before no more is pulled: what is beyond stays in the stack, where backpressure reaches
/// the writer. One frame of 64 KiB always goes on top.
const WAITING_BYTES: usize = 1 << 20;
/// When a full link without a descriptor and without a time of its own is tried again.
const RETRY: Duration = Duration::from_millis(1);
/// A link that has had more than a turn takes for so many turns in a row is not watched: for each frame that arrives, the operating
/// system would tell what is known.
#[cfg(unix)]
const BUSY: u8 = 2;

/// A link and what the driver knows of it.
pub(crate) struct Port {
    pub(crate) link: Box<dyn Link>,
    pub(crate) interface: InterfaceId,
    pub(crate) arrived: VecDeque<Frame>,
    waiting: VecDeque<Frame>,
    waiting_bytes: usize,
    /// More may have arrived than was taken.
    readable: bool,
    /// Turns in a row that left something in the link.
    left: u8,
    behind: Behind,
    room: Room,
    #[cfg_attr(not(unix), allow(dead_code, reason = "there are no descriptors to watch"))]
    watched: Option<Watched>,
    /// It broke for good.
    pub(crate) broken: bool,
}

/// Whether the link takes frames, as far as is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Room {
    /// It took everything.
    Open,
    /// It was full, and its source has become ready since. It may hold a part of a frame inside, so it is called even if
    /// nothing waits here.
    Resumed,
    /// It has been full since then: not called before its source is ready or its time has come.
    Full(Instant),
}

/// What the operating system watches for the port.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Watched {
    source: link::RawFdSource,
    writable: bool,
}

impl Port {
    pub(crate) fn new(link: Box<dyn Link>, interface: InterfaceId) -> Port {
        Port {
            link,
            interface,
            arrived: VecDeque::with_capacity(BATCH),
            waiting: VecDeque::with_capacity(BATCH),
            waiting_bytes: 0,
            readable: true,
            left: 0,
            behind: Behind::NOT,
            room: Room::Open,
            watched: None,
            broken: false,
        }
    }

    /// The source has become ready. In which way does not matter: some links tell by readability that there is room again.
    pub(crate) fn on_ready(&mut self) {
        self.readable = true;
        if self.room != Room::Open {
            self.room = Room::Resumed;
        }
    }

    /// Takes in what has arrived, a batch at most.
    pub(crate) fn receive(&mut self, now: Instant) -> io::Result<()> {
        if self.readable || self.is_due(now) {
            self.look(now)?;
        }
        Ok(())
    }

    /// As [`Port::receive`], though nobody said that something has arrived. True if there may be more.
    pub(crate) fn look(&mut self, now: Instant) -> io::Result<bool> {
        if self.broken {
            return Ok(false);
        }
        let before = self.arrived.len();
        self.readable = self.link.receive(now, &mut self.arrived, BATCH)?;
        self.left = if self.readable { self.left.saturating_add(1) } else { 0 };
        if self.arrived.len() > before {
            self.behind.on_turn(now, self.readable);
        }
        Ok(self.readable)
    }

    /// Whether the host gets to take less than the link brings.
    pub(crate) fn is_behind(&self, now: Instant) -> bool {
        self.behind.is_behind(now) && !self.broken
    }

    /// Pulls frames from the stack by `next` until a batch waits. True if there may be more.
    pub(crate) fn fill(&mut self, mut next: impl FnMut(InterfaceId) -> Option<Frame>) -> bool {
        if self.broken {
            // Nothing leaves any more; what the stack still has for this interface is lost, not kept.
            return (0..BATCH).all(|_| next(self.interface).is_some());
        }
        while self.has_room() {
            let Some(frame) = next(self.interface) else { return false };
            self.waiting_bytes += frame.len();
            self.waiting.push_back(frame);
        }
        // Full of what the link does not take now: it will say when it does.
        self.is_open()
    }

    fn has_room(&self) -> bool {
        self.waiting.len() < BATCH && self.waiting_bytes < WAITING_BYTES
    }

    /// Whether the link takes frames now, as far as is known.
    pub(crate) fn is_open(&self) -> bool {
        !self.broken && !matches!(self.room, Room::Full(_))
    }

    /// Sends what waits, as far as the link takes it.
    pub(crate) fn transmit(&mut self, now: Instant) -> io::Result<()> {
        if self.broken || !self.may_transmit(now) {
            return Ok(());
        }
        let all_gone = self.link.transmit(now, &mut self.waiting)?;
        self.waiting_bytes = self.waiting.iter().map(Frame::len).sum();
        self.room = if all_gone { Room::Open } else { Room::Full(now) };
        Ok(())
    }

    fn may_transmit(&self, now: Instant) -> bool {
        match self.room {
            Room::Open => !self.waiting.is_empty() || self.is_due(now),
            Room::Resumed => true,
            Room::Full(_) => self.is_due(now) || self.retry_at().is_some_and(|retry| retry <= now),
        }
    }

    /// Whether frames wait for the link.
    pub(crate) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether nothing waits here or, as far as is known, in the link.
    pub(crate) fn is_empty(&self) -> bool {
        self.broken || (self.waiting.is_empty() && self.room == Room::Open)
    }

    /// Whether the link asked to be called by now.
    fn is_due(&self, now: Instant) -> bool {
        self.link.poll_timeout().is_some_and(|timeout| timeout <= now)
    }

    fn retry_at(&self) -> Option<Instant> {
        let Room::Full(since) = self.room else { return None };
        let told = self.link.source().is_some() || self.link.poll_timeout().is_some();
        (!told).then(|| since + RETRY)
    }

    /// When the port must be seen to without readiness; `Instant::ZERO` for at once.
    pub(crate) fn poll_timeout(&self) -> Instant {
        if self.broken {
            return Instant::FAR_FUTURE;
        }
        if self.readable || self.room == Room::Resumed {
            return Instant::ZERO;
        }
        let link = self.link.poll_timeout().unwrap_or(Instant::FAR_FUTURE);
        link.min(self.retry_at().unwrap_or(Instant::FAR_FUTURE))
    }

    /// What the link wants watched now.
    #[cfg(unix)]
    fn wanted(&self) -> Option<Watched> {
        let is_busy = self.left >= BUSY && self.is_open();
        let source = self.link.source().filter(|_| !self.broken && !is_busy)?;
        Some(Watched { source, writable: !self.is_open() })
    }

    /// Has the operating system forget what the link has given up. Whether there is something to [`Port::watch`] now.
    #[cfg(unix)]
    fn forget(&mut self, registry: &Registry) -> bool {
        let wanted = self.wanted();
        if wanted == self.watched {
            return false;
        }
        let source = |watched: Watched| watched.source;
        if let Some(old) = self.watched.filter(|old| wanted.map(source) != Some(old.source)) {
            // A descriptor that the link has closed is forgotten already.
            let _ = registry.deregister(&mut SourceFd(&old.source.fd));
            self.watched = None;
        }
        wanted.is_some()
    }

    /// Has the operating system watch what the link wants watched now.
    #[cfg(unix)]
    fn watch(&mut self, registry: &Registry, token: usize) -> io::Result<()> {
        let wanted = self.wanted();
        let Some(new) = wanted.filter(|_| wanted != self.watched) else { return Ok(()) };
        let interest =
            if new.writable { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        if self.watched.take().is_some() {
            registry.reregister(&mut SourceFd(&new.source.fd), Token(token), interest)?;
        } else {
            // What was ready before it was watched is told of as well: nothing is presumed.
            registry.register(&mut SourceFd(&new.source.fd), Token(token), interest)?;
        }
        self.watched = wanted;
        Ok(())
    }
}

/// Has the operating system watch what the links want watched now; the token of each is its index. Returns those that cannot
/// be watched.
#[cfg(unix)]
pub(crate) fn watch(ports: &mut [Port], registry: &Registry) -> Vec<(usize, io::Error)> {
    // The number of a descriptor that one link has closed may be another link's by now: everything old is forgotten before
    // anything new is watched, or the old one's end would be the new one's.
    let mut changed = false;
    for port in &mut *ports {
        changed |= port.forget(registry);
    }
    if !changed {
        return Vec::new();
    }
    let watched = ports.iter_mut().enumerate().map(|(index, port)| (index, port.watch(registry, index)));
    watched.filter_map(|(index, result)| Some((index, result.err()?))).collect()
}

/// No link of this system has a descriptor.
#[cfg(not(unix))]
pub(crate) fn watch(_ports: &mut [Port], _registry: &Registry) -> Vec<(usize, io::Error)> {
    Vec::new()
}

#[cfg(test)]
mod tests;
