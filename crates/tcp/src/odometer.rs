//! Sums that take four bytes until they come round.

/// A sum modulo 2^32. How often it came round is kept elsewhere, by those for whom it did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Odometer(u32);

impl Odometer {
    pub(crate) const ZERO: Odometer = Odometer(0);

    /// Returns whether it has come round.
    #[inline(always)]
    pub(crate) fn add(&mut self, count: u32) -> bool {
        let (sum, round) = self.0.overflowing_add(count);
        self.0 = sum;
        round
    }

    /// The sum, of one that came round `turns` times.
    #[inline]
    pub(crate) fn total(self, turns: u32) -> u64 {
        u64::from(turns) << 32 | u64::from(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_round_once_beyond_its_largest_sum_and_loses_nothing() {
        let mut sum = Odometer::ZERO;
        assert!(!sum.add(u32::MAX));
        assert_eq!(sum.total(0), u64::from(u32::MAX));
        assert!(sum.add(1));
        assert_eq!(sum.total(1), 1 << 32);
        assert!(!sum.add(7));
        assert_eq!(sum.total(1), (1 << 32) + 7);
    }
}
