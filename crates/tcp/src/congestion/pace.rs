//! When the next segments may leave, so that no more than a rate does (draft-ietf-ccwg-bbr 5.6.2 and 5.6.3).

use basis::Instant;
use core::time::Duration;

/// A quantum leaves at once: what the rate is in a millisecond, but no more than a super-segment and no less than two segments.
const LONGEST_QUANTUM: u64 = 64 * 1024;
/// A wake-up that comes late is made up for, up to so many nanoseconds.
const PATIENCE: u64 = 1_000_000;
/// As fast as may be.
pub(crate) const UNLIMITED: u64 = u64::MAX;

/// The departures of one connection. Rates are bytes of payload a second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// What the congestion control asks for: C.pacing_rate.
    wanted: u64,
    /// What the application allows (SO_MAX_PACING_RATE).
    most: u64,
    /// C.next_send_time.
    next: Instant,
    /// Bytes of the present quantum that have not left.
    left: u32,
    /// Something has been waiting for `next`.
    waited: bool,
}

impl Pace {
    pub(crate) const fn new() -> Pace {
        Pace { wanted: UNLIMITED, most: UNLIMITED, next: Instant::ZERO, left: 0, waited: false }
    }

    pub(crate) fn set_wanted(&mut self, rate: u64) {
        self.wanted = rate.max(1);
    }

    pub(crate) fn set_most(&mut self, rate: Option<u64>) {
        self.most = rate.unwrap_or(UNLIMITED).max(1);
    }

    /// What the application allows, if it has said so.
    pub(crate) fn most(&self) -> Option<u64> {
        (self.most != UNLIMITED).then_some(self.most)
    }

    /// The rate that holds.
    pub(crate) fn rate(&self) -> u64 {
        self.wanted.min(self.most)
    }

    fn quantum(&self, segment_size: u32) -> u32 {
        quantum(self.rate(), segment_size)
    }

    /// How many bytes of the quantum may still leave.
    pub(crate) fn left(&self) -> u32 {
        self.left
    }

    /// How many bytes may leave now, a segment or more; or when.
    pub(crate) fn allowance(&mut self, segment_size: u32, now: Instant) -> Result<u32, Instant> {
        if now >= self.next {
            self.left = self.quantum(segment_size);
        } else if self.left < segment_size.max(1) {
            self.waited = true;
            return Err(self.next);
        }
        Ok(self.left)
    }

    /// `bytes` have left.
    ///
    /// `Deviates:` draft-ietf-ccwg-bbr 5.6.2 counts from now on if the departure is late. A thread that wakes up late would never
    /// reach its rate, so up to a millisecond of that counts.
    pub(crate) fn on_sent(&mut self, bytes: u32, now: Instant) {
        let patience = if core::mem::take(&mut self.waited) { PATIENCE } else { 0 };
        self.next = self.next.max(Instant::from_nanos(now.as_nanos().saturating_sub(patience)));
        self.left = self.left.saturating_sub(bytes);
        let nanoseconds = u128::from(bytes) * 1_000_000_000 / u128::from(self.rate());
        self.next += Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
    }
}

/// C.send_quantum at `rate` bytes a second, in bytes.
pub(crate) fn quantum(rate: u64, segment_size: u32) -> u32 {
    (rate / 1_000).min(LONGEST_QUANTUM).max(2 * u64::from(segment_size)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: fn(u64) -> Instant = Instant::from_millis;

    fn pace(rate: u64) -> Pace {
        let mut pace = Pace::new();
        pace.set_most(Some(rate));
        pace
    }

    #[test]
    fn a_quantum_is_a_millisecond_but_two_segments_at_least_and_a_super_segment_at_most() {
        assert_eq!(pace(1_000).quantum(1_000), 2_000);
        assert_eq!(pace(10_000_000).quantum(1_000), 10_000);
        assert_eq!(pace(u64::MAX).quantum(1_000), 65_536);
        assert_eq!(pace(0).rate(), 1, "no rate is zero: something would wait for ever");
    }

    #[test]
    fn a_quantum_leaves_at_once_and_the_next_one_when_it_has_been_paid_for() {
        let mut pace = pace(1_000_000);
        assert_eq!(pace.allowance(1_000, MS(5)), Ok(2_000));
        pace.on_sent(1_000, MS(5));
        assert_eq!(pace.allowance(1_000, MS(5)), Ok(1_000));
        pace.on_sent(1_000, MS(5));
        assert_eq!(pace.allowance(1_000, MS(5)), Err(MS(7)));
        assert_eq!(pace.allowance(1_000, MS(7)), Ok(2_000));
    }

    #[test]
    fn the_lesser_of_what_is_wanted_and_what_is_allowed_holds() {
        let mut pace = pace(1_000_000);
        pace.set_wanted(5_000);
        assert_eq!((pace.rate(), pace.most()), (5_000, Some(1_000_000)));
        pace.set_wanted(2_000_000);
        assert_eq!(pace.rate(), 1_000_000);
        pace.set_most(None);
        assert_eq!((pace.rate(), pace.most()), (2_000_000, None));
    }

    #[test]
    fn a_late_wake_up_is_made_up_for_by_a_millisecond_at_most_and_silence_is_not() {
        let late = |asked: bool, now: u64| {
            let mut pace = pace(1_000_000);
            pace.on_sent(2_000, MS(1));
            if asked {
                assert_eq!(pace.allowance(1_000, MS(2)), Err(MS(3)));
            }
            assert_eq!(pace.allowance(1_000, MS(now)), Ok(2_000));
            pace.on_sent(2_000, MS(now));
            pace.allowance(1_000, MS(now))
        };
        assert_eq!(late(true, 3), Err(MS(5)));
        assert_eq!(late(true, 4), Err(MS(5)));
        assert_eq!(late(true, 9), Err(MS(10)));
        assert_eq!(late(false, 9), Err(MS(11)));
    }

    proptest! {
        /// Whoever asks whenever, and sends as much as is allowed, sends no more than the rate and two quanta.
        #[test]
        fn no_more_leaves_than_the_rate_and_two_quanta(
            rate in 10_000..200_000_000u64,
            steps in prop::collection::vec((0..3_000_000u64, any::<bool>()), 1..300),
        ) {
            let mut pace = pace(rate);
            let begin = Instant::from_millis(1_000);
            let (mut now, mut sent) = (begin, 0u64);
            for (wait, all) in steps {
                now += Duration::from_nanos(wait);
                while let Ok(allowed) = pace.allowance(1_000, now) {
                    let bytes = if all { allowed } else { 1_000 };
                    pace.on_sent(bytes, now);
                    sent += u64::from(bytes);
                }
                let elapsed = now.saturating_since(begin).as_nanos() as u64;
                let paid = u128::from(rate) * u128::from(elapsed) / 1_000_000_000;
                prop_assert!(u128::from(sent) <= paid + 2 * u128::from(pace.quantum(1_000)) + 1_000);
            }
        }
    }
}
