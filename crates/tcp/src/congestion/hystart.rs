//! HyStart++ (RFC 9406): leaves the first slow start when round trips grow longer, before packets are lost.

use super::controller::Acknowledged;
use wire::tcp::Seq;

/// RFC 9406 4.3, in microseconds.
const MIN_RTT_THRESHOLD: u32 = 4_000;
const MAX_RTT_THRESHOLD: u32 = 16_000;
const MIN_RTT_DIVISOR: u32 = 8;
const RTT_SAMPLES: u8 = 8;
const CONSERVATIVE_ROUNDS: u8 = 5;
/// No measurement.
const NONE: u32 = u32::MAX;

/// How the window may grow by this acknowledgment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Pace {
    /// As in any slow start.
    Full,
    /// Conservative slow start: by a quarter of it.
    Quarter,
    /// Slow start is over.
    Leave,
}

/// Round-trip times, round by round. In microseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HyStart {
    /// windowEnd: the round is over when this is acknowledged.
    round_end: Seq,
    /// lastRoundMinRTT.
    last_least: u32,
    /// currentRoundMinRTT.
    least: u32,
    /// cssBaselineMinRtt; something only in conservative slow start.
    baseline: u32,
    /// rttSampleCount.
    samples: u8,
    /// Rounds of conservative slow start that have ended.
    rounds: u8,
    begun: bool,
    /// Most bytes under way in this round.
    used: u32,
}

impl HyStart {
    pub(crate) const fn new() -> HyStart {
        HyStart {
            round_end: Seq(0),
            last_least: NONE,
            least: NONE,
            baseline: NONE,
            samples: 0,
            rounds: 0,
            begun: false,
            used: 0,
        }
    }

    /// Whether `window` has proved itself though it was not filled: more than half of it was used in this round (RFC 7661 4.3).
    #[inline]
    pub(crate) fn has_used(&self, window: u32) -> bool {
        self.used > window / 2
    }

    /// RFC 9406 4.2.
    #[inline]
    pub(crate) fn on_acknowledged(&mut self, acknowledged: &Acknowledged) -> Pace {
        if !self.begun {
            self.begin_round(acknowledged.highest);
        }
        self.used = self.used.max(acknowledged.in_flight);
        if let Some(round_trip) = acknowledged.round_trip {
            self.sample(u32::try_from(round_trip.as_micros()).unwrap_or(NONE - 1));
        }
        // What ends a round was sent in it, so its round trip still counts there.
        if acknowledged.oldest.at_or_after(self.round_end) {
            self.begin_round(acknowledged.highest);
            if self.rounds >= CONSERVATIVE_ROUNDS {
                return Pace::Leave;
            }
        }
        if self.is_conservative() { Pace::Quarter } else { Pace::Full }
    }

    /// Whether round trips have grown longer, so that the window grows by a quarter of what it might.
    pub(crate) fn is_conservative(&self) -> bool {
        self.baseline != NONE
    }

    fn begin_round(&mut self, highest: Seq) {
        self.rounds += (self.baseline != NONE) as u8;
        (self.round_end, self.begun) = (highest, true);
        (self.last_least, self.least, self.samples, self.used) = (self.least, NONE, 0, 0);
    }

    fn sample(&mut self, round_trip: u32) {
        self.least = self.least.min(round_trip);
        self.samples = self.samples.saturating_add(1);
        if self.samples < RTT_SAMPLES {
            return;
        }
        if self.baseline != NONE {
            if self.least < self.baseline {
                // The longer round trips were jitter: slow start goes on.
                (self.baseline, self.rounds) = (NONE, 0);
            }
            return;
        }
        if self.last_least == NONE {
            return;
        }
        let threshold = (self.last_least / MIN_RTT_DIVISOR).clamp(MIN_RTT_THRESHOLD, MAX_RTT_THRESHOLD);
        if self.least >= self.last_least.saturating_add(threshold) {
            self.baseline = self.least;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use basis::Instant;
    use core::time::Duration;

    /// A round of `count` acknowledgments of one number each that measure `milliseconds`; the last one finds as many more sent.
    fn round(hystart: &mut HyStart, next: &mut u32, count: u32, milliseconds: u64) -> Vec<Pace> {
        let end = *next + count;
        (1..=count)
            .map(|n| {
                *next += 1;
                hystart.on_acknowledged(&Acknowledged {
                    now: Instant::ZERO,
                    bytes: 1,
                    segment_size: 1,
                    window_limited: true,
                    in_flight: 0,
                    round_trip: Some(Duration::from_millis(milliseconds)),
                    smoothed: Duration::ZERO,
                    oldest: Seq(*next),
                    highest: Seq(if n == count { end + count } else { end }),
                })
            })
            .collect()
    }

    #[test]
    fn round_trips_that_grow_by_an_eighth_lead_to_conservative_slow_start_and_five_rounds_later_out_of_it() {
        let (mut hystart, mut next) = (HyStart::new(), 0);
        assert_eq!(round(&mut hystart, &mut next, 10, 80), [Pace::Full; 10]);
        assert_eq!(round(&mut hystart, &mut next, 10, 89), [Pace::Full; 10], "9 ms are not 10");
        let paces = round(&mut hystart, &mut next, 10, 101);
        assert_eq!((&paces[..7], &paces[7..]), (&[Pace::Full; 7][..], &[Pace::Quarter; 3][..]));
        for _ in 0..3 {
            assert_eq!(round(&mut hystart, &mut next, 10, 101), [Pace::Quarter; 10]);
        }
        let paces = round(&mut hystart, &mut next, 10, 101);
        assert_eq!((&paces[..9], paces[9]), (&[Pace::Quarter; 9][..], Pace::Leave));
    }

    #[test]
    fn shorter_round_trips_lead_back() {
        let (mut hystart, mut next) = (HyStart::new(), 0);
        round(&mut hystart, &mut next, 10, 20);
        assert_eq!(
            round(&mut hystart, &mut next, 10, 24)[7],
            Pace::Quarter,
            "4 ms are the least that counts"
        );
        let paces = round(&mut hystart, &mut next, 10, 23);
        assert_eq!((&paces[..7], &paces[7..]), (&[Pace::Quarter; 7][..], &[Pace::Full; 3][..]));
    }

    #[test]
    fn more_than_sixteen_milliseconds_always_count() {
        let (mut hystart, mut next) = (HyStart::new(), 0);
        round(&mut hystart, &mut next, 10, 400);
        assert_eq!(round(&mut hystart, &mut next, 10, 415)[7], Pace::Full);
        assert_eq!(round(&mut hystart, &mut next, 10, 431)[7], Pace::Quarter);
    }

    #[test]
    fn fewer_than_eight_measurements_tell_nothing() {
        let (mut hystart, mut next) = (HyStart::new(), 0);
        for milliseconds in [20, 50, 100, 200] {
            assert_eq!(round(&mut hystart, &mut next, 7, milliseconds), [Pace::Full; 7]);
        }
    }
}
