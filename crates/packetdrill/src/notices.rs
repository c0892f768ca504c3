//! What a socket tells apart from data, in its queue of errors: that bytes given to it may be used again (MSG_ZEROCOPY), and when
//! they were sent and acknowledged (SO_TIMESTAMPING).

use basis::Instant;
use std::collections::VecDeque;

/// Bits of SO_TIMESTAMPING: when bytes go to the device, when they have left, when they are acknowledged; count them; tell.
const LEFT: u32 = 1 << 1;
const TELL: u32 = 1 << 4;
const COUNT: u32 = 1 << 7;
const SCHEDULED: u32 = 1 << 8;
const ACKNOWLEDGED: u32 = 1 << 9;
/// Notices of one socket that nobody fetched, beyond which none is added.
const MOST: usize = 4096;

/// A notice, with the numbers that `sock_extended_err` has for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Notice {
    /// The writes from `first` to `last` are done. They were copied.
    Done { first: u32, last: u32 },
    /// The byte `key` has come so far at this time.
    Stamp { stage: u32, key: u32, at: Instant },
}

/// The queue, and what will be told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notices {
    waiting: VecDeque<Notice>,
    /// Notices so far.
    pub(crate) count: u64,
    /// SO_TIMESTAMPING.
    pub(crate) stamps: u32,
    /// Bytes written before they were counted.
    base: u64,
    /// Writes without copies so far.
    writes: u32,
    /// Where each of them ends, in bytes written, and its number.
    copies: VecDeque<(u64, u32)>,
    /// Where each write ends that is to be stamped, and whether it has left.
    stamped: VecDeque<(u64, bool)>,
}

impl Notices {
    /// SO_TIMESTAMPING is set to `flags` after `written` bytes.
    pub(crate) fn set_stamps(&mut self, flags: u32, written: u64) {
        if flags & COUNT != 0 && self.stamps & COUNT == 0 {
            self.base = written;
        }
        self.stamps = flags;
    }

    /// A write has ended with the byte before `end`; `without_copy` as it was asked for.
    pub(crate) fn wrote(&mut self, end: u64, without_copy: bool) {
        if without_copy && self.copies.len() < MOST {
            self.copies.push_back((end, self.writes));
            self.writes = self.writes.wrapping_add(1);
        }
        if self.stamps & (SCHEDULED | LEFT | ACKNOWLEDGED) != 0 && self.stamped.len() < MOST {
            self.stamped.push_back((end, false));
        }
    }

    /// `sent` bytes have left for the first time by now, and `acknowledged` were acknowledged.
    pub(crate) fn note(&mut self, sent: u64, acknowledged: u64, now: Instant) {
        while let Some((_, number)) = self.copies.pop_front_if(|(end, _)| *end <= acknowledged) {
            match self.waiting.back_mut() {
                // Neighbours are told as one.
                Some(Notice::Done { last, .. }) if last.wrapping_add(1) == number => {
                    *last = number;
                    self.count += 1;
                }
                _ => self.push(Notice::Done { first: number, last: number }),
            }
        }
        for at in 0..self.stamped.len() {
            let (end, left) = self.stamped[at];
            if !left && end <= sent {
                self.stamped[at].1 = true;
                self.stamp(SCHEDULED, 1, end, now);
                self.stamp(LEFT, 0, end, now);
            }
        }
        while let Some((end, _)) = self.stamped.pop_front_if(|(end, left)| *left && *end <= acknowledged) {
            self.stamp(ACKNOWLEDGED, 2, end, now);
        }
    }

    fn stamp(&mut self, asked: u32, stage: u32, end: u64, at: Instant) {
        if self.stamps & asked != 0 && self.stamps & TELL != 0 {
            let key = if self.stamps & COUNT != 0 { (end - 1 - self.base) as u32 } else { 0 };
            self.push(Notice::Stamp { stage, key, at });
        }
    }

    fn push(&mut self, notice: Notice) {
        if self.waiting.len() < MOST {
            self.waiting.push_back(notice);
            self.count += 1;
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) fn take(&mut self) -> Option<Notice> {
        self.waiting.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_without_copies_are_done_when_they_are_acknowledged_and_neighbours_are_one() {
        let mut notices = Notices::default();
        notices.wrote(100, true);
        notices.wrote(150, false);
        notices.wrote(200, true);
        notices.note(200, 99, Instant::ZERO);
        assert!(notices.is_empty());
        notices.note(200, 100, Instant::ZERO);
        notices.note(200, 200, Instant::ZERO);
        assert_eq!(notices.take(), Some(Notice::Done { first: 0, last: 1 }));
        assert_eq!((notices.take(), notices.count), (None, 2));
    }

    #[test]
    fn no_more_notices_wait_than_may_be_and_no_more_writes_are_remembered() {
        let mut notices = Notices::default();
        notices.set_stamps(SCHEDULED | TELL | COUNT, 0);
        for end in 1..=MOST as u64 + 1 {
            notices.wrote(end, true);
        }
        assert_eq!((notices.copies.len(), notices.stamped.len()), (MOST, MOST));
        notices.note(MOST as u64 + 1, 0, Instant::ZERO);
        assert_eq!(notices.waiting.len(), MOST);
        notices.note(MOST as u64 + 1, MOST as u64 + 1, Instant::ZERO);
        assert_eq!(notices.waiting.len(), MOST, "what is done finds no room either");
        assert!(notices.take().is_some());
        notices.push(Notice::Done { first: 7, last: 7 });
        notices.push(Notice::Done { first: 9, last: 9 });
        assert_eq!(notices.waiting.back(), Some(&Notice::Done { first: 7, last: 7 }));
    }

    #[test]
    fn the_last_byte_of_a_write_is_stamped_when_it_leaves_and_when_it_is_acknowledged() {
        let mut notices = Notices::default();
        notices.set_stamps(SCHEDULED | ACKNOWLEDGED | TELL | COUNT, 1_000);
        notices.wrote(3_000, false);
        let at = Instant::from_millis;
        notices.note(2_999, 1_000, at(1));
        notices.note(3_000, 1_000, at(2));
        notices.note(3_000, 3_000, at(3));
        assert_eq!(notices.take(), Some(Notice::Stamp { stage: 1, key: 1_999, at: at(2) }));
        assert_eq!(notices.take(), Some(Notice::Stamp { stage: 2, key: 1_999, at: at(3) }));
        assert!(notices.is_empty());
    }
}
