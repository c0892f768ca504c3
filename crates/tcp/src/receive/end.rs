//! Where the peer's stream ends.

use wire::tcp::Seq;

/// The place of the peer's FIN, and whether it came to its turn.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    at: Seq,
    known: bool,
    pub(super) reached: bool,
}

impl End {
    pub(super) const UNKNOWN: End = End { at: Seq(0), known: false, reached: false };

    /// The number of the FIN, once it was seen.
    #[inline]
    pub(super) fn get(&self) -> Option<Seq> {
        self.known.then_some(self.at)
    }

    /// A FIN was seen at `end`. The first one stands; a stream has one end.
    #[inline]
    pub(super) fn note(&mut self, end: Seq) {
        if !self.known {
            (self.at, self.known) = (end, true);
        }
    }
}
