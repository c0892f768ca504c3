//! Pacing: nothing leaves before its time, where the congestion control or the application asks for that
//! (draft-ietf-ccwg-bbr 5.6.2).

use super::sender::Sender;
use crate::congestion::Context;
use crate::timers::{Timer, Timers};
use basis::Instant;

impl Sender {
    /// Bounds the rate at which payload leaves, in bytes a second (SO_MAX_PACING_RATE); `None`: no longer.
    pub(crate) fn set_max_pacing_rate(&mut self, rate: Option<u64>) {
        if rate != self.max_pacing_rate() {
            self.congestion.set_max_pacing_rate(rate);
            self.attend();
        }
    }

    pub(crate) fn max_pacing_rate(&self) -> Option<u64> {
        self.congestion.shaping()?.pace.most()
    }

    /// Whether every transmission and acknowledgment counts depends on whether the connection paces.
    pub(super) fn attend(&mut self) {
        self.recovery.attend(self.congestion.shaping().is_some(), self.flight.oldest);
    }

    /// Whether what is to be sent has to wait. If so, the timer is armed for its departure. `fin` tells that a FIN follows the last
    /// byte.
    #[cold]
    pub(super) fn is_held_back(&mut self, fin: bool, timers: &mut Timers, now: Instant) -> bool {
        let segment_size = u32::from(self.segment_size);
        let Err(departure) = self.congestion.allowance(self.context(now)) else { return false };
        if self.may_transmit(fin) {
            timers.arm(Timer::Pacing, departure);
            // The window is not what holds it back, if it would take another segment.
            self.congestion.limits &= self.congestion.window() < self.pipe().saturating_add(segment_size);
        }
        true
    }

    /// What is known when something is sent.
    pub(super) fn context(&self, now: Instant) -> Context {
        let (smoothed, segment_size) = (self.rtt.smoothed_micros(), u32::from(self.segment_size));
        Context { now, smoothed, segment_size, next: self.flight.next }
    }

    /// What may leave in one piece, if the connection paces: whole segments, as many as are left of the quantum.
    #[inline]
    pub(super) fn paced_burst(&self) -> Option<u32> {
        if !self.recovery.attentive {
            return None;
        }
        let segment_size = u32::from(self.segment_size).max(1);
        let left = self.congestion.shaping()?.pace.left();
        Some((left / segment_size).max(1) * segment_size)
    }
}
