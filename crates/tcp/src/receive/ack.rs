//! When to acknowledge: at once, or with the next segment, or a little later (RFC 9293 3.8.6.3, RFC 5681 4.2).

use crate::timers::{Timer, Timers};
use basis::Instant;
use core::time::Duration;

/// The longest wait for company. RFC 9293 MUST-40 allows less than 500 ms.
const DELAY: Duration = Duration::from_millis(40);
/// Acknowledgments that are not delayed at a connection's beginning, while the peer's window is small.
const QUICK: u8 = 16;

/// What the receiver owes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AckState {
    /// Bytes received since the last acknowledgment, as far as they count.
    pending: u16,
    /// Acknowledgments that must go out one by one: the peer counts them (RFC 5681 4.2).
    duplicates: u8,
    /// An acknowledgment is due now.
    due: bool,
    quick: u8,
    /// What came last was pushed: its sender may wait for the acknowledgment.
    pushed: bool,
    /// The application answers what it reads, so that acknowledgments travel with its data.
    answers: bool,
    /// When data last came, in milliseconds; 0 for never.
    last_data: u32,
}

impl AckState {
    pub(crate) const fn new() -> AckState {
        AckState {
            pending: 0,
            duplicates: 0,
            due: false,
            quick: QUICK,
            pushed: false,
            answers: false,
            last_data: 0,
        }
    }

    /// `count` bytes arrived in order; a full segment is `segment_size`.
    #[inline]
    pub(crate) fn on_in_order(&mut self, count: u32, segment_size: u32, timers: &mut Timers, now: Instant) {
        self.pending = self.pending.saturating_add(count.min(u16::MAX.into()) as u16);
        self.last_data = milliseconds(now);
        // MUST-41 and SHOULD-19: at least every second full-sized segment.
        if self.quick > 0 || u32::from(self.pending) >= 2 * segment_size {
            self.due = true;
        } else if !timers.is_armed(Timer::DelayedAck) {
            timers.arm(Timer::DelayedAck, now + DELAY);
        }
    }

    /// Whether the segment with this data was pushed.
    #[inline]
    pub(crate) fn note_push(&mut self, pushed: bool) {
        self.pushed = pushed;
    }

    /// The application has read everything. If its peer waits for no answer, it may wait for the acknowledgment: a lone segment in
    /// flight, or an odd one at the end of a burst, would be held up for the whole delay.
    #[inline]
    pub(crate) fn on_all_read(&mut self) {
        self.due |= self.pushed && self.pending > 0 && !self.answers;
    }

    /// The delay is over, and the application has not answered.
    pub(crate) fn on_delay_over(&mut self) {
        (self.due, self.answers) = (true, false);
    }

    /// A segment came before its turn.
    pub(crate) fn on_out_of_order(&mut self) {
        self.duplicates = self.duplicates.saturating_add(1);
    }

    /// An acknowledgment must go out without data, which leaves no room for what it tells.
    pub(crate) fn report(&mut self) {
        self.duplicates = self.duplicates.max(1);
    }

    /// Something must be acknowledged now.
    #[inline]
    pub(crate) fn now(&mut self) {
        self.due = true;
    }

    /// A gap was filled: that is acknowledged at once (RFC 5681 4.2), and so is each of the next segments. The peer's window has just
    /// become small: an odd segment that waits for company would be a good part of it.
    pub(crate) fn on_gap_filled(&mut self) {
        self.due = true;
        (self.quick, self.answers) = (QUICK, false);
    }

    /// What was due can wait for the next segment.
    #[cold]
    pub(crate) fn not_now(&mut self) {
        self.due = false;
    }

    /// The next acknowledgments are not delayed, if `on`; else they are (TCP_QUICKACK).
    pub(crate) fn set_quick(&mut self, on: bool) {
        (self.quick, self.answers) = if on { (QUICK, false) } else { (0, true) };
        self.due |= on && self.pending > 0;
    }

    /// When data last came in order, in milliseconds that come round.
    pub(super) fn last_data(&self) -> Option<u32> {
        (self.last_data != 0).then_some(self.last_data)
    }

    /// Whether acknowledgments are not delayed.
    pub(crate) fn is_quick(&self) -> bool {
        self.quick > 0
    }

    /// Whether a segment without data must go out.
    #[inline]
    pub(crate) fn is_due(&self) -> bool {
        self.due || self.duplicates > 0
    }

    pub(crate) fn duplicates_due(&self) -> bool {
        self.duplicates > 0
    }

    /// A segment with an acknowledgment leaves; `with_data` if it carries data as well.
    #[inline]
    pub(crate) fn on_sent(&mut self, with_data: bool, timers: &mut Timers, now: Instant) {
        if !with_data {
            self.quick = self.quick.saturating_sub(1);
            self.duplicates = self.duplicates.saturating_sub(1);
        } else if self.quick > 0 || !self.answers {
            // The application answers what has just come: its data will carry acknowledgments.
            let since = milliseconds(now).wrapping_sub(self.last_data);
            // Before any data came, only the handshake can be acknowledged.
            let answers_handshake = self.last_data == 0 && self.due;
            if answers_handshake || self.last_data != 0 && since < DELAY.as_millis() as u32 {
                (self.quick, self.answers) = (0, true);
            }
        }
        (self.pending, self.due) = (0, false);
        timers.stop(Timer::DelayedAck);
    }
}

fn milliseconds(now: Instant) -> u32 {
    (now.as_millis() as u32).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_speaks_first_is_acknowledged_quickly_and_who_answers_is_not() {
        let (mut ack, mut timers) = (AckState::new(), Timers::new());
        let at = Instant::from_millis;
        ack.on_sent(true, &mut timers, at(1));
        assert!(ack.is_quick());
        ack.on_in_order(10, 1000, &mut timers, at(100));
        assert!(ack.is_due());
        ack.on_sent(true, &mut timers, at(150));
        assert!(ack.is_quick(), "that was no answer");
        ack.on_in_order(10, 1000, &mut timers, at(200));
        ack.on_sent(true, &mut timers, at(210));
        ack.on_in_order(10, 1000, &mut timers, at(300));
        assert!(!ack.is_quick() && !ack.is_due());
        ack.set_quick(true);
        assert!(ack.is_due());
    }

    #[test]
    fn every_second_full_segment_is_acknowledged_and_a_lone_one_later() {
        let (mut ack, mut timers) = (AckState::new(), Timers::new());
        ack.set_quick(false);
        ack.on_in_order(1000, 1000, &mut timers, Instant::ZERO);
        assert!(!ack.is_due());
        assert_eq!(timers.next(), Instant::from_millis(40));
        ack.on_in_order(1000, 1000, &mut timers, Instant::ZERO);
        assert!(ack.is_due());
        ack.on_sent(false, &mut timers, Instant::ZERO);
        assert!(!ack.is_due() && !timers.is_armed(Timer::DelayedAck));
    }

    #[test]
    fn what_was_pushed_is_acknowledged_when_it_is_read_until_the_application_answers() {
        let (mut ack, mut timers) = (AckState::new(), Timers::new());
        let at = Instant::from_millis;
        let mut read = |ack: &mut AckState, pushed, now| {
            ack.on_in_order(10, 1000, &mut timers, at(now));
            ack.note_push(pushed);
            ack.on_all_read();
            let due = ack.is_due();
            ack.on_sent(false, &mut timers, at(now));
            due
        };
        for n in 0..u64::from(QUICK) {
            assert!(read(&mut ack, false, n));
        }
        assert!(!ack.is_quick());
        assert_eq!([true, false, true].map(|pushed| read(&mut ack, pushed, 100)), [true, false, true]);
        ack.on_sent(true, &mut Timers::new(), at(110));
        assert!(!read(&mut ack, true, 200), "its data will carry it");
        ack.on_delay_over();
        ack.on_sent(false, &mut Timers::new(), at(240));
        assert!(read(&mut ack, true, 300), "it did not");
    }

    #[test]
    fn each_early_segment_is_answered_by_one_acknowledgment() {
        let (mut ack, mut timers) = (AckState::new(), Timers::new());
        for _ in 0..3 {
            ack.on_out_of_order();
        }
        let mut sent = 0;
        while ack.is_due() {
            ack.on_sent(false, &mut timers, Instant::ZERO);
            sent += 1;
        }
        assert_eq!(sent, 3);
    }
}
