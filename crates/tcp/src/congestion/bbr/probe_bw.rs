//! The cycle that probes for bandwidth: down, cruise, refill, up (draft-ietf-ccwg-bbr 5.3.3).

use super::super::controller::Signal;
use super::super::window::Window;
use super::flow::{Bbr, UNBOUNDED};
use super::stage::{Feedback, Stage};
use basis::Instant;
use core::time::Duration;

/// Rounds after which it is time to probe at the latest: as long as NewReno takes on a path for 4K video (5.3.3.5.3).
const MOST_ROUNDS: u32 = 63;

impl Bbr {
    /// StartProbeBW_DOWN.
    pub(super) fn start_down(&mut self, delivered: u64, now: Instant) {
        self.congested.reset();
        self.cycle.per_segment = u64::MAX;
        // PickProbeWait: some chance, so that flows mix.
        let chance = self.draw();
        self.cycle.rounds_since_probe = (chance & 1) as u32;
        self.cycle.wait = Duration::from_secs(2) + Duration::from_micros((chance >> 1) % 1_000_000);
        self.cycle.began = now;
        self.cycle.feedback = Feedback::Stopping;
        self.rounds.restart(delivered);
        self.stage = Stage::Down;
    }

    /// StartProbeBW_REFILL.
    pub(super) fn start_refill(&mut self, delivered: u64) {
        self.forget_shortterm();
        (self.cycle.up_rounds, self.cycle.up_delivered) = (0, 0);
        self.cycle.precautionary = false;
        self.cycle.feedback = Feedback::Refilling;
        self.rounds.restart(delivered);
        self.stage = Stage::Refill;
    }

    /// StartProbeBW_UP.
    fn start_up(&mut self, window: &Window, signal: &Signal) {
        self.cycle.feedback = Feedback::Starting;
        self.rounds.restart(signal.delivered);
        self.pipe.reset(signal.sample.rate);
        self.stage = Stage::Up;
        self.raise_slope(window);
    }

    /// UpdateProbeBWCyclePhase.
    pub(super) fn update_cycle(&mut self, window: &mut Window, signal: &Signal) {
        if !self.pipe.reached || self.adapt_longterm(window, signal) {
            return;
        }
        if self.stage == Stage::Up {
            if self.is_time_to_go_down(window, signal) {
                self.cycle.too_high = false;
                self.start_down(signal.delivered, signal.now);
            }
            return;
        }
        match self.stage {
            Stage::Down | Stage::Cruise if self.is_time_to_probe(window, signal) => {
                self.start_refill(signal.delivered);
            }
            Stage::Down if self.is_time_to_cruise(signal) => self.stage = Stage::Cruise,
            Stage::Refill if self.rounds.started => {
                self.cycle.probe_sample = true;
                self.start_up(window, signal);
            }
            _ => {}
        }
    }

    /// AdaptLongTermModel: returns whether it has decided on the state.
    fn adapt_longterm(&mut self, window: &Window, signal: &Signal) -> bool {
        if self.cycle.feedback == Feedback::Starting && self.rounds.started {
            self.cycle.feedback = Feedback::Arriving;
        }
        if self.cycle.feedback == Feedback::Stopping && self.rounds.started {
            self.cycle.probe_sample = false;
            self.cycle.feedback = Feedback::None;
            if self.stage.is_probe_bw() {
                if !signal.sample.starved {
                    self.bandwidth.advance();
                }
                // 5.3.3.4.2: the careful probe went well, so the next one stays.
                if self.cycle.precautionary && !self.cycle.too_high {
                    self.start_refill(signal.delivered);
                    return true;
                }
            }
        }
        let sample = &signal.sample;
        if self.longterm == UNBOUNDED || self.is_too_high(sample.lost, sample.in_flight, signal.selective) {
            return false;
        }
        self.longterm = self.longterm.max(sample.in_flight);
        if self.stage == Stage::Up {
            self.raise_longterm(window, signal);
        }
        false
    }

    /// IsTimeToProbeBW.
    fn is_time_to_probe(&self, window: &Window, signal: &Signal) -> bool {
        let segments = self.target(window) / self.segment_size.max(1);
        signal.now > self.cycle.began + self.cycle.wait
            || self.cycle.rounds_since_probe >= segments.min(MOST_ROUNDS)
    }

    /// IsTimeToCruise.
    fn is_time_to_cruise(&self, signal: &Signal) -> bool {
        signal.in_flight <= self.with_headroom()
            && signal.in_flight <= self.in_flight(self.bandwidth.most, 100)
    }

    /// IsTimeToGoDown.
    fn is_time_to_go_down(&mut self, window: &Window, signal: &Signal) -> bool {
        if self.cycle.too_high && signal.in_flight >= self.longterm {
            self.cycle.precautionary = true;
            return true;
        }
        if self.is_window_limited() && window.size >= self.longterm {
            // The bound, not the path, holds the bandwidth back.
            self.pipe.reset(signal.sample.rate);
            return false;
        }
        self.pipe.now
    }

    /// RaiseInflightLongtermSlope.
    fn raise_slope(&mut self, window: &Window) {
        let growth = 1 << self.cycle.up_rounds;
        self.cycle.up_rounds = (self.cycle.up_rounds + 1).min(30);
        self.cycle.per_segment = u64::from((window.size / growth).max(self.segment_size).max(1));
    }

    /// ProbeInflightLongtermUpward.
    fn raise_longterm(&mut self, window: &Window, signal: &Signal) {
        if !self.is_window_limited() || window.size < self.longterm {
            return;
        }
        self.cycle.up_delivered += u64::from(signal.sample.newly_delivered);
        let segments = self.cycle.up_delivered / self.cycle.per_segment;
        self.cycle.up_delivered -= segments * self.cycle.per_segment;
        let more = u32::try_from(segments * u64::from(self.segment_size)).unwrap_or(u32::MAX);
        self.longterm = self.longterm.saturating_add(more).min(UNBOUNDED - 1);
        if self.rounds.started {
            self.raise_slope(window);
        }
    }

    /// InflightWithHeadroom: room in the queue for others.
    pub(super) fn with_headroom(&self) -> u32 {
        if self.longterm == UNBOUNDED {
            return UNBOUNDED;
        }
        let headroom = (u64::from(self.longterm) * 15 / 100).max(u64::from(self.segment_size)) as u32;
        self.longterm.saturating_sub(headroom).max(self.least_window())
    }
}
