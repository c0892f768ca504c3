//! What the application says about its writes: that more follows (MSG_MORE), or that a record ends (MSG_EOR); and what was pushed.

use alloc::collections::VecDeque;
use wire::tcp::Seq;

/// Ends of records that are kept apart; the records behind them flow together.
pub(crate) const MAX_RECORDS: usize = 1024;

/// How a write wants its bytes to be sent.
///
/// ```
/// use netstrata_tcp::WriteMarks;
/// let head = WriteMarks { more: true, ..WriteMarks::default() };
/// assert!(!head.end_of_record);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct WriteMarks {
    /// More follows at once: an unfilled segment is held back for it, until the next write without this mark or the next
    /// acknowledgment, but no longer than a retransmission time-out (MSG_MORE).
    pub more: bool,
    /// A record ends here: its last byte and the next record's first are never in one segment, also when they are sent again
    /// (MSG_EOR).
    pub end_of_record: bool,
}

/// Whether unfilled segments are held back.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Hold {
    /// As the options say.
    #[default]
    Usual,
    /// The last write said that more follows.
    More,
    /// Something has released what was held, whatever the options say.
    Released,
}

/// What the sender remembers of marks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Marks {
    hold: Hold,
    /// The last write said that more follows: its end is no end to be pushed.
    unfinished: bool,
}

impl Marks {
    /// Nothing was said yet.
    pub(super) const NONE: Marks = Marks { hold: Hold::Usual, unfinished: false };

    /// Something was written.
    #[inline]
    pub(crate) fn on_write(&mut self, more: bool) {
        self.hold = if more { Hold::More } else { Hold::Usual };
        self.unfinished = more;
    }

    /// An acknowledgment has come: what waits may fill no segment for a while.
    #[inline]
    pub(crate) fn on_acknowledgment(&mut self) {
        if self.hold == Hold::More {
            self.hold = Hold::Released;
        }
    }

    /// The application wants what waits to leave.
    pub(crate) fn release(&mut self) {
        self.hold = Hold::Released;
    }

    /// What was to follow has not come in time: the end is the end.
    pub(crate) fn finish(&mut self) {
        self.unfinished = false;
    }

    /// Whether unfilled segments are held back on a socket that is or is not corked.
    #[inline]
    pub(crate) fn holds(&self, cork: bool) -> bool {
        match self.hold {
            Hold::Usual => cork,
            Hold::More => true,
            Hold::Released => false,
        }
    }

    /// Whether the last write said that more follows.
    #[inline]
    pub(crate) fn unfinished(&self) -> bool {
        self.unfinished
    }
}

/// One past the last number of each record, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Records(VecDeque<Seq>);

impl Records {
    /// Bytes up to `end` were written, and perhaps a record `ends` there; `oldest` is the first that is not acknowledged.
    pub(super) fn note(&mut self, ends: bool, oldest: Seq, end: Seq) {
        while self.0.front().is_some_and(|first| first.at_or_before(oldest)) {
            self.0.pop_front();
        }
        if ends && self.0.len() < MAX_RECORDS {
            self.0.push_back(end);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many of the `length` bytes from `from` on belong to one record, and whether it ends with them.
    #[cold]
    #[inline(never)]
    pub(super) fn within(&self, from: Seq, length: u32) -> (u32, bool) {
        let next = self.0.partition_point(|end| end.at_or_before(from));
        match self.0.get(next) {
            Some(end) if end.since(from) <= length => (end.since(from), true),
            _ => (length, false),
        }
    }
}

/// Where segments end that were sent with PSH and are not acknowledged.
#[derive(Clone, Debug, Default)]
pub(super) struct Pushes {
    /// The last of them, or where what was sent first begins.
    latest: Option<Seq>,
    /// Those before it that were under way when it left, as many as records are kept apart.
    earlier: Records,
}

impl Pushes {
    /// Another connection begins.
    #[inline]
    pub(super) fn clear(&mut self) {
        self.latest = None;
        if !self.earlier.is_empty() {
            self.earlier = Records::default();
        }
    }

    /// Where what was pushed last ends; what is sent now begins at `sequence`.
    #[inline]
    pub(super) fn begin(&mut self, sequence: Seq) -> Seq {
        *self.latest.get_or_insert(sequence)
    }

    /// A segment with PSH leaves that ends at `end`; `oldest` is SND.UNA.
    #[inline]
    pub(super) fn note(&mut self, oldest: Seq, end: Seq) {
        if let Some(before) = self.latest.replace(end)
            && before.after(oldest)
        {
            self.note_earlier(oldest, before);
        }
    }

    #[cold]
    #[inline(never)]
    fn note_earlier(&mut self, oldest: Seq, end: Seq) {
        self.earlier.note(true, oldest, end);
    }

    /// Whether a segment with PSH ended behind `left` and not behind `right`; nothing behind SND.UNA is asked for.
    pub(super) fn within(&self, left: Seq, right: Seq) -> bool {
        self.latest.is_some_and(|end| end.after(left) && end.at_or_before(right))
            || self.earlier.within(left, right.since(left)).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_kept_apart_and_forgotten_when_acknowledged() {
        let mut records = Records::default();
        assert_eq!(records.within(Seq(0), 100), (100, false));
        records.note(true, Seq(0), Seq(10));
        records.note(true, Seq(0), Seq(30));
        records.note(false, Seq(0), Seq(90));
        let found = [0, 5, 10, 30].map(|from| records.within(Seq(from), 60));
        assert_eq!(found, [(10, true), (5, true), (20, true), (60, false)]);
        assert_eq!(records.within(Seq(10), 19), (19, false));
        records.note(false, Seq(30), Seq(91));
        assert!(records.is_empty());
    }

    #[test]
    fn no_more_ends_are_kept_than_may_be() {
        let mut records = Records::default();
        for end in 1..=MAX_RECORDS as u32 + 5 {
            records.note(true, Seq(0), Seq(end));
        }
        assert_eq!(records.0.len(), MAX_RECORDS);
    }

    #[test]
    fn what_is_held_is_released_by_an_acknowledgment_or_by_hand_until_the_next_write() {
        let mut marks = Marks::default();
        assert!(marks.holds(true) && !marks.holds(false));
        marks.on_write(true);
        assert!(marks.holds(false) && marks.unfinished());
        marks.on_acknowledgment();
        assert!(!marks.holds(false) && marks.unfinished());
        marks.on_write(false);
        marks.on_acknowledgment();
        assert!(marks.holds(true));
        marks.release();
        assert!(!marks.holds(true));
    }

    #[test]
    fn what_was_pushed_is_known_until_it_is_acknowledged() {
        let mut pushes = Pushes::default();
        pushes.note(Seq(0), Seq(10));
        pushes.note(Seq(0), Seq(30));
        pushes.note(Seq(0), Seq(40));
        let within = |pushes: &Pushes, segments: [(u32, u32); 5]| {
            segments.map(|(left, right)| pushes.within(Seq(left), Seq(right)))
        };
        assert_eq!(
            within(&pushes, [(0, 9), (0, 10), (10, 20), (20, 30), (30, 40)]),
            [false, true, false, true, true]
        );
        pushes.note(Seq(30), Seq(50));
        assert_eq!(
            within(&pushes, [(30, 39), (30, 40), (40, 49), (40, 50), (50, 60)]),
            [false, true, false, true, false]
        );
    }
}
