//! How many answers a host gives to what proves nothing: a token bucket whose depth only the host knows.
//!
//! A limit that all peers share tells each of them what the others have used up: who counts the answers it gets learns whether a
//! packet that it forged in another's name was answered, too (CVE-2016-5696, CVE-2020-25705). So each time the bucket has filled, it
//! is filled to another depth, between half of the burst and all of it.

use crate::random::Random;
use crate::time::Instant;

const SECOND: u64 = 1_000_000_000;

/// A bucket of tokens that fills by time. One answer costs one token.
///
/// ```
/// use netstrata_basis::{Instant, Random, RateLimit};
/// let mut limit = RateLimit::new(Instant::ZERO, 10, 8, Random::new([7; 32]));
/// let taken = (0..100).filter(|_| limit.take(Instant::ZERO)).count();
/// assert!((4..=8).contains(&taken));
/// ```
#[derive(Clone, Debug)]
pub struct RateLimit {
    /// Tokens in billionths, so that every nanosecond counts without rounding.
    tokens: u64,
    full: u64,
    per_second: u64,
    filled: Instant,
    random: Random,
}

impl RateLimit {
    /// A full bucket that gives `per_second` tokens a second, and after silence up to `burst` at once, but at least half as many.
    pub fn new(now: Instant, per_second: u32, burst: u32, random: Random) -> RateLimit {
        let full = u64::from(burst) * SECOND;
        let mut limit = RateLimit { tokens: 0, full, per_second: u64::from(per_second), filled: now, random };
        limit.tokens = limit.depth();
        limit
    }

    /// Changes the rate and the burst.
    pub fn set(&mut self, per_second: u32, burst: u32) {
        (self.per_second, self.full) = (u64::from(per_second), u64::from(burst) * SECOND);
        self.tokens = self.tokens.min(self.full);
    }

    /// Takes a token; false if there is none.
    pub fn take(&mut self, now: Instant) -> bool {
        let passed = now.saturating_since(self.filled).as_nanos().min(u128::from(u64::MAX)) as u64;
        self.filled = self.filled.max(now);
        self.tokens = self.tokens.saturating_add(passed.saturating_mul(self.per_second));
        if self.tokens > self.full {
            self.tokens = self.depth();
        }
        match self.tokens.checked_sub(SECOND) {
            Some(rest) => {
                self.tokens = rest;
                true
            }
            None => false,
        }
    }

    /// How far the bucket is filled this time; for one token at least, if it ever holds one.
    fn depth(&mut self) -> u64 {
        let hidden = (u128::from(self.random.next_u64()) * u128::from(self.full / 2)) >> 64;
        (self.full - hidden as u64).max(SECOND.min(self.full))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;

    fn limit(per_second: u32, burst: u32) -> RateLimit {
        RateLimit::new(Instant::ZERO, per_second, burst, Random::new([3; 32]))
    }

    fn taken(limit: &mut RateLimit, now: Instant) -> usize {
        (0..1000).filter(|_| limit.take(now)).count()
    }

    #[test]
    fn a_burst_and_then_the_rate() {
        let mut limit = limit(10, 4);
        assert!((2..=4).contains(&taken(&mut limit, Instant::ZERO)));
        // Less than one token was left.
        assert!(taken(&mut limit, Instant::from_millis(99)) <= 1);
        assert_eq!(taken(&mut limit, Instant::from_millis(299)), 2);
        assert!((2..=4).contains(&taken(&mut limit, Instant::from_millis(100_000))));
        assert_eq!(taken(&mut limit, Instant::from_millis(50)), 0, "time that goes back gives nothing");
    }

    #[test]
    fn nobody_can_tell_from_a_burst_whether_another_took_a_token() {
        let mut limit = limit(1000, 100);
        let counts: BTreeSet<usize> =
            (1..200).map(|second| taken(&mut limit, Instant::from_millis(second * 1000))).collect();
        assert!(counts.len() > 30, "{counts:?}");
        assert!(counts.iter().all(|count| (50..=100).contains(count)), "{counts:?}");
    }

    #[test]
    fn the_smallest_bucket_gives_its_token_and_none_gives_nothing() {
        let mut one = limit(1, 1);
        assert!((0..100).all(|second| one.take(Instant::from_millis(second * 1000))));
        assert_eq!(taken(&mut limit(1000, 0), Instant::from_millis(9_000)), 0);
        let mut changed = limit(10, 100);
        changed.set(10, 2);
        assert!(taken(&mut changed, Instant::ZERO) <= 2);
    }
}
