//! How many ICMP errors may be sent: a token bucket (RFC 1812 4.3.2.8).

use basis::Instant;

const SECOND: u64 = 1_000_000_000;

/// A bucket of tokens that fills by time. One error costs one token.
#[derive(Clone, Debug)]
pub(crate) struct RateLimit {
    /// Tokens in billionths, so that every nanosecond counts without rounding.
    tokens: u64,
    full: u64,
    per_second: u64,
    filled: Instant,
}

impl RateLimit {
    pub(crate) fn new(now: Instant, per_second: u32, burst: u32) -> RateLimit {
        let full = u64::from(burst) * SECOND;
        RateLimit { tokens: full, full, per_second: u64::from(per_second), filled: now }
    }

    /// Takes a token; false if there is none.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let passed = now.saturating_since(self.filled).as_nanos().min(u128::from(u64::MAX)) as u64;
        self.filled = self.filled.max(now);
        self.tokens = self.tokens.saturating_add(passed.saturating_mul(self.per_second)).min(self.full);
        match self.tokens.checked_sub(SECOND) {
            Some(rest) => {
                self.tokens = rest;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_the_rate() {
        let mut limit = RateLimit::new(Instant::ZERO, 10, 3);
        let taken = |limit: &mut RateLimit, now| (0..100).filter(|_| limit.take(now)).count();
        assert_eq!(taken(&mut limit, Instant::ZERO), 3);
        assert_eq!(taken(&mut limit, Instant::from_millis(99)), 0);
        assert_eq!(taken(&mut limit, Instant::from_millis(100)), 1);
        assert_eq!(taken(&mut limit, Instant::from_millis(350)), 2);
        assert_eq!(taken(&mut limit, Instant::from_millis(100_000)), 3);
        assert_eq!(taken(&mut limit, Instant::from_millis(50)), 0, "time that goes back gives nothing");
    }
}
