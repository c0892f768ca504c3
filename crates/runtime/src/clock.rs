//! The stack's time, read from the operating system's monotonic clock.

use basis::Instant;
use std::time::Duration;

/// Turns the operating system's monotonic time into the stack's [`Instant`]: nanoseconds since the clock was made.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    epoch: std::time::Instant,
}

impl Clock {
    /// A clock whose epoch is now.
    pub fn new() -> Clock {
        Clock { epoch: std::time::Instant::now() }
    }

    /// A clock whose epoch is as long ago.
    #[cfg(test)]
    pub(crate) fn begun(ago: Duration) -> Clock {
        let now = std::time::Instant::now();
        Clock { epoch: now.checked_sub(ago).expect("this system has run for longer") }
    }

    /// The present.
    #[inline]
    pub fn now(&self) -> Instant {
        self.at(std::time::Instant::now())
    }

    /// A point of the operating system's time in the stack's time.
    #[inline]
    pub fn at(&self, time: std::time::Instant) -> Instant {
        // Seconds and nanoseconds apart: cheaper than the 128-bit count, and saturating after 584 years.
        let since = time.saturating_duration_since(self.epoch);
        let seconds = since.as_secs().saturating_mul(1_000_000_000);
        Instant::from_nanos(seconds.saturating_add(u64::from(since.subsec_nanos())))
    }
}

impl Default for Clock {
    fn default() -> Self {
        Clock::new()
    }
}

/// How long from `now` until `then`; zero if it has passed, `None` if it never comes.
pub(crate) fn time_until(now: Instant, then: Instant) -> Option<Duration> {
    (then != Instant::FAR_FUTURE).then(|| then.saturating_since(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_starts_at_zero_and_counts_nanoseconds() {
        let clock = Clock::new();
        assert_eq!(clock.at(clock.epoch), Instant::ZERO);
        let later = clock.epoch + Duration::new(3, 7);
        assert_eq!(clock.at(later), Instant::from_nanos(3_000_000_007));
        assert!(clock.now() <= clock.now());
    }

    #[test]
    fn the_far_future_never_comes_and_the_past_is_now() {
        let now = Instant::from_millis(10);
        assert_eq!(time_until(now, Instant::FAR_FUTURE), None);
        assert_eq!(time_until(now, Instant::from_millis(4)), Some(Duration::ZERO));
        assert_eq!(time_until(now, Instant::from_millis(14)), Some(Duration::from_millis(4)));
    }
}
