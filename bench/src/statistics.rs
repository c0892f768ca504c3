//! Medians and spreads.

use serde::Serialize;

/// What several samples of one thing come to.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub(crate) struct Statistics {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Statistics {
    /// `None` without samples.
    pub(crate) fn of(samples: &[f64]) -> Option<Statistics> {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (least, most) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median = match sorted.len() % 2 {
            0 => (sorted[middle - 1] + sorted[middle]) / 2.0,
            _ => sorted[middle],
        };
        Some(Statistics { median, least, most })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_between_the_two_in_the_middle() {
        let median = |samples: &[f64]| Statistics::of(samples).map(|statistics| statistics.median);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
        let spread = Statistics::of(&[5.0, 9.0, 7.0]).unwrap();
        assert_eq!((spread.least, spread.most), (5.0, 9.0));
    }
}
