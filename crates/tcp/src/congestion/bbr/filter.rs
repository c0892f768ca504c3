//! Windowed maxima.

/// The greatest bandwidth of the present cycle of probing and of the one before it: BBR.max_bw_filter, whose length is two.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CycleMaximum {
    present: u64,
    before: u64,
}

impl CycleMaximum {
    /// Takes in a value; returns the maximum.
    pub(super) fn update(&mut self, value: u64) -> u64 {
        self.present = self.present.max(value);
        self.present.max(self.before)
    }

    /// Another cycle begins.
    pub(super) fn advance(&mut self) {
        self.before = core::mem::take(&mut self.present);
    }
}

/// BBR.ExtraAckedFilterLen, in rounds.
pub(super) const ROUNDS: u32 = 10;

/// The greatest value of the last rounds, up to [`ROUNDS`].
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RoundMaximum {
    /// Of one round each: which, and its greatest value.
    rounds: [(u32, u32); ROUNDS as usize],
}

impl RoundMaximum {
    /// Takes in a value of the round `round`; returns the maximum of the last `length` rounds, this one included.
    pub(super) fn update(&mut self, value: u32, round: u32, length: u32) -> u32 {
        let slot = &mut self.rounds[(round % ROUNDS) as usize];
        *slot = if slot.0 == round { (round, slot.1.max(value)) } else { (round, value) };
        let recent = self.rounds.iter().filter(|(of, _)| round.wrapping_sub(*of) < length);
        recent.map(|(_, value)| *value).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    #[test]
    fn a_bandwidth_counts_in_its_cycle_and_in_the_next() {
        let mut filter = CycleMaximum::default();
        assert_eq!(filter.update(7), 7);
        assert_eq!(filter.update(5), 7);
        filter.advance();
        assert_eq!(filter.update(3), 7);
        filter.advance();
        assert_eq!(filter.update(1), 3);
    }

    proptest! {
        #[test]
        fn the_maximum_is_that_of_the_last_rounds(
            values in prop::collection::vec((0..1_000u32, 0..4u32), 1..200),
            length in 1..=ROUNDS,
        ) {
            let (mut filter, mut seen, mut round) = (RoundMaximum::default(), Vec::new(), 100);
            for (value, skipped) in values {
                round += skipped;
                seen.push((round, value));
                let plain = seen.iter().filter(|(of, _)| round - of < length).map(|(_, value)| *value).max();
                prop_assert_eq!(Some(filter.update(value, round, length)), plain);
            }
        }

        #[test]
        fn the_bandwidth_is_the_greatest_of_two_cycles(cycles in prop::collection::vec(prop::collection::vec(1..1_000u64, 1..9), 1..20)) {
            let mut filter = CycleMaximum::default();
            for (n, cycle) in cycles.iter().enumerate() {
                for (m, value) in cycle.iter().enumerate() {
                    let before = n.checked_sub(1).map_or(0, |n| cycles[n].iter().copied().max().unwrap_or(0));
                    let plain = cycle[..=m].iter().copied().max().unwrap_or(0).max(before);
                    prop_assert_eq!(filter.update(*value), plain);
                }
                filter.advance();
            }
        }
    }
}
