//! The window offered to the peer (RFC 9293 3.8.6).

use wire::tcp::Seq;

/// What was offered, and how it is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReceiveWindow {
    /// One past the last number that the peer was ever allowed to send. It never moves back (RFC 9293 3.8.6).
    furthest: Seq,
    /// How much of that is taken back for want of memory, in units of the header's field.
    withheld: u16,
    /// Rcv.Wind.Shift.
    pub(crate) shift: u8,
}

impl ReceiveWindow {
    /// A window up to `edge`.
    pub(crate) const fn new(edge: Seq, shift: u8) -> ReceiveWindow {
        ReceiveWindow { furthest: edge, withheld: 0, shift }
    }

    /// One past the last number that is taken in. It moves back only for want of memory.
    #[inline]
    pub(crate) fn edge(&self) -> Seq {
        self.furthest - (u32::from(self.withheld) << self.shift)
    }

    /// RCV.WND.
    #[inline]
    pub(crate) fn size(&self, next: Seq) -> u32 {
        let edge = self.edge();
        if edge.after(next) { edge.since(next) } else { 0 }
    }

    /// Numbers from `next` on that the peer may use, since they were offered once. Both sides could be short of memory: if each
    /// looked at nothing beyond what it offers now, neither would hear the other's acknowledgments, and both would wait for ever.
    #[inline]
    pub(crate) fn promised(&self, next: Seq) -> u32 {
        if self.furthest.after(next) { self.furthest.since(next) } else { 0 }
    }

    /// Offers `free` bytes from `next` on, rounded to what the header can say; returns the header's field.
    #[inline]
    pub(crate) fn offer(&mut self, next: Seq, free: u32) -> u16 {
        let unit = 1u32 << self.shift;
        let held = self.size(next);
        // Rounding must not take back what was offered (RFC 7323 2.4).
        let field = (free >> self.shift).max((held + (unit - 1)) >> self.shift).min(u16::MAX as u32);
        let edge = next + (field << self.shift);
        if edge.after(self.furthest) {
            (self.furthest, self.withheld) = (edge, 0);
        } else if self.withheld > 0 && edge.after(self.edge()) {
            self.withhold_beyond(edge);
        }
        field as u16
    }

    /// Takes back what was offered beyond `left` bytes from `next` on. Only for want of memory (RFC 9293 3.8.6 wants the peer to bear it).
    pub(crate) fn close(&mut self, next: Seq, left: u32) {
        let edge = next + left;
        if edge.before(self.edge()) {
            self.withhold_beyond(edge);
        }
    }

    /// Rounded so that the edge lies no further back than `edge`.
    fn withhold_beyond(&mut self, edge: Seq) {
        self.withheld = (self.furthest.since(edge) >> self.shift).min(u16::MAX as u32) as u16;
    }

    /// Whether the peer should be told of `free` bytes without waiting for a segment to carry it: half the buffer more, or
    /// two segments more when it can hardly send (the receiver's side of the silly-window rule, RFC 9293 3.8.6.2.2).
    #[inline]
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
            let mut window = ReceiveWindow::new(Seq(u32::MAX - 50), shift);
            let mut next = window.edge();
            for (received, free) in steps {
                next += received.min(window.size(next));
                let before = window.edge();
                let field = window.offer(next, free);
                prop_assert!(window.edge().at_or_after(before));
                prop_assert!(window.edge() == next + ((field as u32) << shift) || field == u16::MAX);
            }
        }
    }

    proptest! {
        /// Whatever is taken back and offered again: what was offered once stays promised, no more does, and an edge lies where it
        /// was wanted, or less than a unit beyond.
        #[test]
        fn what_was_offered_once_stays_promised(
            shift in 0..=14u8,
            steps in prop::collection::vec((0..3_000u32, 0..70_000u32, any::<bool>()), 1..100),
        ) {
            let mut window = ReceiveWindow::new(Seq(u32::MAX - 50), shift);
            let (mut next, mut furthest) = (window.edge(), window.edge());
            for (received, amount, close) in steps {
                next += received.min(window.size(next));
                if close {
                    let wanted = window.size(next).min(amount);
                    window.close(next, amount);
                    prop_assert!((wanted..wanted + (1 << shift)).contains(&window.size(next)));
                } else {
                    let field = window.offer(next, amount);
                    let told = u32::from(field) << shift;
                    prop_assert!(field == u16::MAX || (told..told + (1 << shift)).contains(&window.size(next)));
                    furthest = furthest.max(next + told);
                }
                prop_assert_eq!(next + window.promised(next), furthest);
            }
        }
    }

    #[test]
    fn an_update_waits_until_it_is_worth_a_segment() {
        let window = ReceiveWindow::new(Seq(1000), 0);
        assert!(!window.update_is_due(Seq(1000), 2_919, 64_000, 1460));
        assert!(window.update_is_due(Seq(1000), 2_920, 64_000, 1460));
        assert!(!ReceiveWindow::new(Seq(66_436), 0).update_is_due(Seq(1000), 262_144, 262_144, 1460));
        let open = ReceiveWindow::new(Seq(31_000), 0);
        assert!(!open.update_is_due(Seq(1000), 61_999, 64_000, 1460));
        assert!(open.update_is_due(Seq(1000), 62_000, 64_000, 1460));
    }
}
