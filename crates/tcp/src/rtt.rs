//! Round-trip time and the retransmission time-out (RFC 6298).

use basis::Instant;
use core::time::Duration;

const INITIAL_RTO: u32 = 1_000_000;
/// `Deviates:` RFC 6298 2.4 has a minimum of 1 s; like other hosts' 200 ms over the smoothed RTT, it spares short paths the wait.
const MIN_VARIATION: u32 = 200_000;
/// No time-out is shorter than so many microseconds.
pub(crate) const LEAST_TIMEOUT: u64 = MIN_VARIATION as u64;
const MAX_RTO: u32 = 120_000_000;
/// The longest that a peer holds back an acknowledgment, as far as hosts are known to. TLP.max_ack_delay.
const MAX_ACK_DELAY: u64 = 200_000;
/// The least wait for a tail loss probe. RFC 8985 7.2 names none (only its drafts did, 10 ms): two round trips, and no more. On a path of
/// microseconds that is less than a peer needs that shares its processor, and each probe would be for nothing. 4 ms is one slice of a
/// scheduler's time, and still fifty times less than the time-out. Tests that judge captures allow for no less.
const MIN_PROBE_TIMEOUT: u64 = 4_000;
/// Spans of time (see [`span`]) for which a shortest round-trip time is remembered, at least: the path may have changed since. It is
/// forgotten before twice as many. RFC 8985 6.2 step 1 wants such a window and names none; other hosts have five minutes.
const MEMORY: u16 = 150;
const MAX_BACKOFF: u8 = 12;

/// A time in microseconds, as far as they fit.
pub(crate) fn micros(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}

/// The time in spans of 2^30 ns, a little more than a second. They come round after 19 hours.
#[inline]
fn span(now: Instant) -> u16 {
    (now.as_nanos() >> 30) as u16
}

/// The estimator of one connection, in microseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RttEstimator {
    /// SRTT; 0 before the first sample.
    smoothed: u32,
    /// RTTVAR.
    variation: u32,
    /// The shortest lately; 0 before the first sample.
    shortest: u32,
    /// The shortest since `began`, which is what is left of it once that is [`MEMORY`] ago.
    recent: u32,
    began: u16,
    /// Times that the time-out was doubled since the last sample (RFC 6298 5.5).
    backoff: u8,
}

impl RttEstimator {
    pub(crate) const fn new() -> RttEstimator {
        RttEstimator { smoothed: 0, variation: 0, shortest: 0, recent: 0, began: 0, backoff: 0 }
    }

    /// The SYN had to be sent again: data begins with a time-out of 3 s (RFC 6298 5.7).
    pub(crate) fn on_lost_syn(&mut self) {
        self.variation = 750_000;
    }

    /// Takes in one measurement, in microseconds (RFC 6298 2.2 and 2.3).
    #[inline]
    pub(crate) fn sample(&mut self, rtt: u32, now: Instant) {
        let rtt = rtt.clamp(1, MAX_RTO);
        if self.smoothed == 0 {
            self.smoothed = rtt;
            self.variation = rtt / 2;
        } else {
            self.variation = ((3 * self.variation as u64 + self.smoothed.abs_diff(rtt) as u64) / 4) as u32;
            self.smoothed = ((7 * self.smoothed as u64 + rtt as u64) / 8).max(1) as u32;
        }
        let span = span(now);
        if self.shortest == 0 || span.wrapping_sub(self.began) >= MEMORY {
            self.forget(span);
        }
        self.recent = self.recent.min(rtt);
        self.shortest = self.shortest.min(rtt);
        self.backoff = 0;
    }

    /// The shortest round-trip time of before `began` is too old. So is the rest if nothing was measured for as long again.
    #[cold]
    fn forget(&mut self, span: u16) {
        let all = self.shortest == 0 || span.wrapping_sub(self.began) >= 2 * MEMORY;
        self.shortest = if all { u32::MAX } else { self.recent };
        (self.recent, self.began) = (u32::MAX, span);
    }

    /// Doubles the time-out, because it expired (RFC 6298 5.5).
    pub(crate) fn back_off(&mut self) {
        self.backoff = (self.backoff + 1).min(MAX_BACKOFF);
    }

    /// How often the time-out was doubled.
    pub(crate) fn backoff(&self) -> u8 {
        self.backoff
    }

    /// RTO.
    #[inline]
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_micros(self.timeout_micros())
    }

    /// When data sent `now` is to have been acknowledged.
    #[inline]
    pub(crate) fn timeout_after(&self, now: Instant) -> Instant {
        now.plus_micros(self.timeout_micros())
    }

    #[inline]
    fn timeout_micros(&self) -> u64 {
        ((self.base() as u64) << self.backoff).min(MAX_RTO as u64)
    }

    /// Before it is doubled, and before its upper bound.
    #[inline]
    fn base(&self) -> u32 {
        match self.smoothed {
            0 => INITIAL_RTO.max(4 * self.variation),
            smoothed => {
                // Neither is longer than the longest time-out: their sum is far from the end of the numbers.
                smoothed + (4 * self.variation).max(MIN_VARIATION)
            }
        }
    }

    /// When a tail loss probe follows what is sent `now`: PTO (RFC 8985 7.2). `alone` tells that no more than one segment is under way: the peer may delay its acknowledgment.
    ///
    /// `Deviates:` RFC 8985 has no least time. A peer that shares its processor needs one.
    #[inline]
    pub(crate) fn probe_after(&self, now: Instant, alone: bool) -> Instant {
        now.plus_micros(match self.smoothed {
            0 => INITIAL_RTO as u64,
            smoothed => {
                let delay = if alone { MAX_ACK_DELAY } else { 0 };
                (2 * smoothed as u64).max(MIN_PROBE_TIMEOUT) + delay
            }
        })
    }

    /// The shortest round-trip time of the last minutes (RFC 8985 6.2 step 1); zero before the first.
    pub(crate) fn shortest(&self) -> Duration {
        Duration::from_micros(self.shortest as u64)
    }

    /// [`RttEstimator::shortest`] in microseconds.
    #[inline]
    pub(crate) fn shortest_micros(&self) -> u32 {
        self.shortest
    }

    /// [`RttEstimator::smoothed`] in microseconds.
    #[inline]
    pub(crate) fn smoothed_micros(&self) -> u32 {
        self.smoothed
    }

    pub(crate) fn smoothed(&self) -> Duration {
        Duration::from_micros(self.smoothed as u64)
    }

    pub(crate) fn variation(&self) -> Duration {
        Duration::from_micros(self.variation as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sample_sets_srtt_and_half_of_it_as_variation() {
        let mut rtt = RttEstimator::new();
        assert_eq!(rtt.timeout(), Duration::from_secs(1));
        rtt.sample(400_000, Instant::ZERO);
        assert_eq!(
            (rtt.smoothed(), rtt.variation()),
            (Duration::from_millis(400), Duration::from_millis(200))
        );
        assert_eq!(rtt.timeout(), Duration::from_millis(1200));
    }

    #[test]
    fn later_samples_move_srtt_by_an_eighth_and_the_variation_by_a_quarter() {
        let mut rtt = RttEstimator::new();
        rtt.sample(400_000, Instant::ZERO);
        rtt.sample(480_000, Instant::ZERO);
        assert_eq!(
            (rtt.smoothed(), rtt.variation()),
            (Duration::from_millis(410), Duration::from_millis(170))
        );
    }

    #[test]
    fn each_expiry_doubles_the_timeout_up_to_its_bound_and_a_sample_ends_that() {
        let mut rtt = RttEstimator::new();
        rtt.sample(1_000, Instant::ZERO);
        assert_eq!(rtt.timeout(), Duration::from_millis(201));
        rtt.back_off();
        assert_eq!(rtt.timeout(), Duration::from_millis(402));
        for _ in 0..300 {
            rtt.back_off();
        }
        assert_eq!(rtt.timeout(), Duration::from_secs(120));
        rtt.sample(1_000, Instant::ZERO);
        assert!(rtt.timeout() < Duration::from_millis(202));
    }

    #[test]
    fn the_shortest_is_remembered_for_minutes_whatever_number_of_samples_follows() {
        let at = |seconds: u64| Instant::from_millis(seconds * 1_000);
        let mut rtt = RttEstimator::new();
        rtt.sample(300, at(1));
        (0..100_000).for_each(|_| rtt.sample(900, at(2)));
        assert_eq!(rtt.shortest_micros(), 300);
        for (sample, seconds, shortest) in [
            (700, 161, 300),
            (700, 163, 300), // the second span begins
            (500, 200, 300),
            (900, 322, 300),
            (900, 325, 500), // the third: what was before the second is forgotten, and not the second
            (900, 484, 500),
            (800, 486, 800),
        ] {
            rtt.sample(sample, at(seconds));
            assert_eq!(rtt.shortest_micros(), shortest, "at {seconds} s");
        }
    }

    #[test]
    fn after_a_long_silence_nothing_of_the_path_is_believed() {
        let mut rtt = RttEstimator::new();
        rtt.sample(300, Instant::ZERO);
        rtt.sample(900, Instant::from_millis(323_000));
        assert_eq!(rtt.shortest_micros(), 900);
        let mut rtt = RttEstimator::new();
        rtt.sample(300, Instant::ZERO);
        rtt.sample(900, Instant::from_millis(322_000));
        assert_eq!(rtt.shortest_micros(), 300, "the span of the first was its own");
    }

    proptest::proptest! {
        #[test]
        fn no_time_out_is_shorter_than_the_least(samples in proptest::collection::vec(proptest::num::u32::ANY, 0..50), backoffs in 0..20) {
            let mut rtt = RttEstimator::new();
            samples.into_iter().for_each(|sample| rtt.sample(sample, Instant::ZERO));
            (0..backoffs).for_each(|_| rtt.back_off());
            proptest::prop_assert!(rtt.timeout() >= Duration::from_micros(LEAST_TIMEOUT));
        }
    }
}
