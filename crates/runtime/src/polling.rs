//! Whether a driver asks once more before it sleeps.

use basis::Instant;
use std::time::Duration;

/// The longest time to ask for that can be set.
const LONGEST: Duration = Duration::from_millis(1);
/// The time to ask for at most where an application's thread drives: it would only wait, and to be woken takes it longer.
const LEADER: Duration = Duration::from_micros(100);
/// The time to ask for to begin with, once it looks worthwhile.
const LEAST: Duration = Duration::from_micros(4);

/// To sleep and to be woken takes some microseconds, and so does the answer of a peer that is near. Where such answers come soon after sleep
/// began, a driver goes on asking for a moment after traffic instead; where they do not, or nothing comes at all, it sleeps at once.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Polling {
    /// The bound, zero for never.
    most: Duration,
    /// How long it asks at present.
    time: Duration,
    /// When something moved last.
    moved: Instant,
    /// When there was nothing left to ask for, if it has been still since then.
    still: Option<Instant>,
}

impl Polling {
    /// For up to `most` after the last traffic.
    pub(crate) fn new(most: Duration) -> Polling {
        Polling { most: most.min(LONGEST), ..Polling::default() }
    }

    /// The same for one who drives while it waits.
    pub(crate) fn of_leader(most: Duration) -> Polling {
        Polling::new(most.max(LEADER))
    }

    pub(crate) fn is_on(&self) -> bool {
        !self.most.is_zero()
    }

    /// A turn has come to its end, in which something `moved` or not: whether another one follows at once though there is nothing to do.
    pub(crate) fn goes_on(&mut self, now: Instant, moved: bool) -> bool {
        if moved {
            self.moved = now;
            if let Some(still) = self.still.take() {
                self.learn(now - still);
            }
        }
        let goes_on = now - self.moved < self.time;
        if !goes_on {
            self.still.get_or_insert(now);
        }
        goes_on
    }

    /// A sleep has been ended by traffic.
    fn learn(&mut self, slept: Duration) {
        self.time = if slept <= self.most {
            (self.time * 2).clamp(LEAST.min(self.most), self.most)
        } else if self.time > LEAST {
            self.time / 2
        } else {
            Duration::ZERO
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: fn(u64) -> Instant = |micros| Instant::from_nanos(micros * 1000);
    const MOST: Duration = Duration::from_micros(50);

    /// Turns after traffic at `at` until it sleeps; the moment at which it does.
    fn sleeps_at(polling: &mut Polling, at: u64) -> u64 {
        let mut now = at;
        let mut moved = true;
        while polling.goes_on(T(now), moved) {
            (now, moved) = (now + 1, false);
        }
        now
    }

    #[test]
    fn it_asks_for_longer_where_answers_come_soon_and_never_for_longer_than_its_bound() {
        let mut polling = Polling::new(MOST);
        let (mut now, mut times) = (1000, Vec::new());
        for _ in 0..8 {
            let slept = sleeps_at(&mut polling, now);
            times.push(slept - now);
            now = slept + 20;
        }
        assert_eq!(times, [0, 4, 8, 16, 32, 50, 50, 50]);
    }

    #[test]
    fn it_asks_for_less_and_then_for_nothing_where_they_do_not() {
        let mut polling = Polling::new(MOST);
        let mut now = 1000;
        for _ in 0..8 {
            now = sleeps_at(&mut polling, now) + 20;
        }
        let mut times = Vec::new();
        for _ in 0..7 {
            now += 1_000_000;
            let slept = sleeps_at(&mut polling, now);
            times.push(slept - now);
            now = slept;
        }
        assert_eq!(times, [25, 13, 7, 4, 0, 0, 0], "25, 12.5, 6.25 and 3.125 microseconds");
    }

    #[test]
    fn without_traffic_it_never_goes_on() {
        let mut polling = Polling::new(MOST);
        for _ in 0..8 {
            sleeps_at(&mut polling, 1000);
            polling.goes_on(T(1020), true);
        }
        assert!((2000..5000).all(|now| !polling.goes_on(T(now), false)));
    }

    #[test]
    fn it_can_be_switched_off_and_is_bounded() {
        let mut off = Polling::new(Duration::ZERO);
        assert!(!off.is_on() && !off.goes_on(T(1), true) && !off.goes_on(T(2), true));
        assert_eq!(Polling::new(Duration::from_secs(1)).most, LONGEST);
    }
}
