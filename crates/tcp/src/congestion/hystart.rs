//! HyStart++ (RFC 9406): leaves the first slow start when round trips grow longer, before packets are lost.
//!
//! `Deviates:` in two ways that spare a queue of one round trip the overflow. Round trips tell of a queue only when the window is
//! twice what the path holds; acknowledgments in one train that lasts for half a round trip tell it before (Ha and Rhee, "Hybrid
//! Slow Start for High-Bandwidth and Long-Distance Networks", 2008), and begin conservative slow start too. And that ends as soon as
//! round trips grow longer still, not only after five rounds.
//!
//! To leave slow start at once after a long train ([`SlowStartExit::AtOnce`], as Linux does) was tried as a default and loses less, but
//! brings no more across: over 20 ms with 0.1 % loss, of 299 runs of `crates/sim/examples/goodput.rs`, the median was 32.8 Mbit/s instead
//! of 33.7.

use super::algorithm::SlowStartExit;
use super::controller::Acknowledged;
use wire::tcp::Seq;

/// RFC 9406 4.3, in microseconds.
const MIN_RTT_THRESHOLD: u32 = 4_000;
const MAX_RTT_THRESHOLD: u32 = 16_000;
const MIN_RTT_DIVISOR: u32 = 8;
const RTT_SAMPLES: u8 = 8;
const CONSERVATIVE_ROUNDS: u8 = 5;
/// The longest gap in a train of acknowledgments, in microseconds: this, or an eighth of the round trip.
const TRAIN_GAP: u32 = 2_000;
/// No shorter train ends slow start at once: a host may well be busy for so long. In microseconds.
const LEAST_TRAIN: u32 = 500;
/// No smaller window tells anything by trains, in segments.
const TRAIN_WINDOW: u32 = 16;
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

/// How slow start ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Manner {
    Gradual,
    /// Gradually, and a train began conservative slow start: `baseline` is the round trip of the empty path.
    ByTrain,
    AtOnce,
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
    manner: Manner,
    /// When the round's train of acknowledgments began, and when the last of it came, in microseconds that come round; [`NONE`]
    /// before the first.
    train: (u32, u32),
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
            manner: Manner::Gradual,
            train: (NONE, NONE),
        }
    }

    /// Chooses how it ends, unless it is about to.
    pub(crate) fn set_exit(&mut self, exit: SlowStartExit) {
        if !self.is_conservative() {
            self.manner = match exit {
                SlowStartExit::Gradual => Manner::Gradual,
                SlowStartExit::AtOnce => Manner::AtOnce,
            };
        }
    }

    /// Whether it ends at once.
    pub(crate) fn is_hybrid(&self) -> bool {
        self.manner == Manner::AtOnce
    }

    /// Whether `window` has proved itself though it was not filled: more than half of it was used in this round (RFC 7661 4.3).
    #[inline]
    pub(crate) fn has_used(&self, window: u32) -> bool {
        self.used > window / 2
    }

    /// RFC 9406 4.2. The window is `window` bytes.
    #[inline(always)]
    pub(crate) fn on_acknowledged(&mut self, acknowledged: &Acknowledged, window: u32) -> Pace {
        if self.is_hybrid() {
            return self.on_acknowledged_hybrid(&Acknowledged { ..*acknowledged }, window);
        }
        if !self.begun {
            self.begin_round(acknowledged.highest);
        }
        self.used = self.used.max(acknowledged.in_flight);
        let mut leave = false;
        if let Some(round_trip) = acknowledged.round_trip {
            leave = self.sample(round_trip.min(NONE - 1));
        }
        if window >= TRAIN_WINDOW * acknowledged.segment_size
            && (acknowledged.window_limited || self.has_used(window))
        {
            self.follow_train(acknowledged.now.as_micros() as u32);
        }
        // What ends a round was sent in it, so its round trip still counts there.
        if acknowledged.oldest.at_or_after(self.round_end) {
            self.begin_round(acknowledged.highest);
            leave |= self.rounds >= CONSERVATIVE_ROUNDS;
        }
        match self.baseline {
            _ if leave => Pace::Leave,
            NONE => Pace::Full,
            _ => Pace::Quarter,
        }
    }

    /// Hybrid slow start (Ha and Rhee, 2008): ends once the least of a round's first eight round trips is longer than the shortest of
    /// all, or the round's acknowledgments have come in one train for half of it.
    #[inline(never)]
    fn on_acknowledged_hybrid(&mut self, acknowledged: &Acknowledged, window: u32) -> Pace {
        let small = window < TRAIN_WINDOW * acknowledged.segment_size;
        if !small && (!self.begun || acknowledged.oldest.after(self.round_end)) {
            let used = if self.begun { 0 } else { self.used };
            self.begin_round(acknowledged.highest);
            self.used = used;
        }
        self.used = self.used.max(acknowledged.in_flight);
        if small {
            return Pace::Full;
        }
        let Some(round_trip) = acknowledged.round_trip else { return Pace::Full };
        let shortest = acknowledged.shortest.min(round_trip);
        self.least = self.least.min(round_trip);
        if self.samples < RTT_SAMPLES {
            self.samples += 1;
        } else if is_longer(self.least, shortest) {
            return Pace::Leave;
        }
        self.last_least = shortest;
        self.follow_train(acknowledged.now.as_micros() as u32);
        if self.is_conservative() { Pace::Leave } else { Pace::Full }
    }

    /// Whether round trips have grown longer, so that the window grows by a quarter of what it might.
    pub(crate) fn is_conservative(&self) -> bool {
        self.baseline != NONE
    }

    fn begin_round(&mut self, highest: Seq) {
        self.rounds += (self.baseline != NONE) as u8;
        (self.round_end, self.begun, self.train) = (highest, true, (NONE, NONE));
        (self.last_least, self.least, self.samples, self.used) = (self.least, NONE, 0, 0);
    }

    /// An acknowledgment came; when those of this round have come in one train for half a round trip, the path is full.
    #[inline(never)]
    fn follow_train(&mut self, now: u32) {
        let shortest = self.last_least.min(self.least);
        if self.manner == Manner::ByTrain || shortest == NONE {
            return;
        }
        let (began, last) = if self.train.0 == NONE { (now, now) } else { self.train };
        if now.wrapping_sub(last) > TRAIN_GAP.max(shortest / 8) {
            return;
        }
        self.train = (began, now);
        let long = if self.is_hybrid() { (shortest / 2).max(LEAST_TRAIN) } else { shortest / 2 };
        if now.wrapping_sub(began) > long {
            self.baseline = shortest;
            self.manner = if self.is_hybrid() { Manner::AtOnce } else { Manner::ByTrain };
        }
    }

    /// Takes in a round-trip time. Returns whether slow start is over.
    #[inline]
    fn sample(&mut self, round_trip: u32) -> bool {
        self.least = self.least.min(round_trip);
        self.samples = self.samples.saturating_add(1);
        self.samples >= RTT_SAMPLES && self.judge()
    }

    /// Whether slow start is over, as far as the round's samples tell.
    #[inline(never)]
    fn judge(&mut self) -> bool {
        let longer = |than: u32| is_longer(self.least, than);
        if self.baseline != NONE {
            if self.least < self.baseline && self.manner == Manner::Gradual {
                // The longer round trips were jitter: slow start goes on.
                (self.baseline, self.rounds) = (NONE, 0);
            }
            return longer(self.baseline);
        }
        if self.last_least != NONE && longer(self.last_least) {
            self.baseline = self.least;
        }
        false
    }
}

/// RttThresh: whether a round-trip time is that much longer than another one that it tells of a queue.
fn is_longer(round_trip: u32, than: u32) -> bool {
    let threshold = (than / MIN_RTT_DIVISOR).clamp(MIN_RTT_THRESHOLD, MAX_RTT_THRESHOLD);
    round_trip >= than.saturating_add(threshold)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use basis::Instant;

    /// A round of `count` acknowledgments of one number each that measure `milliseconds`; the last one finds as many more sent.
    fn round(hystart: &mut HyStart, next: &mut u32, count: u32, milliseconds: u32) -> Vec<Pace> {
        let end = *next + count;
        (1..=count)
            .map(|n| {
                *next += 1;
                let acknowledged = Acknowledged {
                    now: Instant::ZERO,
                    bytes: 1,
                    segment_size: 1,
                    window_limited: true,
                    in_flight: 0,
                    round_trip: Some(milliseconds * 1_000),
                    shortest: 0,
                    oldest: Seq(*next),
                    highest: Seq(if n == count { end + count } else { end }),
                };
                hystart.on_acknowledged(&acknowledged, count)
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

    fn acknowledge(hystart: &mut HyStart, now: u64, number: u32, window: u32, round_trip: u32) -> Pace {
        acknowledge_of(hystart, now, number, window, round_trip, 0)
    }

    /// An acknowledgment of one segment of a window of `window` segments at `now`, in milliseconds.
    fn acknowledge_of(
        hystart: &mut HyStart,
        now: u64,
        number: u32,
        window: u32,
        round_trip: u32,
        shortest: u32,
    ) -> Pace {
        let acknowledged = Acknowledged {
            now: Instant::from_millis(now),
            bytes: 1,
            segment_size: 1,
            window_limited: true,
            in_flight: 0,
            round_trip: Some(round_trip * 1_000),
            shortest: shortest * 1_000,
            oldest: Seq(number),
            highest: Seq(number + 1_000_000),
        };
        hystart.on_acknowledged(&acknowledged, window)
    }

    #[test]
    fn a_train_of_acknowledgments_for_half_a_round_trip_begins_conservative_slow_start() {
        let train = |gap: u64, window| {
            let mut hystart = HyStart::new();
            let paces = (0..=60 / gap).map(|n| acknowledge(&mut hystart, n * gap, n as u32, window, 100));
            let at = paces.collect::<Vec<_>>().iter().position(|pace| *pace == Pace::Quarter);
            at.map(|at| at as u64 * gap)
        };
        assert_eq!(train(1, 16), Some(51));
        assert_eq!(train(12, 16), Some(60), "an eighth of the round trip is no gap");
        assert_eq!(train(13, 16), None, "and more is one");
        assert_eq!(train(1, 15), None, "a small window tells nothing");
    }

    #[test]
    fn at_once_slow_start_ends_with_the_ninth_round_trip_that_is_longer_than_the_shortest() {
        let exit = |window, round_trip: u32| {
            let mut hystart = HyStart::new();
            hystart.set_exit(SlowStartExit::AtOnce);
            acknowledge_of(&mut hystart, 0, 1, window, 100, 100);
            let mut paces = (1..30).map(|n| {
                acknowledge_of(&mut hystart, 1_000 + 20 * n, 1_000_001 + n as u32, window, round_trip, 100)
            });
            paces.position(|pace| pace != Pace::Full).map(|at| at + 1)
        };
        assert_eq!(exit(16, 113), Some(9));
        assert_eq!(exit(16, 112), None, "12 ms are less than an eighth");
        assert_eq!(exit(15, 200), None, "a small window tells nothing");
    }

    #[test]
    fn at_once_a_train_ends_slow_start() {
        let mut hystart = HyStart::new();
        hystart.set_exit(SlowStartExit::AtOnce);
        let mut paces = (0..60).map(|n| acknowledge_of(&mut hystart, n, n as u32, 16, 100, 100));
        assert_eq!(paces.position(|pace| pace == Pace::Leave), Some(51));
    }

    #[test]
    fn once_a_train_has_begun_it_longer_round_trips_end_slow_start_at_once() {
        let mut hystart = HyStart::new();
        for n in 0..=51 {
            acknowledge(&mut hystart, n, n as u32, 100, 100);
        }
        // The round that began with the train ends, and in the next one the least of eight counts.
        assert_eq!(acknowledge(&mut hystart, 100, 1_000_000, 100, 100), Pace::Quarter);
        let mut paces = (0..8).map(|n| acknowledge(&mut hystart, 200 + n, 1_000_000, 100, 113));
        assert!(paces.by_ref().take(7).all(|pace| pace == Pace::Quarter));
        assert_eq!(paces.next(), Some(Pace::Leave));
    }
}
