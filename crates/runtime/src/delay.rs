//! How late what is sent leaves, and timers that wait as long.

use basis::Instant;
use std::time::Duration;

/// How long a delay is remembered: longer than the time-outs of short paths, which are those that it matters to.
const REMEMBERED: Duration = Duration::from_secs(1);
/// No timer waits for longer than that because of a delay.
const MOST: Duration = Duration::from_secs(1);

/// A timer counts from when the stack gave a segment away. If the driver's thread then has to wait for the processor, the segment
/// leaves so much later, and its acknowledgment comes so much later: the timers wait for as long as the longest such delay of the
/// last second, so that nothing is sent again before its time (RFC 8985 7.2 counts from the sending).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Delay {
    longest: Duration,
    since: Instant,
    pulled: Option<Instant>,
}

impl Delay {
    /// The stack is asked for what it sends, as of `now`.
    pub(crate) fn on_pulled(&mut self, now: Instant) {
        self.pulled = Some(now);
    }

    /// What it gave has left by `now`.
    pub(crate) fn on_sent(&mut self, now: Instant) {
        let Some(pulled) = self.pulled.take() else { return };
        let delay = (now - pulled).min(MOST);
        if delay >= self.at(now) {
            (self.longest, self.since) = (delay, now);
        }
    }

    fn at(&self, now: Instant) -> Duration {
        if now - self.since < REMEMBERED { self.longest } else { Duration::ZERO }
    }

    /// The moment up to which timers may expire at `now`.
    pub(crate) fn before(&self, now: Instant) -> Instant {
        let delay = u64::try_from(self.at(now).as_nanos()).unwrap_or(u64::MAX);
        Instant::from_nanos(now.as_nanos().saturating_sub(delay))
    }

    /// When a timer with this deadline may expire, as far as is known at `now`.
    pub(crate) fn after(&self, now: Instant, deadline: Instant) -> Instant {
        deadline + self.at(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: fn(u64) -> Instant = Instant::from_millis;

    #[test]
    fn timers_wait_as_long_as_the_longest_delay_of_the_last_second() {
        let mut delay = Delay::default();
        assert_eq!((delay.before(T(5000)), delay.after(T(5000), T(6000))), (T(5000), T(6000)));
        delay.on_pulled(T(5000));
        delay.on_sent(T(5015));
        assert_eq!((delay.before(T(5015)), delay.after(T(5015), T(5010))), (T(5000), T(5025)));
        // A shorter one changes nothing.
        delay.on_pulled(T(5100));
        delay.on_sent(T(5101));
        assert_eq!(delay.before(T(6014)), T(5999));
        assert_eq!(delay.before(T(6015)), T(6015));
        assert_eq!(delay.after(T(6015), Instant::FAR_FUTURE), Instant::FAR_FUTURE);
    }

    #[test]
    fn no_delay_holds_timers_back_for_long() {
        let mut delay = Delay::default();
        delay.on_pulled(T(1000));
        delay.on_sent(T(90_000));
        assert_eq!(delay.before(T(90_000)), T(89_000));
        assert_eq!(delay.after(T(90_000), T(90_000)), T(91_000));
    }

    #[test]
    fn what_is_sent_without_being_pulled_is_no_delay() {
        let mut delay = Delay::default();
        delay.on_sent(T(9000));
        assert_eq!(delay.before(T(9000)), T(9000));
    }
}
