//! The two numbers that every congestion control keeps.

use basis::Instant;
use core::time::Duration;

/// Beyond it nothing is gained, and sums stay inside 32 bits.
pub(crate) const MAX_WINDOW: u32 = 1 << 30;

/// The congestion window and the slow start threshold, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Window {
    pub(crate) size: u32,      // cwnd
    pub(crate) threshold: u32, // ssthresh
}

impl Window {
    /// Before the size of a segment is known.
    pub(super) const NOTHING: Window = Window { size: 0, threshold: u32::MAX };

    #[inline]
    pub(crate) fn new(segment_size: u32) -> Window {
        Window { size: initial_window(segment_size), threshold: u32::MAX }
    }

    /// Whether the path is still being explored, or explored again after a time-out (RFC 5681 3.1).
    #[inline]
    pub(crate) fn is_slow_start(&self) -> bool {
        self.size < self.threshold
    }

    #[inline]
    pub(crate) fn grow(&mut self, bytes: u32) {
        self.size = self.size.saturating_add(bytes).min(MAX_WINDOW);
    }

    /// Slow start: grows by the bytes acknowledged, up to the threshold. Returns how many are left for what comes after it.
    ///
    /// `Deviates:` RFC 5681 3.1 grows by at most one segment an ACK, RFC 3465 2.2 by two, RFC 9406 4.2 by eight. Receivers
    /// acknowledge up to 64 KiB at once, so every byte counts, as other hosts do.
    #[inline]
    pub(crate) fn slow_start(&mut self, bytes: u32) -> u32 {
        let slow = bytes.min(self.threshold.saturating_sub(self.size));
        self.grow(slow);
        bytes - slow
    }

    /// The path was not used for `idle`, so the window says less and less of it: it is halved for each time-out that went by,
    /// down to the initial window. `Deviates:` RFC 5681 4.1 would restart from the initial window at once, RFC 7661 4.4 keep all for five
    /// minutes. The threshold remembers three quarters of what was (RFC 7661 4.4.1).
    pub(crate) fn decay(&mut self, idle: Duration, timeout: Duration, segment_size: u32) {
        let halvings = idle.as_nanos() / timeout.as_nanos().max(1);
        let decayed = self.size.checked_shr(u32::try_from(halvings).unwrap_or(u32::MAX)).unwrap_or(0);
        self.threshold = self.threshold.max(self.size / 4 * 3);
        self.size = self.size.min(decayed.max(initial_window(segment_size)));
    }
}

/// RFC 6928 2: ten segments, but no more than 14600 bytes unless two segments are more.
pub(crate) fn initial_window(segment_size: u32) -> u32 {
    (10 * segment_size).min((2 * segment_size).max(14_600))
}

/// A time in milliseconds that comes round after 49 days: differences count.
pub(crate) fn milliseconds(now: Instant) -> u32 {
    now.as_millis() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_initial_window_is_ten_segments_or_14600_bytes() {
        assert_eq!(Window::new(1448).size, 14_480);
        assert_eq!(Window::new(9000).size, 18_000);
        assert_eq!(Window::new(536).size, 5_360);
    }

    #[test]
    fn idle_time_halves_the_window_down_to_the_initial_one_and_the_threshold_remembers() {
        let second = Duration::from_secs(1);
        let decayed = |idle: u32| {
            let mut window = Window { size: 100_000, threshold: 20_000 };
            window.decay(idle * second, second, 1_000);
            (window.size, window.threshold)
        };
        assert_eq!(decayed(1), (50_000, 75_000));
        assert_eq!(decayed(3), (12_500, 75_000));
        assert_eq!(decayed(4), (10_000, 75_000));
        assert_eq!(decayed(u32::MAX), (10_000, 75_000));
        let mut small = Window { size: 2_000, threshold: 4_000 };
        small.decay(10 * second, second, 1_000);
        assert_eq!(small, Window { size: 2_000, threshold: 4_000 });
    }

    #[test]
    fn its_bound_holds_at_its_edge() {
        let mut window = Window { size: MAX_WINDOW - 1, threshold: u32::MAX };
        window.slow_start(u32::MAX);
        assert_eq!(window.size, MAX_WINDOW);
    }
}
