//! The cubic function of RFC 9438 4.2, in integers: bytes and milliseconds.

/// Beyond that far from the peak the curve is beyond every window.
const MAX_DISTANCE: i64 = 1 << 19;

/// W_cubic(`elapsed`) = C (t - K)^3 + W_max segments, in bytes, with C = 0.4.
#[inline]
pub(crate) fn curve(peak: u32, time_to_peak: u32, elapsed: u32, segment_size: u32) -> u32 {
    let distance = (elapsed as i64 - time_to_peak as i64).clamp(-MAX_DISTANCE, MAX_DISTANCE);
    // 2^57 at most; less eleven bits, times a segment, it stays inside 63. A second has 10^9 cubic milliseconds times 10^0:
    // 0.4 / 10^9 is 1 / (2^11 * 1220703).
    let cube = distance * distance * distance;
    let offset = (cube >> 11) * segment_size.min(u16::MAX as u32) as i64 / 1_220_703;
    (peak as i64 + offset).clamp(0, u32::MAX as i64) as u32
}

/// K: the time from a window that lies `distance` bytes below the peak until the curve reaches the peak.
pub(crate) fn time_to_peak(distance: u32, segment_size: u32) -> u32 {
    // Segments / 0.4, in cubic milliseconds: 2.5 * 10^9 a segment.
    cube_root(distance as u64 * 2_500_000_000 / segment_size.max(1) as u64)
}

/// The greatest integer whose cube is no more than `number`.
fn cube_root(number: u64) -> u32 {
    let mut root = 0u64;
    for bit in (0..22).rev() {
        let larger = root | 1 << bit;
        if larger.checked_pow(3).is_some_and(|cube| cube <= number) {
            root = larger;
        }
    }
    root as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_cube_root_is_the_greatest_integer_whose_cube_is_no_more(number: u64) {
            let root = cube_root(number) as u128;
            prop_assert!(root.pow(3) <= number as u128 && (root + 1).pow(3) > number as u128);
        }

        #[test]
        fn cubes_have_exact_roots(root in 0..2_642_245u32) {
            prop_assert_eq!(cube_root((root as u64).pow(3)), root);
        }

        /// Within two bytes of the real number, as long as that is a window at all.
        #[test]
        fn the_curve_is_that_of_the_rfc(
            peak in 0..1u32 << 30,
            time_to_peak in 0..100_000u32,
            elapsed in 0..200_000u32,
            segment_size in 36..9_000u32,
        ) {
            let seconds = (elapsed as f64 - time_to_peak as f64) / 1_000.0;
            let exact = 0.4 * seconds * seconds * seconds * segment_size as f64 + peak as f64;
            let exact = exact.clamp(0.0, u32::MAX as f64);
            let found = curve(peak, time_to_peak, elapsed, segment_size) as f64;
            let error = if found > exact { found - exact } else { exact - found };
            prop_assert!(error <= 2.0 + exact / 1e6 + peak as f64 / 1e6, "{found} is not {exact}");
        }

        /// The curve begins at the window that it was to begin at: off by no more than a millisecond's growth.
        #[test]
        fn the_curve_reaches_its_peak_after_k(peak in 20_000..1u32 << 30, segment_size in 36..9_000u32, part in 0..100u64) {
            let window = (peak as u64 * part / 100) as u32;
            let k = time_to_peak(peak - window, segment_size);
            prop_assert_eq!(curve(peak, k, k, segment_size), peak);
            let (begin, earlier) = (curve(peak, k, 0, segment_size), curve(peak, k + 1, 0, segment_size));
            prop_assert!(begin as u64 + 4 + peak as u64 / 500_000 >= window as u64);
            prop_assert!((earlier as u64) <= window as u64 + 4 + peak as u64 / 500_000);
        }
    }

    #[test]
    fn nothing_overflows_at_the_ends() {
        assert_eq!(curve(1 << 30, u32::MAX, 0, u32::MAX), 0);
        assert_eq!(curve(1 << 30, 0, u32::MAX, u32::MAX), u32::MAX);
        assert_eq!(cube_root(u64::MAX), 2_642_245);
        assert!(time_to_peak(1 << 30, 36) < MAX_DISTANCE as u32);
    }
}
