//! A link that behaves badly, on purpose and repeatably.

mod direction;
mod parse;
mod settings;

pub use parse::ParseImpairmentError;
pub use settings::{Impairment, Probability};

use crate::capabilities::{Capabilities, Link, RawFdSource};
use crate::cut::Cutter;
use basis::{Checksum, Frame, Instant, Random};
use direction::Direction;
use std::collections::VecDeque;
use std::io;

/// A link around a link: frames sent and received are lost, doubled, reordered, damaged, delayed.
///
/// Super-segments are cut first, so that each packet has its own fate. The same frames at the same times meet the same
/// fate for the same seed; each direction has a stream of randomness of its own.
///
/// ```
/// use basis::{Frame, Instant};
/// use netstrata_link::{Impaired, Link, Loopback};
/// use std::collections::VecDeque;
/// let mut link = Impaired::new(Loopback::new(), "delay=20ms".parse()?);
/// link.transmit(Instant::ZERO, &mut VecDeque::from([Frame::copy_of(b"packet")]))?;
/// assert_eq!(link.poll_timeout(), Some(Instant::from_millis(20)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Impaired<L: Link> {
    link: L,
    sending: Direction,
    receiving: Direction,
    outgoing: Cutter,
    incoming: Cutter,
    /// Frames on their way into the link within.
    leaving: VecDeque<Frame>,
    /// Frames that have come out of the link within and not met their fate yet.
    coming: VecDeque<Frame>,
    /// Frames that have met it and not been given out yet.
    ready: VecDeque<Frame>,
}

/// Packets that are handed to the link within at once.
const BATCH: usize = 64;

impl<L: Link> Impaired<L> {
    /// Puts the link behind the impairment.
    pub fn new(link: L, impairment: Impairment) -> Impaired<L> {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&impairment.seed.to_le_bytes());
        let mut random = Random::new(seed);
        let link_header = link.capabilities().medium.header_length();
        Impaired {
            link,
            sending: Direction::new(impairment, Random::new(random.seed())),
            receiving: Direction::new(impairment, Random::new(random.seed())),
            outgoing: Cutter::new(link_header),
            incoming: Cutter::new(link_header),
            leaving: VecDeque::new(),
            coming: VecDeque::new(),
            ready: VecDeque::new(),
        }
    }

    /// Frames that were lost by chance or because the queue was full: sent, and received.
    pub fn lost(&self) -> (u64, u64) {
        (self.sending.lost(), self.receiving.lost())
    }

    /// The link within.
    pub fn get_ref(&self) -> &L {
        &self.link
    }

    /// The link within.
    pub fn get_mut(&mut self) -> &mut L {
        &mut self.link
    }

    /// Sends what is due. Returns whether the link took it all.
    fn transmit_due(&mut self, now: Instant) -> io::Result<bool> {
        self.leaving.extend(std::iter::from_fn(|| self.sending.pop_due(now)));
        self.link.transmit(now, &mut self.leaving)
    }
}

impl<L: Link> Link for Impaired<L> {
    fn capabilities(&self) -> Capabilities {
        // Whatever the link within could do: frames must be packets, with checksums that show the damage.
        Capabilities { segmentation: false, checksums: false, ..self.link.capabilities() }
    }

    fn receive(&mut self, now: Instant, arrived: &mut VecDeque<Frame>, most: usize) -> io::Result<bool> {
        self.ready.extend(std::iter::from_fn(|| self.receiving.pop_due(now)));
        let room = most.saturating_sub(self.ready.len());
        let more = if room > 0 { self.link.receive(now, &mut self.coming, room)? } else { true };
        for frame in &mut self.coming {
            if frame.checksum == Checksum::Verified {
                frame.checksum = Checksum::Deferred;
            }
        }
        while let Some(mut packet) = self.incoming.next(&mut self.coming) {
            // What has no checksum that could be completed has nothing to hide either.
            packet.checksum = Checksum::Complete;
            self.receiving.push(packet, now);
            // One by one, so that the queue counts only what has to wait.
            self.ready.extend(std::iter::from_fn(|| self.receiving.pop_due(now)));
        }
        let count = most.min(self.ready.len());
        arrived.extend(self.ready.drain(..count));
        Ok(more || !self.ready.is_empty())
    }

    fn transmit(&mut self, now: Instant, waiting: &mut VecDeque<Frame>) -> io::Result<bool> {
        loop {
            if !self.transmit_due(now)? {
                return Ok(false);
            }
            if waiting.is_empty() && self.outgoing.is_empty() {
                return Ok(true);
            }
            while self.leaving.len() < BATCH
                && let Some(packet) = self.outgoing.next(waiting)
            {
                self.sending.push(packet, now);
                self.leaving.extend(std::iter::from_fn(|| self.sending.pop_due(now)));
            }
        }
    }

    fn source(&self) -> Option<RawFdSource> {
        self.link.source()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        if !self.ready.is_empty() {
            return Some(Instant::ZERO);
        }
        let times = [self.sending.next_due(), self.receiving.next_due(), self.link.poll_timeout()];
        times.into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests;
