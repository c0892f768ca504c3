//! What is under way: sequence numbers and the one segment that is timed.

use basis::Instant;
use wire::tcp::Seq;

/// The sender's place in the sequence space (RFC 9293 3.3.1).
#[derive(Clone, Copy, Debug)]
pub(crate) struct InFlight {
    /// SND.UNA: the oldest unacknowledged number.
    pub(crate) oldest: Seq,
    /// SND.NXT: one past the highest number ever sent.
    pub(crate) next: Seq,
    /// One past the timed segment (RFC 6298 4: one measurement a round trip).
    timed_end: Seq,
    /// When the timed segment was sent; never, if none is timed.
    timed_at: Instant,
}

impl InFlight {
    pub(crate) const fn new(oldest: Seq) -> InFlight {
        InFlight { oldest, next: oldest, timed_end: oldest, timed_at: Instant::FAR_FUTURE }
    }

    /// Numbers sent and not acknowledged.
    #[inline]
    pub(crate) fn outstanding(&self) -> u32 {
        self.next.since(self.oldest)
    }

    /// Notes that `length` new numbers were sent.
    #[inline]
    pub(crate) fn sent(&mut self, length: u32, now: Instant) {
        self.next += length;
        if self.timed_at == Instant::FAR_FUTURE {
            (self.timed_end, self.timed_at) = (self.next, now);
        }
    }

    /// Moves SND.UNA; returns the round-trip time in microseconds if the timed segment was acknowledged.
    #[inline]
    pub(crate) fn acknowledged(&mut self, upto: Seq, now: Instant) -> Option<u32> {
        self.oldest = upto;
        if self.timed_at == Instant::FAR_FUTURE || self.timed_end.after(upto) {
            return None;
        }
        let rtt = now.micros_since(self.timed_at);
        self.timed_at = Instant::FAR_FUTURE;
        Some(rtt)
    }

    /// Something was sent again, so an acknowledgment no longer tells what it answers (Karn; RFC 6298 3).
    pub(crate) fn forget_timing(&mut self) {
        self.timed_at = Instant::FAR_FUTURE;
    }
}
