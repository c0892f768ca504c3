//! How much a receiver may hold: what the application chose, what tuning found out, and less while memory is short.

use super::receiver::Receiver;
use crate::config::BufferBounds;
use crate::environment::Environment;
use crate::memory::LEAST;
use basis::Instant;
use wire::tcp::{Header, Seq};

impl Receiver {
    #[inline]
    pub(super) fn free(&self) -> u32 {
        self.limit.saturating_sub(self.unread() as u32)
    }

    /// The application chooses: a fixed size, or other bounds.
    pub(crate) fn set_bounds(&mut self, bounds: BufferBounds) {
        self.limit = if bounds.initial == bounds.most { bounds.most } else { self.limit.min(bounds.most) };
        self.most = bounds.most;
    }

    /// Data has come: perhaps a round trip is over, and the buffer should grow to what it told. Also lets what had to shrink
    /// while memory was short grow again.
    #[inline]
    pub(crate) fn tune(&mut self, header: &Header, environment: &Environment<'_>) {
        if self.limit >= self.most {
            return;
        }
        let Some((reached, mark)) = self.milestones(header, environment.now) else { return };
        if let Some(wanted) = self.tuning.on_data(reached, mark)
            && wanted > self.limit
            && !environment.memory.is_short()
        {
            self.limit = wanted.min(self.most);
        }
    }

    /// How far the segment shows the peer to have come, and what it will show once what is sent now is answered; None if it shows nothing.
    #[inline(always)]
    fn milestones(&self, header: &Header, now: Instant) -> Option<(u32, u32)> {
        if self.timestamps.enabled {
            // One that lost its timestamp on the way tells nothing: numbers and clock readings have nothing to do with each other.
            return header.options.timestamps.map(|timestamps| (timestamps.echo, self.timestamps.clock(now)));
        }
        // What begins beyond all that was ever offered was not allowed before.
        let furthest = self.next + self.window.promised(self.next);
        Some((header.sequence.0.wrapping_add(1), furthest.0))
    }

    /// Memory is short, and `length` bytes at `sequence` want in. The window shrinks to this connection's share as it is used up.
    /// If nothing is left at all, what came out of order goes first (RFC 2018 8 allows it); and if that is not enough, a
    /// connection that holds something takes in no more: its window closes, so that the peer asks instead of sending again.
    #[cold]
    pub(super) fn restrain(&mut self, sequence: Seq, length: usize, environment: &mut Environment<'_>) {
        self.limit = self.limit.min(environment.memory.allowance());
        if !environment.memory.is_exhausted() {
            return;
        }
        if let Some(buffer) = &mut self.buffer {
            let used = buffer.used();
            buffer.reassembly.clear();
            let now = buffer.used();
            environment.memory.recharge(used, now);
        }
        let early = sequence != self.next;
        if length > 0
            && environment.memory.is_exhausted()
            && (early || self.unread() + length > LEAST as usize)
        {
            environment.counters.memory_short += 1;
            let most = LEAST.saturating_sub(self.unread() as u32);
            self.window.close(self.next, if early { 0 } else { most });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::timestamps::TimestampState;
    use super::super::window::ReceiveWindow;
    use super::*;
    use wire::tcp::{Options, Timestamps};

    #[test]
    fn round_trips_are_told_by_timestamps_where_they_are_agreed_and_else_by_the_window() {
        let now = Instant::from_millis(7);
        let with = |timestamps| {
            let options = Options { timestamps, ..Options::default() };
            Header { sequence: Seq(3_000_000_000), options, ..Header::default() }
        };
        let (bare, stamped) = (with(None), with(Some(Timestamps { value: 1, echo: 50 })));
        let mut receiver = Receiver::FRESH;
        (receiver.next, receiver.window) = (Seq(3_000_000_000), ReceiveWindow::new(Seq(3_000_008_000), 0));
        receiver.timestamps = TimestampState::new(true, 1, 100, now);
        assert_eq!(receiver.milestones(&stamped, now), Some((50, receiver.timestamps.clock(now))));
        assert_eq!(receiver.milestones(&bare, now), None);
        receiver.timestamps = TimestampState::new(false, 0, 100, now);
        for header in [bare, stamped] {
            assert_eq!(receiver.milestones(&header, now), Some((3_000_000_001, 3_000_008_000)));
        }
        // What is taken back for want of memory may be on its way.
        receiver.window.close(receiver.next, 0);
        assert_eq!(receiver.milestones(&with(None), now), Some((3_000_000_001, 3_000_008_000)));
    }
}
