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

/// How many times as much one thing is as another, of which samples were taken in pairs: where chance makes both great or both small, the
/// pairs still tell it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Ratio {
    /// The geometric mean of the ratios.
    pub(crate) mean: f64,
    /// Its standard error; none of a single pair.
    pub(crate) error: Option<f64>,
}

impl Ratio {
    /// `None` without pairs. All samples are above zero.
    pub(crate) fn of(pairs: &[(f64, f64)]) -> Option<Ratio> {
        let logarithms: Vec<f64> = pairs.iter().map(|(one, other)| (one / other).ln()).collect();
        let count = logarithms.len() as f64;
        let mean = logarithms.iter().sum::<f64>() / count;
        let squares: f64 = logarithms.iter().map(|logarithm| (logarithm - mean).powi(2)).sum();
        let error = (pairs.len() > 1).then(|| mean.exp() * (squares / (count - 1.0) / count).sqrt());
        (!pairs.is_empty()).then(|| Ratio { mean: mean.exp(), error })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_that_of_the_pairs_whatever_they_have_in_common() {
        assert_eq!(Ratio::of(&[]), None);
        assert_eq!(Ratio::of(&[(3.0, 2.0)]), Some(Ratio { mean: 1.5, error: None }));
        let same = Ratio::of(&[(2.0, 1.0), (20.0, 10.0), (0.2, 0.1)]).unwrap();
        assert!((same.mean - 2.0).abs() < 1e-9 && same.error.unwrap() < 1e-9, "{same:?}");
        // Logarithms 0 and 2 ln 2: their mean is ln 2, their standard error as much.
        let apart = Ratio::of(&[(1.0, 1.0), (4.0, 1.0)]).unwrap();
        assert!((apart.mean - 2.0).abs() < 1e-9, "{apart:?}");
        assert!((apart.error.unwrap() - 2.0 * 2f64.ln()).abs() < 1e-9, "{apart:?}");
    }

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
