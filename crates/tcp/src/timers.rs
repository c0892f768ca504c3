//! The timers of one connection.

use basis::Instant;
use core::time::Duration;

/// The first wait for the answer to a SYN or SYN-ACK; it doubles with each (RFC 6298 5.7 and 2.1).
pub(crate) const INITIAL_TIMEOUT: Duration = Duration::from_secs(1);

/// What a connection can wait for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Timer {
    /// Sent data or FIN is unacknowledged (RFC 6298).
    Retransmit,
    /// The peer's window is closed, or too small for what waits (RFC 9293 3.8.6.1).
    Probe,
    /// Received data is unacknowledged (RFC 9293 3.8.6.3).
    DelayedAck,
    /// The peer is silent (RFC 9293 3.8.4).
    Keepalive,
    /// The application is gone and the peer's FIN is not here yet.
    FinWait2,
    /// The next segment may leave only then.
    Pacing,
}

impl Timer {
    /// All of them.
    pub const ALL: [Timer; 6] = [
        Timer::Retransmit,
        Timer::Probe,
        Timer::DelayedAck,
        Timer::Keepalive,
        Timer::FinWait2,
        Timer::Pacing,
    ];

    /// Its place among the deadlines. FIN-WAIT-2 begins when all is acknowledged, the FIN last: then nothing is left to be paced.
    #[inline]
    const fn place(self) -> usize {
        match self {
            Timer::Pacing => Timer::FinWait2 as usize,
            timer => timer as usize,
        }
    }
}

/// Places for deadlines.
const PLACES: usize = Timer::ALL.len() - 1;

/// The deadline of each timer; an idle connection has none armed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timers {
    deadlines: [Instant; PLACES],
    /// No deadline is before this one. It moves forward only when it has come: timers are stopped and armed again with every
    /// segment, and expire seldom.
    earliest: Instant,
}

impl Timers {
    pub(crate) const fn new() -> Timers {
        Timers { deadlines: [Instant::FAR_FUTURE; PLACES], earliest: Instant::FAR_FUTURE }
    }

    #[inline]
    pub(crate) fn arm(&mut self, timer: Timer, deadline: Instant) {
        self.deadlines[timer.place()] = deadline;
        self.earliest = self.earliest.min(deadline);
    }

    #[inline]
    pub(crate) fn stop(&mut self, timer: Timer) {
        self.deadlines[timer.place()] = Instant::FAR_FUTURE;
    }

    #[inline]
    pub(crate) fn is_armed(&self, timer: Timer) -> bool {
        self.deadlines[timer.place()] != Instant::FAR_FUTURE
    }

    /// Each timer's deadline, in the order of [`Timer::ALL`]; `sending` tells that something sent is not acknowledged yet, or
    /// something may still be sent.
    pub(crate) fn deadlines(&self, sending: bool) -> [Instant; Timer::ALL.len()] {
        Timer::ALL.map(|timer| match (timer, sending) {
            (Timer::FinWait2, true) | (Timer::Pacing, false) => Instant::FAR_FUTURE,
            _ => self.deadlines[timer.place()],
        })
    }

    /// When to ask for expired timers: no later than the first deadline, or [`Instant::FAR_FUTURE`].
    #[inline]
    pub(crate) fn next(&self) -> Instant {
        self.earliest
    }

    /// Stops one timer whose deadline has come, and returns it. `sending` as for [`Timers::deadlines`].
    pub(crate) fn pop_expired(&mut self, sending: bool, now: Instant) -> Option<Timer> {
        if self.earliest > now {
            return None;
        }
        let of_its_phase = |timer: &Timer| *timer != if sending { Timer::FinWait2 } else { Timer::Pacing };
        let expired =
            Timer::ALL.into_iter().filter(of_its_phase).find(|timer| self.deadlines[timer.place()] <= now);
        match expired {
            Some(timer) => self.stop(timer),
            None => self.earliest = self.deadlines.iter().copied().fold(Instant::FAR_FUTURE, Instant::min),
        }
        expired
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_that_was_stopped_or_put_off_does_not_expire() {
        let mut timers = Timers::new();
        timers.arm(Timer::Retransmit, Instant::from_millis(5));
        timers.arm(Timer::DelayedAck, Instant::from_millis(7));
        timers.arm(Timer::Retransmit, Instant::from_millis(20));
        timers.stop(Timer::DelayedAck);
        assert_eq!(timers.pop_expired(true, Instant::from_millis(19)), None);
        assert_eq!(timers.next(), Instant::from_millis(20), "asked for nothing, it knows better now");
        assert_eq!(timers.pop_expired(true, Instant::from_millis(20)), Some(Timer::Retransmit));
        assert_eq!(timers.pop_expired(true, Instant::from_millis(20)), None);
        assert_eq!(timers.next(), Instant::FAR_FUTURE);
    }

    #[test]
    fn pacing_and_fin_wait_2_never_run_at_once_and_share_a_place() {
        let due = Instant::from_millis(5);
        for (timer, sending) in [(Timer::Pacing, true), (Timer::FinWait2, false)] {
            let mut timers = Timers::new();
            timers.arm(timer, due);
            let armed = timers.deadlines(sending).map(|deadline| deadline == due);
            assert_eq!(armed, Timer::ALL.map(|other| other == timer));
            assert_eq!(timers.pop_expired(sending, due), Some(timer));
            assert_eq!(timers.pop_expired(sending, due), None);
        }
    }
}
