//! Asking a silent peer whether it still lives (RFC 9293 3.8.4).

use crate::settings::Keepalive;
use crate::timers::{Timer, Timers};
use basis::Instant;
use core::time::Duration;

/// Probes since the peer was last heard.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KeepaliveState {
    unanswered: u8,
    due: bool,
}

impl KeepaliveState {
    /// The peer was heard.
    pub(super) const FRESH: KeepaliveState = KeepaliveState { unanswered: 0, due: false };

    /// The peer was heard, or the option changed: silence begins anew.
    #[inline]
    pub(crate) fn on_heard(&mut self, keepalive: Option<Keepalive>, timers: &mut Timers, now: Instant) {
        *self = KeepaliveState::default();
        match keepalive {
            Some(keepalive) => timers.arm(Timer::Keepalive, now + keepalive.idle),
            None => timers.stop(Timer::Keepalive),
        }
    }

    /// The timer expired; `busy` while data is under way, whose retransmissions ask already: then the wait goes on without
    /// probes. Returns false once the peer has been silent through all of it, or for the user timeout (RFC 5482 3), which then
    /// stands for the number of probes.
    pub(crate) fn on_expired(
        &mut self,
        keepalive: Keepalive,
        user_timeout: Option<Duration>,
        busy: bool,
        timers: &mut Timers,
        now: Instant,
    ) -> bool {
        let silent =
            keepalive.idle.saturating_add(keepalive.interval.saturating_mul(u32::from(self.unanswered)));
        let over = match user_timeout {
            Some(timeout) => self.unanswered > 0 && silent >= timeout,
            None => self.unanswered >= keepalive.probes,
        };
        if over || self.unanswered == u8::MAX {
            return false;
        }
        self.unanswered += 1;
        self.due = !busy;
        timers.arm(Timer::Keepalive, now + keepalive.interval);
        true
    }

    #[inline]
    pub(crate) fn is_due(&self) -> bool {
        self.due
    }

    pub(crate) fn take_due(&mut self) -> bool {
        core::mem::take(&mut self.due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_two_hours_ten_probes_75_seconds_apart_and_then_the_end() {
        let keepalive = Keepalive::default();
        let (mut state, mut timers) = (KeepaliveState::default(), Timers::new());
        state.on_heard(Some(keepalive), &mut timers, Instant::ZERO);
        for n in 0..10 {
            let due = Instant::ZERO + Duration::from_secs(7_200 + 75 * n);
            assert_eq!(timers.pop_expired(true, Instant::from_nanos(due.as_nanos() - 1)), None);
            assert_eq!(timers.pop_expired(true, due), Some(Timer::Keepalive));
            assert!(state.on_expired(keepalive, None, false, &mut timers, due) && state.take_due());
        }
        let end = Instant::ZERO + Duration::from_secs(7_200 + 750);
        assert_eq!(timers.pop_expired(true, end), Some(Timer::Keepalive));
        assert!(!state.on_expired(keepalive, None, false, &mut timers, end));
    }

    #[test]
    fn while_data_is_under_way_the_peer_gets_as_long_but_no_probes() {
        let keepalive = Keepalive::default();
        let (mut state, mut timers) = (KeepaliveState::default(), Timers::new());
        state.on_heard(Some(keepalive), &mut timers, Instant::ZERO);
        let mut expiries = 0;
        let later = Instant::from_millis(1);
        while state.on_expired(keepalive, None, true, &mut timers, later) {
            assert!(!state.take_due());
            expiries += 1;
        }
        assert_eq!(expiries, 10);
    }
    #[test]
    fn a_user_timeout_stands_for_the_number_of_probes() {
        let keepalive =
            Keepalive { idle: Duration::from_secs(10), interval: Duration::from_secs(2), probes: 1 };
        for (timeout, probes) in [(1, 1), (12, 1), (13, 2), (600, 255)] {
            let (mut state, mut timers) = (KeepaliveState::default(), Timers::new());
            let timeout = Some(Duration::from_secs(timeout));
            let expiries = (0..1_000).take_while(|_| {
                state.on_expired(keepalive, timeout, false, &mut timers, Instant::from_millis(1))
            });
            assert_eq!(expiries.count(), probes);
        }
    }
}
