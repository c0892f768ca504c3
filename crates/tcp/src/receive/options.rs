//! What the receiver adds to a segment: timestamps, and what it has beyond what it acknowledges (RFC 2018, RFC 2883).

use super::duplicates::note_twice;
use super::receiver::Receiver;
use wire::tcp::{Options, SackBlock, Seq};

impl Receiver {
    /// Whether there is something to tell beyond what is acknowledged, to a peer who understands it.
    #[inline]
    pub(crate) fn has_blocks(&self) -> bool {
        let early = self.buffer.as_ref().is_some_and(|buffer| !buffer.reassembly.is_empty());
        self.selective && (early || self.rare.as_ref().is_some_and(|rare| rare.owes()))
    }

    /// Adds selective acknowledgments to the options of a segment that leaves now.
    #[cold]
    pub(crate) fn put_blocks(&mut self, options: &mut Options) {
        // Three blocks fit beside timestamps, four without (RFC 2018 3).
        let mut most = if self.timestamps.enabled { 3 } else { 4 };
        if let Some(rare) = self.rare.as_mut().filter(|rare| rare.owes()) {
            // RFC 2883 4: it comes first, and before the block that holds it, which was touched last.
            options.sack.push(core::mem::take(&mut rare.twice));
            most -= 1;
        }
        if let Some(buffer) = &self.buffer {
            options.sack.extend(buffer.reassembly.blocks(most));
        }
    }

    /// A segment brought `length` numbers, some or all of which have come before: the peer is told (RFC 2883 4.1).
    #[cold]
    pub(crate) fn note_old(&mut self, sequence: Seq, length: u32) {
        if self.selective && length > 0 && sequence.before(self.next()) {
            let right = (sequence + length).min(self.next());
            note_twice(&mut self.rare, &mut self.acks, Some(SackBlock { left: sequence, right }));
        }
    }
}
