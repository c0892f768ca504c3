//! Startup and Drain, and whether the pipe is full (draft-ietf-ccwg-bbr 5.3.1 and 5.3.2).

use super::super::controller::Signal;
use super::flow::Bbr;
use super::stage::Stage;

/// BBRStartupFullLossCnt.
const GAPS: u32 = 6;
/// Rounds without much growth after which the pipe is full.
const PLATEAU: u8 = 3;
/// Rounds after which Drain ends though more is under way than the path holds.
const LONGEST_DRAIN: u32 = 3;

impl Bbr {
    /// CheckFullBWReached. A sample without a rate tells nothing either way.
    pub(super) fn check_full_pipe(&mut self, signal: &Signal) {
        let rate = signal.sample.rate;
        let pipe = &mut self.pipe;
        if pipe.now || !self.rounds.started || signal.sample.starved || rate == 0 {
            return;
        }
        if rate >= pipe.bandwidth.saturating_add(pipe.bandwidth / 4) {
            pipe.reset(rate);
            return;
        }
        pipe.count += 1;
        pipe.now = pipe.count >= PLATEAU;
        pipe.reached |= pipe.now;
    }

    /// CheckStartupDone.
    pub(super) fn check_startup_done(&mut self, signal: &Signal) {
        if self.stage != Stage::Startup {
            return;
        }
        // CheckStartupHighLoss. The round that a loss begins has ended, and the repair goes on: that was a whole round of it.
        let lossy = match signal.selective {
            true => {
                self.congested.round_ended
                    && self.congested.gaps >= GAPS
                    && self.is_too_much(signal.sample.lost, signal.sample.in_flight)
            }
            false => self.congested.lost_in_round,
        };
        if lossy && self.fast_recovery && !self.pipe.reached {
            self.undo.stage = Some(Stage::Startup);
            self.leave_startup_by_losses();
        }
        if self.pipe.reached {
            self.enter_drain();
        }
    }

    /// As much as was delivered in a round trip is safe.
    pub(super) fn leave_startup_by_losses(&mut self) {
        (self.pipe.reached, self.pipe.now) = (true, true);
        let delivered = u32::try_from(self.congested.volume).unwrap_or(u32::MAX);
        self.longterm = self.bandwidth_delay_product().max(delivered);
    }

    pub(super) fn enter_drain(&mut self) {
        self.stage = Stage::Drain;
        self.cycle.drain_began = self.rounds.count;
    }

    /// CheckDrainDone.
    pub(super) fn check_drain_done(&mut self, signal: &Signal) {
        let rounds = self.rounds.count.wrapping_sub(self.cycle.drain_began);
        if self.stage == Stage::Drain
            && (signal.in_flight <= self.in_flight(self.bandwidth.now, 100) || rounds > LONGEST_DRAIN)
        {
            self.start_down(signal.delivered, signal.now);
        }
    }
}
