//! Moments for which a device is left alone between two turns of reading, while its kernel sends as fast as it can.
//!
//! A super-segment that is taken at once was just written by the sender's processor, and the memory in which it came is written again as soon as it
//! is acknowledged: each of its lines then goes from one processor's own cache to the other's and back, several times as slow as a copy within one
//! cache, or from the cache that all share. So a device that brings that much is left alone for a moment once it has been read empty, and the sender writes
//! undisturbed meanwhile; while there is more to read, it is read. A timer's descriptor takes the place of the device's in the event loop.
//!
//! A sender that waits for an answer, or for our window, sends nothing more during a rest: then less comes with rests than
//! without, and there are none for a while.

use basis::Instant;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::time::Duration;

/// How long a rest is.
const REST: Duration = Duration::from_micros(250);
/// What comes is judged by spans of that length.
const SPAN: Duration = Duration::from_millis(8);
/// Bytes in a microsecond that are much.
const MUCH: u64 = 1_000;
/// So many spans in a row have to say the same.
const SPANS: u8 = 3;
/// After rests that were in vain there are none for that long; each time in a row for twice as long, up to a bound.
const LEAST: Duration = Duration::from_millis(100);
const MOST: Duration = Duration::from_secs(3);

/// Decides when a device rests.
struct Judge {
    /// The present span, and what has come in it.
    begin: Instant,
    bytes: u64,
    /// Spans in a row that speak for a change.
    spans: u8,
    /// What came in a microsecond without rests, while there are some.
    without: Option<u64>,
    /// No rests before.
    after: Instant,
    penalty: Duration,
}

impl Judge {
    fn new() -> Judge {
        let never = Instant::ZERO;
        Judge { begin: never, bytes: 0, spans: 0, without: None, after: never, penalty: LEAST }
    }

    /// A turn is over that brought so many bytes; whether it is one of those after which to rest.
    fn on_turn(&mut self, now: Instant, bytes: u64) -> bool {
        self.bytes += bytes;
        let time = now - self.begin;
        if time >= SPAN * SPANS.into() && self.without.is_some() {
            // A silence: whatever comes behind it is something else, and speaks neither for rests nor against them.
            (self.begin, self.bytes, self.spans, self.without) = (now, 0, 0, None);
        } else if time >= SPAN {
            let rate = self.bytes / u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
            (self.begin, self.bytes) = (now, 0);
            self.judge(now, rate);
        }
        self.without.is_some()
    }

    fn judge(&mut self, now: Instant, rate: u64) {
        let speaks_for_change = match self.without {
            None => rate >= MUCH && now >= self.after,
            Some(without) => rate < MUCH.max(without / 4 * 3),
        };
        self.spans = if speaks_for_change { self.spans + 1 } else { 0 };
        if self.spans < SPANS {
            // Rests that were good for long are forgiven those that were not.
            if self.without.is_some() && now >= self.after + MOST {
                self.penalty = LEAST;
            }
            return;
        }
        self.spans = 0;
        if self.without.take().is_none() {
            self.without = Some(rate);
        } else {
            self.after = now + self.penalty;
            self.penalty = (self.penalty * 2).min(MOST);
        }
    }
}

/// The rests of one device.
pub(super) struct Rests {
    judge: Judge,
    timer: OwnedFd,
    is_on: bool,
}

impl Rests {
    /// None if the system has no timer to give.
    pub(super) fn new() -> Option<Rests> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags).ok()?;
        Some(Rests { judge: Judge::new(), timer, is_on: false })
    }

    /// A turn is over that brought so many bytes and left something or not. Perhaps a rest begins with it; one that had begun is over.
    pub(super) fn on_turn(&mut self, now: Instant, bytes: u64, more: bool) {
        // A look at a device that has brought nothing says nothing of a sender.
        let rests = bytes > 0 && self.judge.on_turn(now, bytes) && !more;
        self.is_on = rests && self.begin().is_ok();
    }

    fn begin(&self) -> rustix::io::Result<()> {
        let nothing = Timespec { tv_sec: 0, tv_nsec: 0 };
        let rest = Timespec { tv_sec: 0, tv_nsec: REST.subsec_nanos().into() };
        let once = Itimerspec { it_interval: nothing, it_value: rest };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once).map(drop)
    }

    /// What becomes readable when the present rest is over.
    pub(super) fn source(&self) -> Option<RawFd> {
        self.is_on.then(|| self.timer.as_raw_fd())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::event::{PollFd, PollFlags, poll};

    /// Turns for `time`, each of which takes a hundred microseconds and a rest's time if it rests, and brings what comes in that.
    fn run(judge: &mut Judge, now: &mut Instant, time: Duration, bytes: impl Fn(bool) -> u64) -> (u32, u32) {
        let (end, mut rested, mut turns) = (*now + time, 0, 0);
        let mut rests = judge.without.is_some();
        while *now < end {
            *now += Duration::from_micros(100) + if rests { REST } else { Duration::ZERO };
            rests = judge.on_turn(*now, bytes(rests));
            (rested, turns) = (rested + u32::from(rests), turns + 1);
        }
        (rested, turns)
    }

    /// What a sender without any bound sends in a turn.
    fn steady(rate: u64) -> impl Fn(bool) -> u64 {
        move |rested| rate * if rested { 100 + REST.as_micros() as u64 } else { 100 }
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn it_rests_while_much_comes_and_never_while_little_does() {
        let (mut judge, mut now) = (Judge::new(), Instant::from_millis(5_000));
        assert_eq!(run(&mut judge, &mut now, SECOND, steady(MUCH - 1)).0, 0);
        // Not for a burst.
        assert_eq!(run(&mut judge, &mut now, SPAN * 2, steady(MUCH)).0, 0);
        assert_eq!(run(&mut judge, &mut now, SECOND, steady(MUCH / 2)).0, 0);
        let (rested, turns) = run(&mut judge, &mut now, SECOND, steady(MUCH));
        assert!(rested * 10 > turns * 8, "{rested} of {turns}");
        // It goes on while as much comes, and as little as three quarters of it.
        judge.without = Some(4 * MUCH);
        let (rested, turns) = run(&mut judge, &mut now, SECOND, steady(3 * MUCH));
        assert_eq!(rested, turns);
        run(&mut judge, &mut now, SPAN * 5, steady(3 * MUCH - 1));
        assert_eq!(judge.without, None);
    }

    #[test]
    fn whoever_waits_for_an_answer_is_left_alone_ever_more_seldom() {
        let (mut judge, mut now) = (Judge::new(), Instant::from_millis(5_000));
        // A message a turn, and no other one before this is answered.
        let message = |_| MUCH * 200;
        let mut shares = Vec::new();
        for _ in 0..10 {
            let (rested, turns) = run(&mut judge, &mut now, SECOND, message);
            shares.push(f64::from(rested) / f64::from(turns));
        }
        assert!(shares.iter().all(|share| *share < 0.06), "{shares:?}");
        assert!(shares[5..].iter().sum::<f64>() < 0.06, "{shares:?}");
        assert!(judge.penalty == MOST && judge.after <= now + MOST);
        // In the end something else is sent, and what was is forgiven.
        run(&mut judge, &mut now, MOST * 3, steady(MUCH * 5));
        assert!(judge.without.is_some() && judge.penalty == LEAST);
    }

    #[test]
    fn one_bad_span_ends_nothing_and_three_do() {
        let (mut judge, mut now) = (Judge::new(), Instant::from_millis(5_000));
        run(&mut judge, &mut now, SECOND, steady(MUCH * 5));
        run(&mut judge, &mut now, SPAN, steady(1));
        run(&mut judge, &mut now, SPAN * 2, steady(MUCH * 5));
        assert!(judge.without.is_some());
        run(&mut judge, &mut now, SPAN * 4, steady(1));
        assert!(judge.without.is_none());
    }

    #[test]
    fn what_comes_behind_a_silence_is_not_waited_for_and_the_next_much_is_again() {
        let (mut judge, mut now) = (Judge::new(), Instant::from_millis(5_000));
        run(&mut judge, &mut now, SECOND, steady(MUCH * 5));
        assert!(judge.without.is_some());
        now += SPAN * SPANS.into();
        assert!(!judge.on_turn(now, 1));
        assert_eq!(judge.penalty, LEAST);
        run(&mut judge, &mut now, SPAN * 5, steady(MUCH * 5));
        assert!(judge.without.is_some());
    }

    #[test]
    fn a_rest_ends_by_itself_and_none_follows_a_turn_that_left_something_or_brought_nothing() {
        let mut rests = Rests::new().unwrap();
        rests.judge.without = Some(0);
        let now = Instant::ZERO;
        for (bytes, more, rests_then) in [(1, false, true), (1, true, false), (0, false, false)] {
            rests.on_turn(now, bytes, more);
            assert_eq!(rests.source().is_some(), rests_then);
        }
        // Looks in vain, as for timers of the stack, are no bad spans: what ends rests behind them is silence.
        for _ in 0..10 {
            rests.on_turn(now + SPAN, 0, false);
        }
        assert!(rests.judge.spans == 0 && rests.judge.without.is_some());
        rests.on_turn(now, 1, false);
        assert_eq!(rests.source(), Some(rests.timer.as_raw_fd()));
        let mut watched = [PollFd::new(&rests.timer, PollFlags::IN)];
        assert_eq!(poll(&mut watched, Some(&Timespec { tv_sec: 30, tv_nsec: 0 })).unwrap(), 1);
    }
}
