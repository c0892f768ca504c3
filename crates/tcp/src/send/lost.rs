//! What of the scoreboard is taken for lost, and what of that is told on.

use super::scoreboard::{Fate, Scoreboard, Stray};
use alloc::vec::Vec;
use basis::Instant;
use core::time::Duration;
use wire::tcp::Seq;

impl Scoreboard {
    /// From now on, until all is cleared, somebody asks what is lost.
    pub(super) fn report_losses(&mut self) {
        self.losses.get_or_insert_default();
    }

    /// What was found to be lost since this was last asked.
    pub(super) fn take_losses(&mut self) -> Vec<Stray> {
        self.losses.as_mut().map(core::mem::take).unwrap_or_default()
    }

    /// Takes the numbers from `left` to `right` for lost, as far as the peer has not told that it has them.
    pub(super) fn lose(&mut self, oldest: Seq, left: Seq, right: Seq) {
        let (from, to) = match (self.split(oldest, left), self.split(oldest, right)) {
            (Some(from), Some(_)) => (from, self.index_of(right)),
            // No room for another boundary: what is lost is taken in whole stretches.
            _ => (self.index_of(left), (self.index_of(right - 1) + 1).min(self.stretches.len())),
        };
        for at in from..to {
            self.mark_lost(oldest, at);
        }
        for at in (from..=to).rev() {
            self.join(at);
        }
    }

    /// Takes for lost all that was sent at `latest` or before, the oldest numbers in any case, and returns how much it was.
    /// Nothing else is under way then.
    pub(super) fn lose_sent_until(&mut self, oldest: Seq, latest: Instant) -> u32 {
        let before = self.lost;
        for at in 0..self.stretches.len() {
            if at == 0 || self.stretches[at].sent_at <= latest {
                self.mark_lost(oldest, at);
            }
        }
        self.compact();
        self.lost - before
    }

    /// The first numbers that are to be sent again: where they begin, and how many follow each other.
    pub(super) fn first_lost(&self, oldest: Seq) -> Option<(Seq, u32)> {
        if self.lost == 0 {
            return None;
        }
        let first = self.stretches.iter().position(|stretch| stretch.fate == Fate::Lost)?;
        let left = self.left(oldest, first);
        let run =
            self.stretches.iter().skip(first).take_while(|stretch| stretch.fate == Fate::Lost).last()?;
        Some((left, run.end.since(left)))
    }

    /// What was taken for lost was only late.
    pub(super) fn forget_losses(&mut self) {
        self.lost = 0;
        for stretch in &mut self.stretches {
            if stretch.fate == Fate::Lost {
                stretch.fate = Fate::UnderWay;
            }
        }
    }

    /// RFC 8985 6.2 step 5: what was sent before the numbers delivered last, which end at `end` and were sent at `sent_at`, is
    /// lost once it has been under way for `patience`. Returns when the last of the rest will have been.
    pub(super) fn lose_overtaken(
        &mut self,
        oldest: Seq,
        (sent_at, end): (Instant, Seq),
        patience: Duration,
        now: Instant,
    ) -> Option<Instant> {
        let mut next = None;
        let lost = self.lost;
        for at in 0..self.stretches.len() {
            let stretch = self.stretches[at];
            if stretch.fate != Fate::UnderWay {
                continue;
            }
            // A clock that stood still leaves the order of the numbers.
            let overtaken =
                stretch.sent_at < sent_at || stretch.sent_at == sent_at && stretch.end.before(end);
            if overtaken {
                let deadline = stretch.sent_at + patience;
                if deadline <= now {
                    self.mark_lost(oldest, at);
                } else {
                    next = next.max(Some(deadline));
                }
            } else if !stretch.repeated {
                // All behind it was sent even later.
                break;
            }
        }
        if self.lost != lost {
            self.compact();
        }
        next
    }

    fn mark_lost(&mut self, oldest: Seq, at: usize) {
        if self.stretches[at].fate == Fate::UnderWay {
            let bytes = self.length(oldest, at);
            self.lost += bytes;
            let stretch = &mut self.stretches[at];
            stretch.fate = Fate::Lost;
            if let Some(losses) = &mut self.losses {
                losses.push(Stray { bytes, sent_at: stretch.sent_at, end: stretch.end });
            }
        }
    }
}
