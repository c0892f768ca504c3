//! The window offered to the peer (RFC 9293 3.8.6).

use wire::tcp::Seq;

/// What was offered, and how it is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReceiveWindow {
    /// One past the last number the peer may send. It never moves back (RFC 9293 3.8.6: shrinking is discouraged) but for want of memory.
    pub(crate) edge: Seq,
    /// Rcv.Wind.Shift.
    pub(crate) shift: u8,
}

impl ReceiveWindow {
    /// RCV.WND.
    #[inline]
    pub(crate) fn size(&self, next: Seq) -> u32 {
        if self.edge.after(next) { self.edge.since(next) } else { 0 }
    }

    /// Offers `free` bytes from `next` on, rounded to what the header can say; returns the header's field.
    #[inline]
    pub(crate) fn offer(&mut self, next: Seq, free: u32) -> u16 {
        let unit = 1u32 << self.shift;
        let held = self.size(next);
        // Rounding must not take back what was offered (RFC 7323 2.4).
        let field = if free <= held { held.div_ceil(unit) } else { (free / unit).max(held.div_ceil(unit)) };
        let field = field.min(u16::MAX as u32);
        self.edge = self.edge.max(next + (field << self.shift));
        field as u16
    }

    /// Takes back what was offered beyond `left` bytes from `next` on. Only for want of memory (RFC 9293 3.8.6 wants the peer to bear it).
    pub(crate) fn close(&mut self, next: Seq, left: u32) {
        self.edge = self.edge.min(next + left);
    }

    /// Whether the peer should be told of `free` bytes without waiting for a segment to carry it: half the buffer more, or
    /// two segments more when it can hardly send (the receiver's side of the silly-window rule, RFC 9293 3.8.6.2.2).
    pub(crate) fn update_is_due(&self, next: Seq, free: u32, limit: u32, segment_size: u32) -> bool {
        let held = self.size(next);
        // What the header cannot say is no news.
        let most = (u16::MAX as u32) << self.shift;
        let (free, limit) = (free.min(most), limit.min(most));
        let more = free.saturating_sub(held);
        more >= limit / 2 || (held < 2 * segment_size && more >= (2 * segment_size).min(limit / 2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever is received and read, the right edge never moves back and the field says no less than the edge.
        #[test]
        fn the_right_edge_never_moves_back(shift in 0..=14u8, steps in prop::collection::vec((0..3_000u32, 0..70_000u32), 1..100)) {
            let mut window = ReceiveWindow { edge: Seq(u32::MAX - 50), shift };
            let mut next = window.edge;
            for (received, free) in steps {
                next += received.min(window.size(next));
                let before = window.edge;
                let field = window.offer(next, free);
                prop_assert!(window.edge.at_or_after(before));
                prop_assert!(window.edge == next + ((field as u32) << shift) || field == u16::MAX);
            }
        }
    }

    #[test]
    fn an_update_waits_until_it_is_worth_a_segment() {
        let window = ReceiveWindow { edge: Seq(1000), shift: 0 };
        assert!(!window.update_is_due(Seq(1000), 2_919, 64_000, 1460));
        assert!(window.update_is_due(Seq(1000), 2_920, 64_000, 1460));
        assert!(!ReceiveWindow { edge: Seq(66_436), shift: 0 }.update_is_due(
            Seq(1000),
            262_144,
            262_144,
            1460
        ));
        let open = ReceiveWindow { edge: Seq(31_000), shift: 0 };
        assert!(!open.update_is_due(Seq(1000), 61_999, 64_000, 1460));
        assert!(open.update_is_due(Seq(1000), 62_000, 64_000, 1460));
    }
}
