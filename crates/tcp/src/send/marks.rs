//! What the application says about its writes: that more follows (MSG_MORE), or that a record ends (MSG_EOR).

use alloc::boxed::Box;
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
    /// One past the last number of each record, oldest first; nothing for who marks none, at the price of one pointer.
    #[allow(
        clippy::box_collection,
        reason = "a quarter of the size in every connection that marks no records"
    )]
    records: Option<Box<VecDeque<Seq>>>,
}

impl Marks {
    /// Bytes up to `end` were written; `oldest` is the first that is not acknowledged.
    #[inline]
    pub(crate) fn on_write(&mut self, marks: WriteMarks, oldest: Seq, end: Seq) {
        self.hold = if marks.more { Hold::More } else { Hold::Usual };
        self.unfinished = marks.more;
        if marks.end_of_record || self.records.is_some() {
            self.note_record(marks, oldest, end);
        }
    }

    #[cold]
    fn note_record(&mut self, marks: WriteMarks, oldest: Seq, end: Seq) {
        let records = self.records.get_or_insert_default();
        while records.front().is_some_and(|first| first.at_or_before(oldest)) {
            records.pop_front();
        }
        if marks.end_of_record && records.len() < MAX_RECORDS {
            records.push_back(end);
        }
        if records.is_empty() {
            self.records = None;
        }
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

    /// How many of the `length` bytes from `from` on belong to one record, and whether it ends with them.
    #[inline]
    pub(crate) fn record(&self, from: Seq, length: u32) -> (u32, bool) {
        match &self.records {
            None => (length, false),
            Some(records) => within(records, from, length),
        }
    }
}

#[cold]
fn within(records: &VecDeque<Seq>, from: Seq, length: u32) -> (u32, bool) {
    let next = records.partition_point(|end| end.at_or_before(from));
    match records.get(next) {
        Some(end) if end.since(from) <= length => (end.since(from), true),
        _ => (length, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: WriteMarks = WriteMarks { more: false, end_of_record: true };
    const MORE: WriteMarks = WriteMarks { more: true, end_of_record: false };

    #[test]
    fn records_are_kept_apart_and_forgotten_when_acknowledged() {
        let mut marks = Marks::default();
        assert_eq!(marks.record(Seq(0), 100), (100, false));
        marks.on_write(END, Seq(0), Seq(10));
        marks.on_write(END, Seq(0), Seq(30));
        marks.on_write(WriteMarks::default(), Seq(0), Seq(90));
        let found = [0, 5, 10, 30].map(|from| marks.record(Seq(from), 60));
        assert_eq!(found, [(10, true), (5, true), (20, true), (60, false)]);
        assert_eq!(marks.record(Seq(10), 19), (19, false));
        marks.on_write(WriteMarks::default(), Seq(30), Seq(91));
        assert!(marks.records.is_none());
    }

    #[test]
    fn no_more_ends_are_kept_than_may_be() {
        let mut marks = Marks::default();
        for end in 1..=MAX_RECORDS as u32 + 5 {
            marks.on_write(END, Seq(0), Seq(end));
        }
        assert_eq!(marks.records.as_ref().map(|records| records.len()), Some(MAX_RECORDS));
    }

    #[test]
    fn what_is_held_is_released_by_an_acknowledgment_or_by_hand_until_the_next_write() {
        let mut marks = Marks::default();
        assert!(marks.holds(true) && !marks.holds(false));
        marks.on_write(MORE, Seq(0), Seq(1));
        assert!(marks.holds(false) && marks.unfinished());
        marks.on_acknowledgment();
        assert!(!marks.holds(false) && marks.unfinished());
        marks.on_write(WriteMarks::default(), Seq(0), Seq(2));
        marks.on_acknowledgment();
        assert!(marks.holds(true));
        marks.release();
        assert!(!marks.holds(true));
    }
}
