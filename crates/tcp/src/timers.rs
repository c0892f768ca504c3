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
}

impl Timer {
    /// All of them, the most urgent first.
    pub const ALL: [Timer; 5] =
        [Timer::Retransmit, Timer::Probe, Timer::DelayedAck, Timer::Keepalive, Timer::FinWait2];
}

/// The deadline of each timer; an idle connection has none armed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timers {
    deadlines: [Instant; Timer::ALL.len()],
    /// No deadline is before this one. It moves forward only when it has come: timers are stopped and armed again with every
    /// segment, and expire seldom.
    earliest: Instant,
}

impl Timers {
    pub(crate) const fn new() -> Timers {
        Timers { deadlines: [Instant::FAR_FUTURE; Timer::ALL.len()], earliest: Instant::FAR_FUTURE }
    }

    #[inline]
    pub(crate) fn arm(&mut self, timer: Timer, deadline: Instant) {
        self.deadlines[timer as usize] = deadline;
        self.earliest = self.earliest.min(deadline);
    }

    #[inline]
    pub(crate) fn stop(&mut self, timer: Timer) {
        self.deadlines[timer as usize] = Instant::FAR_FUTURE;
    }

    #[inline]
    pub(crate) fn is_armed(&self, timer: Timer) -> bool {
        self.deadlines[timer as usize] != Instant::FAR_FUTURE
    }

    /// Each timer's deadline, in the order of [`Timer::ALL`].
    pub(crate) const fn deadlines(&self) -> [Instant; Timer::ALL.len()] {
        self.deadlines
    }

    /// When to ask for expired timers: no later than the first deadline, or [`Instant::FAR_FUTURE`].
    #[inline]
    pub(crate) fn next(&self) -> Instant {
        self.earliest
    }

    /// Stops one timer whose deadline has come, and returns it.
    pub(crate) fn pop_expired(&mut self, now: Instant) -> Option<Timer> {
        if self.earliest > now {
            return None;
        }
        let expired = Timer::ALL.into_iter().find(|timer| self.deadlines[*timer as usize] <= now);
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
        assert_eq!(timers.pop_expired(Instant::from_millis(19)), None);
        assert_eq!(timers.next(), Instant::from_millis(20), "asked for nothing, it knows better now");
        assert_eq!(timers.pop_expired(Instant::from_millis(20)), Some(Timer::Retransmit));
        assert_eq!(timers.pop_expired(Instant::from_millis(20)), None);
        assert_eq!(timers.next(), Instant::FAR_FUTURE);
    }
}
