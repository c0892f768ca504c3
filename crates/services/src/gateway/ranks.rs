//! Which mapping of a guest ends for a new one where that guest may have no more: of its own alone, and only one that it seems not to need.

use super::holder::Holder;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Deviates: RFC 4787 4.3, REQ-5 wants two minutes of every mapping. Its guest would else have no new one; and a TCP connection, which has no
/// such time (RFC 5382 5, REQ-5), never ends so.
///
/// How long a mapping that nobody outside has answered must have been silent: an answer takes less.
const UNANSWERED: Duration = Duration::from_secs(1);
/// The same for one that somebody has answered: who keeps such a one open without a word to say does so more often.
const ANSWERED: Duration = Duration::from_secs(30);
/// How many that turn out to be in use are looked at.
const TRIES: usize = 16;

/// What a mapping's place is by: those that nobody has answered go first, and of those that are alike the one silent for the longest time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rank {
    /// Whether somebody outside has answered.
    pub answered: bool,
    /// When the guest last sent.
    pub heard: Instant,
}

/// The mappings of all guests.
///
/// A rank is looked at anew only where it would be that one's turn to go: until then it is what it was, and sending costs nothing.
#[derive(Debug)]
pub struct Ranks<K> {
    rows: BTreeMap<(Holder, bool), BTreeSet<(Instant, K)>>,
    ranks: BTreeMap<K, (Holder, Rank)>,
}

impl<K> Default for Ranks<K> {
    fn default() -> Ranks<K> {
        Ranks { rows: BTreeMap::new(), ranks: BTreeMap::new() }
    }
}

impl<K: Copy + Ord> Ranks<K> {
    /// A mapping of `holder`, which takes the place of another one with the same key.
    pub fn insert(&mut self, key: K, holder: Holder, rank: Rank) {
        self.remove(key);
        self.rows.entry((holder, rank.answered)).or_default().insert((rank.heard, key));
        self.ranks.insert(key, (holder, rank));
    }

    /// The mapping has ended.
    pub fn remove(&mut self, key: K) {
        let Some((holder, rank)) = self.ranks.remove(&key) else { return };
        let place = (holder, rank.answered);
        if let Some(row) = self.rows.get_mut(&place) {
            row.remove(&(rank.heard, key));
            if row.is_empty() {
                self.rows.remove(&place);
            }
        }
    }

    /// Takes out the mapping of `holder` that is to end, if one may; `present` tells the rank that a mapping has by now.
    pub fn evict(&mut self, holder: Holder, now: Instant, present: impl Fn(K) -> Option<Rank>) -> Option<K> {
        [false, true].into_iter().find_map(|answered| {
            for _ in 0..TRIES {
                let &(heard, key) = self.rows.get(&(holder, answered))?.first()?;
                match present(key) {
                    None => self.remove(key),
                    Some(rank) if rank == (Rank { answered, heard }) => {
                        let least = if answered { ANSWERED } else { UNANSWERED };
                        let idle = now.duration_since(heard) >= least;
                        return idle.then(|| self.remove(key)).map(|()| key);
                    }
                    Some(rank) => self.insert(key, holder, rank),
                }
            }
            None
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Holder = Holder::Station([2, 0, 0, 0, 0, 1]);
    const OTHER: Holder = Holder::Station([2, 0, 0, 0, 0, 2]);

    #[allow(clippy::disallowed_methods, reason = "any beginning will do")]
    fn beginning() -> Instant {
        Instant::now()
    }

    #[test]
    fn the_oldest_that_nobody_answered_goes_first_and_none_in_use_nor_of_another() {
        let begin = beginning();
        let at = |milliseconds| begin + Duration::from_millis(milliseconds);
        let mut ranks = Ranks::default();
        let mut present = BTreeMap::new();
        // Four that are like each other but for when they were heard, and two that were answered.
        for (key, answered, heard) in
            [(1, false, 40), (2, false, 30), (3, false, 20), (4, false, 10), (5, true, 0), (6, true, 5)]
        {
            let rank = Rank { answered, heard: at(heard) };
            ranks.insert(key, ONE, rank);
            present.insert(key, rank);
        }
        ranks.insert(7, OTHER, Rank { answered: false, heard: at(0) });
        // One has sent since, one was answered since, and one has ended.
        present.insert(4, Rank { answered: false, heard: at(900) });
        present.insert(3, Rank { answered: true, heard: at(20) });
        present.remove(&2);
        let evict = |ranks: &mut Ranks<i32>, milliseconds| {
            ranks.evict(ONE, at(milliseconds), |key| present.get(&key).copied())
        };
        assert_eq!(evict(&mut ranks, 1_039), None);
        assert_eq!(evict(&mut ranks, 1_040), Some(1));
        assert_eq!(evict(&mut ranks, 1_899), None);
        assert_eq!(evict(&mut ranks, 1_900), Some(4));
        assert_eq!(evict(&mut ranks, 29_999), None);
        assert_eq!(evict(&mut ranks, 30_000), Some(5));
        assert_eq!(evict(&mut ranks, 60_000), Some(6));
        assert_eq!(evict(&mut ranks, 60_000), Some(3));
        assert_eq!(evict(&mut ranks, 60_000), None);
        assert_eq!(ranks.ranks.keys().copied().collect::<Vec<_>>(), [7]);
        assert_eq!(ranks.rows.len(), 1);
    }

    #[test]
    fn only_so_many_are_looked_at_anew() {
        let begin = beginning();
        let now = begin + Duration::from_secs(60);
        let mut ranks = Ranks::default();
        let keys = 0..TRIES as i32 + 1;
        for key in keys.clone() {
            ranks.insert(key, ONE, Rank { answered: false, heard: begin });
        }
        // All but the last one have just sent.
        let last = TRIES as i32;
        let heard = |key| if key == last { begin } else { now };
        let present = |key| Some(Rank { answered: false, heard: heard(key) });
        assert_eq!(ranks.evict(ONE, now, present), None);
        assert_eq!(ranks.evict(ONE, now, present), Some(last));
        assert_eq!(ranks.evict(ONE, now, present), None);
    }
}
