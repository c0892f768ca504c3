//! The shortest round trip, the pause that finds it, and restart from idle (draft-ietf-ccwg-bbr 5.3.4 and 5.4).

use super::super::controller::Signal;
use super::super::window::Window;
use super::flow::Bbr;
use super::stage::{Feedback, Stage};
use basis::Instant;
use core::time::Duration;

/// BBR.MinRTTFilterLen.
const MEMORY: Duration = Duration::from_secs(10);
/// BBR.ProbeRTTInterval.
const INTERVAL: Duration = Duration::from_secs(5);
/// BBR.ProbeRTTDuration.
const PAUSE: Duration = Duration::from_millis(200);

impl Bbr {
    /// UpdateMinRTT.
    pub(super) fn update_round_trip(&mut self, signal: &Signal) {
        let state = &mut self.round_trip;
        state.expired = signal.now > state.recent_at + INTERVAL;
        if let Some(round_trip) = signal.round_trip.map(|round_trip| round_trip.max(1))
            && (round_trip < state.recent || state.expired)
        {
            (state.recent, state.recent_at) = (round_trip, signal.now);
        }
        if state.recent == u32::MAX {
            return;
        }
        let forgotten = signal.now > state.shortest_at + MEMORY;
        if forgotten || state.shortest.is_none_or(|shortest| state.recent < shortest) {
            (state.shortest, state.shortest_at) = (Some(state.recent), state.recent_at);
        }
    }

    /// CheckProbeRTT.
    pub(super) fn check_probe_rtt(&mut self, window: &mut Window, signal: &Signal) {
        if self.stage != Stage::ProbeRtt && self.round_trip.expired && !self.idle_restart {
            self.save_window(window);
            self.stage = Stage::ProbeRtt;
            self.round_trip.done_at = None;
            self.cycle.feedback = Feedback::Stopping;
            self.rounds.restart(signal.delivered);
        }
        if self.stage == Stage::ProbeRtt {
            self.pause(window, signal);
        }
        if signal.sample.delivered > 0 {
            self.idle_restart = false;
        }
    }

    /// HandleProbeRTT. That the application is not to blame for what is delivered meanwhile, the caller sees to.
    fn pause(&mut self, window: &mut Window, signal: &Signal) {
        match self.round_trip.done_at {
            None if signal.in_flight <= self.pause_window() => {
                self.round_trip.done_at = Some(signal.now + PAUSE);
                self.round_trip.round_done = false;
                self.rounds.restart(signal.delivered);
            }
            None => {}
            Some(_) => {
                self.round_trip.round_done |= self.rounds.started;
                if self.round_trip.round_done {
                    self.end_pause(window, signal.delivered, signal.now);
                }
            }
        }
    }

    /// CheckProbeRTTDone.
    fn end_pause(&mut self, window: &mut Window, delivered: u64, now: Instant) {
        if self.round_trip.done_at.is_none_or(|done_at| now <= done_at) {
            return;
        }
        self.round_trip.recent_at = now;
        self.restore_window(window);
        // ExitProbeRTT.
        self.forget_shortterm();
        if self.pipe.reached {
            self.start_down(delivered, now);
            self.stage = Stage::Cruise;
        } else {
            self.stage = Stage::Startup;
        }
    }

    /// HandleRestartFromIdle: nothing is under way, and that is the application's doing.
    pub(super) fn restart_from_idle(&mut self, window: &mut Window, delivered: u64, now: Instant) {
        self.idle_restart = true;
        self.aggregation.begin(now);
        if self.stage.is_probe_bw() {
            self.set_pacing_rate(100);
        } else if self.stage == Stage::ProbeRtt {
            self.end_pause(window, delivered, now);
        }
    }
}
