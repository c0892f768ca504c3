//! A cable between two stacks of one process.

mod bell;

use crate::capabilities::{Capabilities, Link, Medium, RawFdSource};
use crate::cut::{Cutter, vouched};
use basis::{Frame, Instant};
use bell::Bell;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use wire::ethernet::MacAddress;

/// How often a link without a working descriptor asks to be called.
const POLLED: Duration = Duration::from_millis(1);

/// Lays a cable: two Ethernet links that carry packets of up to `mtu` bytes to each other, at most `bound` frames on
/// their way in each direction. A longer frame is lost, as is every frame sent after the other end has been dropped.
///
/// ```
/// use basis::{Frame, Instant};
/// use netstrata_link::{Link, memory};
/// use wire::ethernet::MacAddress;
/// use std::collections::VecDeque;
/// let (mut here, mut there) =
///     memory::pair(1500, 64, MacAddress([2, 0, 0, 0, 0, 1]), MacAddress([2, 0, 0, 0, 0, 2]));
/// assert!(here.transmit(Instant::ZERO, &mut VecDeque::from([Frame::copy_of(b"frame")]))?);
/// let mut arrived = VecDeque::new();
/// there.receive(Instant::ZERO, &mut arrived, 64)?;
/// assert_eq!(arrived[0].to_vec(), b"frame");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn pair(mtu: usize, bound: usize, mac_a: MacAddress, mac_b: MacAddress) -> (MemoryLink, MemoryLink) {
    let (to_a, to_b) = (Arc::new(Channel::default()), Arc::new(Channel::default()));
    let (bell_a, bell_b) = (Arc::new(Bell::default()), Arc::new(Bell::default()));
    let end = |mac, inbox: &Arc<Channel>, outbox: &Arc<Channel>, bell: &Arc<Bell>, other_bell: &Arc<Bell>| {
        let medium = Medium::Ethernet(mac);
        MemoryLink {
            medium,
            mtu,
            bound: bound.max(1),
            offload: false,
            inbox: inbox.clone(),
            outbox: outbox.clone(),
            bell: bell.clone(),
            other_bell: other_bell.clone(),
            cutter: Cutter::new(medium.header_length()),
            last_call: Instant::ZERO,
            full: false,
            lost: 0,
        }
    };
    (end(mac_a, &to_a, &to_b, &bell_a, &bell_b), end(mac_b, &to_b, &to_a, &bell_b, &bell_a))
}

/// One end of a cable that [`pair`] has laid.
pub struct MemoryLink {
    medium: Medium,
    mtu: usize,
    bound: usize,
    offload: bool,
    inbox: Arc<Channel>,
    outbox: Arc<Channel>,
    bell: Arc<Bell>,
    other_bell: Arc<Bell>,
    cutter: Cutter,
    last_call: Instant,
    /// The queue took not all when it was last given something.
    full: bool,
    lost: u64,
}

/// Frames on their way in one direction.
#[derive(Default)]
struct Channel(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    frames: VecDeque<Frame>,
    /// The sender found it full and wants to know when there is room.
    sender_waits: bool,
    reader_gone: bool,
}

impl Queue {
    /// Whether a sender that found it full has been told that it is not any more.
    fn has_room(&self) -> bool {
        !self.sender_waits || self.reader_gone
    }
}

impl Channel {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing that can panic happens under the lock but allocation; the queue is whole in any case.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MemoryLink {
    /// With `true`, this end takes super-segments and deferred checksums and hands them over as they are, the checksums
    /// verified. Both ends should agree, for what they are ready to receive is said by their own capabilities.
    pub fn with_offload(mut self, offload: bool) -> MemoryLink {
        self.offload = offload;
        self
    }

    /// Frames that this end has lost: too long, or sent when there was no other end any more.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    fn next_outgoing(&mut self, waiting: &mut VecDeque<Frame>) -> Option<Frame> {
        match self.offload {
            true => waiting.pop_front().map(vouched),
            false => self.cutter.next(waiting),
        }
    }
}

impl Link for MemoryLink {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            medium: self.medium,
            mtu: self.mtu,
            segmentation: self.offload,
            checksums: self.offload,
        }
    }

    fn receive(&mut self, now: Instant, arrived: &mut VecDeque<Frame>, most: usize) -> io::Result<bool> {
        self.last_call = now;
        // Before the look into the queue: what comes after that look rings again.
        self.bell.quieten();
        let mut queue = self.inbox.lock();
        let count = most.min(queue.frames.len());
        arrived.extend(queue.frames.drain(..count));
        let more = !queue.frames.is_empty();
        let room = queue.sender_waits && queue.frames.len() <= self.bound / 2;
        if room {
            queue.sender_waits = false;
        }
        drop(queue);
        if room {
            self.other_bell.ring();
        }
        // The ring that was quietened may have told of room: it is heard until that is used.
        if self.full && self.outbox.lock().has_room() {
            self.bell.ring();
        }
        Ok(more)
    }

    fn transmit(&mut self, _now: Instant, waiting: &mut VecDeque<Frame>) -> io::Result<bool> {
        let longest = self.mtu + self.medium.header_length();
        let outbox = self.outbox.clone();
        let mut queue = outbox.lock();
        let before = queue.frames.len();
        let all_gone = loop {
            if queue.frames.len() >= self.bound && !queue.reader_gone {
                queue.sender_waits = true;
                break false;
            }
            let Some(frame) = self.next_outgoing(waiting) else { break true };
            if queue.reader_gone || (frame.len() > longest && frame.segment_size == 0) {
                self.lost += 1;
            } else {
                queue.frames.push_back(frame);
            }
        };
        let sent = queue.frames.len() > before;
        drop(queue);
        self.full = !all_gone;
        if sent {
            self.other_bell.ring();
        }
        Ok(all_gone)
    }

    fn source(&self) -> Option<RawFdSource> {
        let source = self.bell.watch();
        if !self.inbox.lock().frames.is_empty() {
            self.bell.ring();
        }
        source
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.bell.is_broken().then(|| self.last_call + POLLED)
    }
}

impl Drop for MemoryLink {
    fn drop(&mut self) {
        let mut queue = self.inbox.lock();
        queue.reader_gone = true;
        queue.frames.clear();
        drop(queue);
        // The other end may wait for room.
        self.other_bell.ring();
    }
}

#[cfg(test)]
mod tests;
