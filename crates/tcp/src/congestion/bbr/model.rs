//! The model of the path: rounds, bandwidth, aggregation (draft-ietf-ccwg-bbr 5.5.1 to 5.5.9).

use super::super::controller::Signal;
use super::super::window::Window;
use super::filter::ROUNDS;
use super::flow::Bbr;
use super::parts::Aggregation;

impl Bbr {
    /// UpdateRound.
    pub(super) fn update_round(&mut self, signal: &Signal) {
        self.rounds.started = signal.sample.prior_delivered.is_some_and(|before| before >= self.rounds.until);
        if self.rounds.started {
            self.rounds.restart(signal.delivered);
            self.rounds.count = self.rounds.count.wrapping_add(1);
            self.cycle.rounds_since_probe = self.cycle.rounds_since_probe.saturating_add(1);
        }
    }

    /// UpdateMaxBw: what only the application held back tells nothing, unless it is faster all the same.
    pub(super) fn update_bandwidth(&mut self, signal: &Signal) {
        let sample = &signal.sample;
        if sample.rate > 0 && (sample.rate >= self.bandwidth.most || !sample.starved) {
            self.bandwidth.most = self.bandwidth.filter.update(sample.rate);
        }
    }

    /// UpdateACKAggregation.
    pub(super) fn update_aggregation(&mut self, window: &Window, signal: &Signal) {
        let Aggregation { since, delivered, .. } = &mut self.aggregation;
        let interval = signal.now.saturating_since(*since).as_nanos() as u64;
        let mut expected = (u128::from(self.bandwidth.now) * u128::from(interval) / 1_000_000_000) as u64;
        if *delivered <= expected {
            (*delivered, *since, expected) = (0, signal.now, 0);
        }
        *delivered += u64::from(signal.sample.newly_delivered);
        let extra = (*delivered - expected.min(*delivered)).min(u64::from(window.size)) as u32;
        let length = if self.pipe.reached { ROUNDS } else { 1 };
        self.aggregation.extra = self.aggregation.filter.update(extra, self.rounds.count, length);
    }

    /// BDPMultiple: so much as is under way on a path without a queue, `gain` per cent of it.
    pub(super) fn share_of_path(&self, bandwidth: u64, gain: u64) -> u32 {
        match self.round_trip.shortest {
            None => self.initial_window,
            Some(shortest) => {
                let product = u128::from(bandwidth) * u128::from(shortest) / 1_000_000;
                u32::try_from(product * u128::from(gain) / 100).unwrap_or(u32::MAX)
            }
        }
    }

    /// BBR.bdp.
    pub(super) fn bandwidth_delay_product(&self) -> u32 {
        self.share_of_path(self.bandwidth.now, 100)
    }

    /// TargetInflight.
    pub(super) fn target(&self, window: &Window) -> u32 {
        self.bandwidth_delay_product().min(window.size)
    }
}
