//! A link whose packets somebody may watch as they pass.

use crate::capabilities::{Capabilities, Link, RawFdSource};
use basis::{Checksum, Frame, Instant};
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::Arc;
use wire::segmentation::Segments;

/// Frames that were shown already and are on their way into the link below.
const BATCH: usize = 64;

/// Which way a packet goes, seen from the host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// It has arrived.
    Inbound,
    /// It leaves.
    Outbound,
}

/// Who is shown every packet of a [`Watched`] link. Called by the thread that drives the host, so it must not block.
pub trait Watch: Send + Sync + fmt::Debug {
    /// Whether anybody looks at all; if not, nothing is copied.
    fn is_watching(&self) -> bool;

    /// One packet, from its link header on, checksums complete.
    fn packet(&self, direction: Direction, packet: &[u8]);
}

/// A link around a link that shows every packet in and out to a [`Watch`]. Super-segments are shown as the packets they would
/// be cut into.
#[derive(Debug)]
pub struct Watched<L: Link> {
    link: L,
    watch: Arc<dyn Watch>,
    link_header: usize,
    sending: VecDeque<Frame>,
    scratch: Vec<u8>,
}

impl<L: Link> Watched<L> {
    /// Shows the packets of `link` to `watch`.
    pub fn new(link: L, watch: Arc<dyn Watch>) -> Watched<L> {
        let link_header = link.capabilities().medium.header_length();
        Watched { link, watch, link_header, sending: VecDeque::new(), scratch: Vec::new() }
    }

    fn show(&mut self, frame: &Frame, direction: Direction) {
        if frame.segment_size == 0 && frame.checksum == Checksum::Complete {
            return self.show_packet(frame, direction);
        }
        // A copy of the head; the body is shared. Verified: what the sender deferred may never have been filled in.
        let mut copy = frame.clone();
        copy.checksum = Checksum::Deferred;
        for packet in Segments::of(copy, self.link_header) {
            self.show_packet(&packet, direction);
        }
    }

    fn show_packet(&mut self, packet: &Frame, direction: Direction) {
        self.scratch.clear();
        packet.copy_to(&mut self.scratch);
        self.watch.packet(direction, &self.scratch);
    }
}

impl<L: Link> Link for Watched<L> {
    fn capabilities(&self) -> Capabilities {
        self.link.capabilities()
    }

    fn receive(&mut self, now: Instant, arrived: &mut VecDeque<Frame>, most: usize) -> io::Result<bool> {
        let before = arrived.len();
        let outcome = self.link.receive(now, arrived, most);
        if self.watch.is_watching() {
            for frame in arrived.iter().skip(before) {
                self.show(frame, Direction::Inbound);
            }
        }
        outcome
    }

    fn transmit(&mut self, now: Instant, waiting: &mut VecDeque<Frame>) -> io::Result<bool> {
        loop {
            // First what was shown when the link was full.
            if !self.link.transmit(now, &mut self.sending)? {
                return Ok(false);
            }
            if waiting.is_empty() {
                return Ok(true);
            }
            if !self.watch.is_watching() {
                return self.link.transmit(now, waiting);
            }
            self.sending.extend(waiting.drain(..waiting.len().min(BATCH)));
            let batch = std::mem::take(&mut self.sending);
            for frame in &batch {
                self.show(frame, Direction::Outbound);
            }
            self.sending = batch;
        }
    }

    fn source(&self) -> Option<RawFdSource> {
        self.link.source()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.link.poll_timeout()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Loopback;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[derive(Debug, Default)]
    struct Notes {
        on: AtomicBool,
        seen: Mutex<Vec<(Direction, Vec<u8>)>>,
    }

    impl Watch for Notes {
        fn is_watching(&self) -> bool {
            self.on.load(Ordering::Relaxed)
        }

        fn packet(&self, direction: Direction, packet: &[u8]) {
            self.seen.lock().unwrap().push((direction, packet.to_vec()));
        }
    }

    #[test]
    fn packets_are_shown_both_ways_while_somebody_looks_and_pass_unchanged() {
        let notes = Arc::new(Notes::default());
        let mut link = Watched::new(Loopback::new(), Arc::clone(&notes) as Arc<dyn Watch>);
        for looking in [false, true] {
            notes.on.store(looking, Ordering::Relaxed);
            let mut waiting: VecDeque<Frame> = (0..200_u8).map(|byte| Frame::copy_of(&[byte])).collect();
            assert!(link.transmit(Instant::ZERO, &mut waiting).unwrap());
            let mut arrived = VecDeque::new();
            while link.receive(Instant::ZERO, &mut arrived, 64).unwrap() {}
            assert_eq!(arrived.len(), 200);
            assert!(arrived.iter().zip(0..200_u8).all(|(frame, byte)| frame.to_vec() == [byte]));
            let seen = std::mem::take(&mut *notes.seen.lock().unwrap());
            assert_eq!(seen.len(), if looking { 400 } else { 0 });
            let outbound: Vec<u8> = seen
                .iter()
                .filter(|(way, _)| *way == Direction::Outbound)
                .flat_map(|(_, bytes)| bytes.clone())
                .collect();
            assert!(!looking || outbound == (0..200).collect::<Vec<u8>>());
        }
    }
}
