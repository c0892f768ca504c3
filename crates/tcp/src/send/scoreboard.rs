//! The scoreboard: what became of each number under way (RFC 2018, RFC 6675 4), and when it was last sent (RFC 8985 5.2).

use super::delivered::Delivered;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use basis::Instant;
use wire::tcp::Seq;

/// Stretches at once, of 16 bytes each. Beyond it what is sent counts as one stretch with what was sent before it, and a
/// selective acknowledgment that would need another one is not believed: both cost a repetition at worst.
pub(crate) const MAX_STRETCHES: usize = 8192;

/// What is known of numbers that were sent and not acknowledged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    UnderWay,
    /// The peer has told that it has them.
    Selected,
    /// They have left the network without arriving, and are to be sent again.
    Lost,
}

/// Neighbouring numbers of the same fate, sent at the same time. It begins where the one before it ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub(super) end: Seq,
    pub(super) fate: Fate,
    /// It was sent more than once.
    pub(super) repeated: bool,
    /// When it was sent last. RACK: xmit_ts.
    pub(super) sent_at: Instant,
}

/// Numbers that were found to be lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stray {
    pub(super) bytes: u32,
    /// When they had been sent, and one past the last of them.
    pub(super) sent_at: Instant,
    pub(super) end: Seq,
}

/// All numbers from SND.UNA to SND.NXT, in stretches. The methods get SND.UNA as `oldest`, since the sender keeps it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scoreboard {
    pub(super) stretches: VecDeque<Stretch>,
    selected: u32,
    pub(super) lost: u32,
    /// What was found to be lost since it was last asked for, if anybody asks: a loss for each stretch at most.
    pub(super) losses: Option<Vec<Stray>>,
}

impl Scoreboard {
    /// Numbers that the peer has though it has not all before them.
    pub(super) fn selected(&self) -> u32 {
        self.selected
    }

    /// Numbers that are lost and not sent again yet.
    pub(super) fn lost(&self) -> u32 {
        self.lost
    }

    /// Numbers that were sent again and are under way. It walks all stretches: for reports only.
    pub(super) fn repeated(&self, oldest: Seq) -> u32 {
        let again = |at: &usize| self.stretches[*at].repeated && self.stretches[*at].fate == Fate::UnderWay;
        (0..self.stretches.len()).filter(again).map(|at| self.length(oldest, at)).sum()
    }

    #[inline]
    pub(super) fn clear(&mut self) {
        self.stretches.clear();
        if self.stretches.capacity() > 64 {
            self.stretches = VecDeque::new();
        }
        (self.selected, self.lost) = (0, 0);
        if self.losses.is_some() {
            self.losses = None;
        }
    }

    /// New numbers up to `end` were sent. Stretches begin where segments do: what was sent with a short one before it does not `join` it.
    #[inline]
    pub(super) fn sent(&mut self, end: Seq, joins: bool, now: Instant) {
        let full = self.stretches.len() >= MAX_STRETCHES;
        match self.stretches.back_mut() {
            Some(last)
                if last.fate == Fate::UnderWay
                    && !last.repeated
                    && (joins && last.sent_at == now || full) =>
            {
                (last.end, last.sent_at) = (end, now);
            }
            _ if full => self.extend_last(end, now),
            _ => {
                self.stretches.push_back(Stretch {
                    end,
                    fate: Fate::UnderWay,
                    repeated: false,
                    sent_at: now,
                });
            }
        }
    }

    /// There is no room for another stretch: the last one's marks are forgotten for the sake of what follows it.
    #[cold]
    fn extend_last(&mut self, end: Seq, now: Instant) {
        let last = self.stretches.len() - 1;
        let length = self.stretches[last].end.since(self.stretches[last - 1].end);
        self.unmark(last, length);
        let last = &mut self.stretches[last];
        (last.end, last.fate, last.repeated, last.sent_at) = (end, Fate::UnderWay, true, now);
    }

    /// All before `upto` was acknowledged, and nothing is marked.
    #[inline]
    pub(super) fn acknowledge_unmarked(&mut self, upto: Seq) {
        while self.stretches.front().is_some_and(|first| first.end.at_or_before(upto)) {
            self.stretches.pop_front();
        }
    }

    /// When the number before `end` was sent, unless it was sent again (Karn).
    pub(super) fn sent_once_at(&self, end: Seq) -> Option<Instant> {
        let stretch = self.stretches.get(self.index_of(end - 1))?;
        (!stretch.repeated).then_some(stretch.sent_at)
    }

    /// All before `upto` was acknowledged.
    pub(super) fn acknowledge(&mut self, oldest: Seq, upto: Seq, delivered: &mut Delivered) {
        let mut left = oldest;
        while let Some(&first) = self.stretches.front()
            && left.before(upto)
        {
            let end = first.end.min(upto);
            self.unmark(0, end.since(left));
            if first.fate != Fate::Selected {
                delivered.note(left, end, first.sent_at, first.repeated, false);
            }
            left = end;
            if first.end.after(upto) {
                break;
            }
            self.stretches.pop_front();
        }
    }

    /// The peer has told that it has the numbers from `left` to `right`, which were sent.
    pub(super) fn select(&mut self, oldest: Seq, left: Seq, right: Seq, delivered: &mut Delivered) {
        let left = left.max(oldest);
        let at = self.index_of(left);
        let known = self
            .stretches
            .get(at)
            .is_none_or(|stretch| stretch.fate == Fate::Selected && stretch.end.at_or_after(right));
        if known || left.at_or_after(right) {
            return;
        }
        let Some(from) = self.split(oldest, left) else { return };
        let Some(to) = self.split(oldest, right) else { return };
        let mut begin = left;
        let mut sent_at = Instant::ZERO;
        for at in from..to {
            let stretch = self.stretches[at];
            let length = stretch.end.since(begin);
            if stretch.fate != Fate::Selected {
                delivered.note(begin, stretch.end, stretch.sent_at, stretch.repeated, true);
                self.unmark(at, length);
                self.selected += length;
            }
            sent_at = if stretch.sent_at > sent_at { stretch.sent_at } else { sent_at };
            begin = stretch.end;
        }
        if to > from {
            let kept = &mut self.stretches[to - 1];
            (kept.fate, kept.sent_at) = (Fate::Selected, sent_at);
            self.stretches.drain(from..to - 1);
            self.join(from + 1);
            self.join(from);
        }
    }

    /// Whether the numbers from `left` to `right` are only the later part of one segment: it has not arrived (RFC 8985 5.1 counts
    /// segments), and is sent again as one.
    pub(super) fn is_part(&self, oldest: Seq, left: Seq, right: Seq, segment_size: u32) -> bool {
        right.since(left) < segment_size
            && left.after(oldest)
            && !left.since(self.left(oldest, self.index_of(left))).is_multiple_of(segment_size)
    }

    /// Where the numbers begin that were sent last, all at once.
    pub(super) fn last_begins(&self, oldest: Seq) -> Seq {
        self.left(oldest, self.stretches.len().saturating_sub(1))
    }

    /// The numbers from `left` to `right` were sent again.
    pub(super) fn repeat(&mut self, oldest: Seq, left: Seq, right: Seq, now: Instant) {
        let from = self.split(oldest, left).unwrap_or_else(|| self.index_of(left));
        let to = self.split(oldest, right).unwrap_or_else(|| self.index_of(right - 1) + 1);
        for at in from..to.min(self.stretches.len()) {
            if self.stretches[at].fate != Fate::Selected {
                self.unmark(at, self.length(oldest, at));
                let stretch = &mut self.stretches[at];
                (stretch.fate, stretch.repeated, stretch.sent_at) = (Fate::UnderWay, true, now);
            }
        }
        for at in (from..=to).rev() {
            self.join(at);
        }
    }

    /// The peer may have thrown away what it told to have (RFC 2018 8). When it tells so again, that will say nothing of when
    /// it came: it counts as if it were sent again (Karn).
    pub(super) fn forget_selections(&mut self) {
        self.selected = 0;
        for stretch in &mut self.stretches {
            if stretch.fate == Fate::Selected {
                (stretch.fate, stretch.repeated) = (Fate::UnderWay, true);
            }
        }
    }

    /// Whether the peer has told to have the oldest number, which it does not acknowledge: it has thrown it away.
    pub(super) fn is_reneged(&self) -> bool {
        self.stretches.front().is_some_and(|first| first.fate == Fate::Selected)
    }

    /// Whether something was sent again and is still under way.
    pub(super) fn has_repeated(&self) -> bool {
        self.stretches.iter().any(|stretch| stretch.repeated && stretch.fate == Fate::UnderWay)
    }

    // ---- stretches ----

    /// The first stretch that ends behind `number`.
    pub(super) fn index_of(&self, number: Seq) -> usize {
        self.stretches.partition_point(|stretch| stretch.end.at_or_before(number))
    }

    pub(super) fn left(&self, oldest: Seq, at: usize) -> Seq {
        at.checked_sub(1).and_then(|before| self.stretches.get(before)).map_or(oldest, |before| before.end)
    }

    pub(super) fn length(&self, oldest: Seq, at: usize) -> u32 {
        self.stretches[at].end.since(self.left(oldest, at))
    }

    /// Sees to it that a stretch begins at `number`, and returns which. There may be no room for it.
    pub(super) fn split(&mut self, oldest: Seq, number: Seq) -> Option<usize> {
        let at = self.index_of(number);
        if at == self.stretches.len() || self.left(oldest, at) == number {
            return Some(at);
        }
        if self.stretches.len() >= MAX_STRETCHES {
            return None;
        }
        let stretch = self.stretches[at];
        self.stretches.insert(at, Stretch { end: number, ..stretch });
        Some(at + 1)
    }

    /// Counts `length` numbers of a stretch as under way.
    fn unmark(&mut self, at: usize, length: u32) {
        match self.stretches[at].fate {
            Fate::UnderWay => {}
            Fate::Selected => self.selected -= length,
            Fate::Lost => self.lost -= length,
        }
    }

    /// Whether two neighbours need not be told apart.
    fn alike(one: &Stretch, other: &Stretch) -> bool {
        one.fate == other.fate
            && match one.fate {
                Fate::Selected => true,
                Fate::Lost => one.repeated == other.repeated,
                Fate::UnderWay => one.repeated == other.repeated && one.sent_at == other.sent_at,
            }
    }

    /// Joins a stretch with the one before it, if they are alike.
    pub(super) fn join(&mut self, at: usize) {
        if at == 0 || at >= self.stretches.len() || !Self::alike(&self.stretches[at - 1], &self.stretches[at])
        {
            return;
        }
        if let Some(before) = self.stretches.remove(at - 1) {
            let joined = &mut self.stretches[at - 1];
            if joined.sent_at < before.sent_at {
                joined.sent_at = before.sent_at;
            }
        }
    }

    /// Joins all neighbours that are alike, in one pass.
    pub(super) fn compact(&mut self) {
        let mut kept = 0;
        for at in 1..self.stretches.len() {
            let stretch = self.stretches[at];
            let last = &mut self.stretches[kept];
            if Self::alike(last, &stretch) {
                last.end = stretch.end;
                if last.sent_at < stretch.sent_at {
                    last.sent_at = stretch.sent_at;
                }
            } else {
                kept += 1;
                self.stretches[kept] = stretch;
            }
        }
        self.stretches.truncate(kept + 1);
    }
}

#[cfg(test)]
mod tests;
