//! What was sent again for nothing: told by duplicate selective acknowledgments (RFC 2883, RFC 3708), by timestamps (RFC 3522)
//! and after a time-out by acknowledgments of what was not sent again (F-RTO, RFC 5682). What was done to the windows is undone.

use super::delivered::Delivered;
use basis::Instant;
use wire::tcp::Seq;

/// What must be known to see that a repair was for nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Undo {
    /// SND.UNA when it began.
    from: Seq,
    /// When something was sent again for the first time, by its timestamp.
    first: Option<Instant>,
    /// Bytes sent again of which the peer has not said that it had them before.
    unaccounted: u32,
    /// Something sent again was really missing.
    needed: bool,
    /// The repair is over; the peer's word counts until this is acknowledged.
    until: Option<Seq>,
    /// A time-out began the repair, or came in it.
    timed_out: bool,
}

impl Undo {
    pub(super) fn new(oldest: Seq) -> Undo {
        Undo { from: oldest, first: None, unaccounted: 0, needed: false, until: None, timed_out: false }
    }

    /// The retransmission timer expired.
    pub(super) fn on_timeout(&mut self) {
        self.timed_out = true;
    }

    /// Whether it did.
    pub(super) fn has_timed_out(&self) -> bool {
        self.timed_out
    }

    /// Something was sent again with the timestamp `stamp`.
    pub(super) fn on_repeated(&mut self, bytes: u32, stamp: Instant) {
        self.first.get_or_insert(stamp);
        self.unaccounted = self.unaccounted.saturating_add(bytes);
    }

    /// The repair is over; what is sent next ends behind `next`.
    pub(super) fn on_recovered(&mut self, next: Seq) {
        self.until = Some(next + 1);
    }

    pub(super) fn is_outdated(&self, oldest: Seq) -> bool {
        self.until.is_some_and(|until| oldest.at_or_after(until))
    }

    /// The peer got the numbers from `left` to `right` twice. Returns whether all that was sent again was sent for nothing.
    pub(super) fn on_duplicate(&mut self, left: Seq, right: Seq) -> bool {
        if self.unaccounted == 0 || left.before(self.from) {
            return false;
        }
        self.unaccounted = self.unaccounted.saturating_sub(right.since(left));
        self.unaccounted == 0
    }

    /// New data was acknowledged. Returns whether an older transmission than any of those sent again caused it.
    pub(super) fn on_progress(&mut self, delivered: &Delivered) -> bool {
        let Some(first) = self.first else { return false };
        match delivered.echoes_before(first) {
            Some(true) => !self.needed,
            Some(false) => {
                self.needed = true;
                false
            }
            None => false,
        }
    }
}

/// F-RTO: after a time-out, new data is sent before the rest is sent again (RFC 5682 2.1 and 3.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Forward {
    /// It has ended, or did not apply.
    Off,
    /// Step 2: the oldest segment was sent again.
    First,
    /// Step 3: new data may go; the next acknowledgment decides.
    Second,
}

/// What F-RTO makes of an acknowledgment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Sign {
    /// It acknowledges new data cumulatively.
    pub(super) progress: bool,
    /// It tells of a segment that arrived, but acknowledges nothing cumulatively.
    pub(super) duplicate: bool,
    /// It reports data for the first time that was sent before the time-out and not since.
    pub(super) original: bool,
    /// New data can be sent.
    pub(super) new_data: bool,
    /// Selective acknowledgments are in use.
    pub(super) selective: bool,
}

impl Forward {
    /// An acknowledgment came that does not end the repair. Returns whether the time-out came too early.
    pub(super) fn on_acknowledged(&mut self, sign: Sign) -> bool {
        match self {
            Forward::Off => false,
            _ if !sign.progress && !sign.duplicate => false,
            // RFC 5682 3.1: the peer reports what can only come from before the time-out.
            Forward::First if sign.selective && sign.original && !sign.progress => true,
            Forward::First => {
                *self = if sign.progress && sign.new_data { Forward::Second } else { Forward::Off };
                false
            }
            Forward::Second => {
                let spurious = if sign.selective { sign.original } else { sign.progress };
                *self = Forward::Off;
                spurious
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    const QUIET: Sign =
        Sign { progress: false, duplicate: false, original: false, new_data: true, selective: false };

    #[test]
    fn two_acknowledgments_of_new_data_in_a_row_prove_a_time_out_wrong() {
        let progress = Sign { progress: true, ..QUIET };
        let mut forward = Forward::First;
        assert!(!forward.on_acknowledged(progress));
        assert_eq!(forward, Forward::Second);
        assert!(forward.on_acknowledged(progress));
        let mut forward = Forward::First;
        assert!(!forward.on_acknowledged(progress));
        assert!(!forward.on_acknowledged(Sign { duplicate: true, ..QUIET }));
        assert_eq!(forward, Forward::Off);
        let mut forward = Forward::First;
        assert!(!forward.on_acknowledged(Sign { new_data: false, ..progress }));
        assert_eq!(forward, Forward::Off);
    }

    #[test]
    fn only_when_all_repetitions_are_accounted_for_were_they_for_nothing() {
        let mut undo = Undo::new(Seq(1_000));
        assert!(!undo.on_duplicate(Seq(1_000), Seq(2_000)), "nothing was sent again yet");
        undo.on_repeated(2_000, Instant::from_millis(5));
        assert!(!undo.on_duplicate(Seq(0), Seq(1_000)), "that was before");
        assert!(!undo.on_duplicate(Seq(1_000), Seq(2_000)));
        assert!(undo.on_duplicate(Seq(2_000), Seq(3_000)));
        assert!(!undo.on_duplicate(Seq(2_000), Seq(3_000)), "once");
    }

    #[test]
    fn an_echo_of_a_repetition_proves_that_it_was_needed() {
        let (now, since) = (Instant::from_millis(100), |ms| Some(Duration::from_millis(ms)));
        let delivered = |ms| Delivered::new(now, since(ms), 0, Duration::ZERO);
        let mut undo = Undo::new(Seq(0));
        undo.on_repeated(1, Instant::from_millis(50));
        assert!(undo.on_progress(&delivered(51)));
        assert!(!undo.on_progress(&delivered(50)), "the same millisecond proves nothing");
        assert!(!undo.on_progress(&delivered(60)), "one was needed");
    }
}
