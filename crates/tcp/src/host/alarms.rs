//! When connections are to be woken.

use basis::{Instant, TimerId, TimerWheel};

/// The token of a timer that is nobody's: no slot has this number.
const NOBODY: u32 = u32::MAX;

/// The wheel, and one timer that the last connections left armed. The next one takes it over if it would wake it in time: where
/// connections come and go, most never touch the wheel.
#[derive(Clone, Debug)]
pub(crate) struct Alarms {
    wheel: TimerWheel,
    spare: TimerId,
    /// When the spare timer expires; [`Instant::FAR_FUTURE`] if there is none.
    spare_at: Instant,
}

impl Alarms {
    pub(crate) fn new(now: Instant) -> Alarms {
        Alarms { wheel: TimerWheel::new(now), spare: TimerId::NONE, spare_at: Instant::FAR_FUTURE }
    }

    /// Sees to it that the connection at `index` is woken by `deadline`; returns its timer, and when that expires: not later.
    pub(crate) fn arm(&mut self, deadline: Instant, index: u32) -> (TimerId, Instant) {
        if self.spare_at > deadline {
            return (self.wheel.arm(deadline, index), deadline);
        }
        self.wheel.assign(self.spare, index);
        (self.spare, core::mem::replace(&mut self.spare_at, Instant::FAR_FUTURE))
    }

    pub(crate) fn rearm(&mut self, timer: TimerId, deadline: Instant) {
        self.wheel.rearm(timer, deadline);
    }

    /// A connection is gone whose `timer` expires at `armed`. It is kept if that is soon, and `others` are there to use it: a host
    /// without connections is not woken.
    pub(crate) fn leave(&mut self, timer: TimerId, armed: Instant, others: bool) {
        if !others || self.spare_at <= armed {
            return self.wheel.cancel(timer);
        }
        self.drop_spare();
        self.wheel.assign(timer, NOBODY);
        (self.spare, self.spare_at) = (timer, armed);
    }

    /// Nobody is left to take a timer over.
    pub(crate) fn drop_spare(&mut self) {
        if self.spare_at != Instant::FAR_FUTURE {
            self.spare_at = Instant::FAR_FUTURE;
            self.wheel.cancel(self.spare);
        }
    }

    /// A connection whose time has come; its timer is gone.
    pub(crate) fn pop_expired(&mut self, now: Instant) -> Option<u32> {
        match self.wheel.pop_expired(now)? {
            NOBODY => {
                self.spare_at = Instant::FAR_FUTURE;
                self.wheel.pop_expired(now)
            }
            index => Some(index),
        }
    }

    /// When [`Alarms::pop_expired`] is to be asked next; [`Instant::FAR_FUTURE`] for never.
    pub(crate) fn next_deadline(&self) -> Instant {
        self.wheel.next_deadline().unwrap_or(Instant::FAR_FUTURE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: fn(u64) -> Instant = Instant::from_millis;

    #[test]
    fn a_timer_that_is_left_wakes_the_next_one_if_it_does_so_in_time() {
        let mut alarms = Alarms::new(AT(0));
        let (timer, armed) = alarms.arm(AT(200), 1);
        alarms.leave(timer, armed, true);
        let (early, early_at) = alarms.arm(AT(199), 2);
        assert!(early != timer && early_at == AT(199), "too late for this one");
        assert_eq!(alarms.arm(AT(300), 3), (timer, AT(200)));
        assert_eq!(alarms.arm(AT(300), 4).1, AT(300), "there was but one");
        assert_eq!(alarms.pop_expired(AT(199)), Some(2));
        assert_eq!(alarms.pop_expired(AT(250)), Some(3));
        assert_eq!(alarms.pop_expired(AT(250)), None);
        assert_eq!(alarms.next_deadline(), AT(300));
    }

    #[test]
    fn of_what_is_left_only_the_earliest_is_kept_and_it_expires_for_nobody() {
        let mut alarms = Alarms::new(AT(0));
        let mut left = |deadline| {
            let timer = alarms.wheel.arm(deadline, 1);
            alarms.leave(timer, deadline, true);
            alarms.wheel.armed()
        };
        assert_eq!([500, 200, 300].map(|deadline| left(AT(deadline))), [1, 1, 1]);
        assert_eq!(alarms.next_deadline(), AT(200));
        let (_, armed) = alarms.arm(AT(100), 2);
        assert_eq!(armed, AT(100));
        assert_eq!(alarms.pop_expired(AT(200)), Some(2));
        assert_eq!((alarms.pop_expired(AT(200)), alarms.next_deadline()), (None, Instant::FAR_FUTURE));
        assert_eq!(alarms.arm(AT(250), 3).1, AT(250), "the spare one has expired");
    }

    #[test]
    fn without_connections_no_timer_is_left() {
        let mut alarms = Alarms::new(AT(0));
        let (first, second) = (alarms.arm(AT(10), 1), alarms.arm(AT(20), 2));
        alarms.leave(first.0, first.1, true);
        alarms.leave(second.0, second.1, false);
        alarms.drop_spare();
        assert_eq!((alarms.next_deadline(), alarms.wheel.armed()), (Instant::FAR_FUTURE, 0));
    }
}
