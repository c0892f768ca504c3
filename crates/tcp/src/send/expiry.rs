//! The sender's timers: retransmission (RFC 6298) and probing a closed window (RFC 9293 3.8.6.1).

use super::sender::Sender;
use crate::config::Settings;
use crate::congestion::Setback;
use crate::environment::Environment;
use crate::timers::{Timer, Timers};
use basis::Instant;
use wire::tcp::Seq;

/// What a time-out led to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Expiry {
    /// Something is due to be sent.
    Retry,
    /// The peer has been silent for too long.
    GiveUp,
}

impl Sender {
    pub(super) fn arm_retransmit(&mut self, timers: &mut Timers, now: Instant, give_up: Option<Instant>) {
        let deadline = now + self.rtt.timeout();
        timers.arm(Timer::Retransmit, give_up.map_or(deadline, |give_up| deadline.min(give_up)));
    }

    /// Nothing may be sent and nothing is in flight, so no acknowledgment will open the window: probe for it.
    pub(super) fn wait_for_window(&mut self, settings: &Settings, timers: &mut Timers, now: Instant) {
        if self.flight.outstanding() == 0 && !timers.is_armed(Timer::Probe) && !self.probe.due {
            if self.waiting_since == Instant::FAR_FUTURE {
                self.waiting_since = now;
            }
            let deadline = now + self.probe.interval(self.rtt.timeout());
            timers.arm(Timer::Probe, deadline.min(self.give_up_at(settings)));
        }
    }

    pub(super) fn give_up_at(&self, settings: &Settings) -> Instant {
        settings.user_timeout().map_or(Instant::FAR_FUTURE, |timeout| self.waiting_since + timeout)
    }

    /// The retransmission timer expired (RFC 6298 5.4 to 5.6).
    pub(crate) fn on_retransmit_expired(
        &mut self,
        settings: &Settings,
        timers: &mut Timers,
        environment: &mut Environment<'_>,
    ) -> Expiry {
        if self.flight.outstanding() == 0 {
            return Expiry::Retry;
        }
        let give_up = self.give_up_at(settings);
        let by_count = settings.user_timeout().is_none() && self.expiries >= environment.config.retries;
        if environment.now >= give_up || by_count {
            return Expiry::GiveUp;
        }
        environment.counters.timeouts += 1;
        let segment_size = self.segment_size as u32;
        let in_flight = self.flight.outstanding();
        self.congestion.on_timeout(Setback { in_flight, segment_size }, self.expiries == 0);
        self.recovery.on_timeout(self.flight.highest);
        self.expiries = self.expiries.saturating_add(1);
        self.flight.go_back();
        // A window that closed behind the data must not keep the repair from being sent.
        self.recovery.retransmit = self.window.size == 0;
        self.rtt.back_off();
        self.arm_retransmit(timers, environment.now, Some(give_up));
        Expiry::Retry
    }

    /// The probe timer expired: ask, or send what fits however little it is.
    pub(crate) fn on_probe_expired(
        &mut self,
        settings: &Settings,
        detached: bool,
        environment: &mut Environment<'_>,
    ) -> Expiry {
        if self.queued() as u32 <= self.flight.flight() {
            return Expiry::Retry;
        }
        let by_count = self.probe.unanswered() >= environment.config.retries;
        // A peer may keep its window closed as long as it likes (MUST-36) while somebody is there to wait for it. Nobody waits
        // for a connection whose application is gone, and it must not hold its slot and buffer for ever.
        let orphaned = detached && self.probe.sent() >= environment.config.orphan_probes;
        if environment.now >= self.give_up_at(settings) || by_count || orphaned {
            return Expiry::GiveUp;
        }
        self.probe.expired();
        match self.window.size {
            0 => self.probe.due = true,
            _ => self.probe.overridden = true,
        }
        Expiry::Retry
    }

    /// Takes the due zero-window probe: an old number without data, which the peer must answer with its window.
    pub(crate) fn take_probe(
        &mut self,
        settings: &Settings,
        timers: &mut Timers,
        now: Instant,
    ) -> Option<Seq> {
        if !core::mem::take(&mut self.probe.due) {
            return None;
        }
        self.wait_for_window(settings, timers, now);
        Some(self.flight.next - 1)
    }
}
