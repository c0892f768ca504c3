//! NewReno: slow start, congestion avoidance and multiplicative decrease (RFC 5681, 6582, 6928).

use super::controller::{Acknowledged, Controller};

#[derive(Clone, Debug)]
pub(crate) struct NewReno {
    window: u32,    // cwnd
    threshold: u32, // ssthresh
    /// Bytes acknowledged toward the next segment of additive increase (RFC 3465 2.1).
    credit: u32,
}

/// Beyond it nothing is gained, and sums stay inside 32 bits.
const MAX_WINDOW: u32 = 1 << 30;

impl NewReno {
    pub(crate) fn new(segment_size: u32) -> NewReno {
        NewReno { window: initial_window(segment_size), threshold: u32::MAX, credit: 0 }
    }
}

/// RFC 6928 2: ten segments, but no more than 14600 bytes unless two segments are more.
fn initial_window(segment_size: u32) -> u32 {
    (10 * segment_size).min((2 * segment_size).max(14_600))
}

impl Controller for NewReno {
    #[inline]
    fn window(&self) -> u32 {
        self.window
    }

    fn slow_start_threshold(&self) -> u32 {
        self.threshold
    }

    fn on_acknowledged(&mut self, acknowledged: Acknowledged) {
        if !acknowledged.window_limited {
            return;
        }
        let Acknowledged { mut bytes, segment_size, .. } = acknowledged;
        if self.window < self.threshold {
            // Deviates: RFC 5681 3.1 grows by at most one segment an ACK. Receivers acknowledge many segments at once, so
            // every byte counts (RFC 3465 without its limit, as other hosts do).
            let slow = bytes.min(self.threshold - self.window);
            self.window = (self.window + slow).min(MAX_WINDOW);
            bytes -= slow;
        }
        self.credit = self.credit.saturating_add(bytes);
        if bytes > 0 && self.credit >= self.window {
            self.credit -= self.window;
            self.window = (self.window + segment_size).min(MAX_WINDOW);
        }
    }

    fn on_loss(&mut self, in_flight: u32, segment_size: u32) {
        self.threshold = (in_flight / 2).max(2 * segment_size);
        self.window = self.threshold;
        self.credit = 0;
    }

    /// RFC 6582 3.2 step 3, the careful choice: no burst at the end of recovery.
    fn on_recovered(&mut self, in_flight: u32, segment_size: u32) {
        self.window = self.threshold.min(in_flight.max(segment_size) + segment_size);
    }

    fn on_timeout(&mut self, in_flight: u32, segment_size: u32, first: bool) {
        if first {
            self.threshold = (in_flight / 2).max(2 * segment_size);
        }
        self.window = segment_size;
        self.credit = 0;
    }

    /// RFC 5681 4.1: restart with the initial window at most.
    fn on_idle(&mut self, segment_size: u32) {
        self.window = self.window.min(initial_window(segment_size));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acknowledged(bytes: u32) -> Acknowledged {
        Acknowledged { bytes, segment_size: 1000, window_limited: true }
    }

    #[test]
    fn the_initial_window_is_ten_segments_or_14600_bytes() {
        assert_eq!(NewReno::new(1448).window(), 14_480);
        assert_eq!(NewReno::new(9000).window(), 18_000);
        assert_eq!(NewReno::new(536).window(), 5_360);
    }

    #[test]
    fn slow_start_doubles_and_avoidance_adds_one_segment_a_window() {
        let mut control = NewReno::new(1000);
        control.on_acknowledged(acknowledged(10_000));
        assert_eq!(control.window(), 20_000);
        control.on_loss(20_000, 1000);
        assert_eq!((control.window(), control.slow_start_threshold()), (10_000, 10_000));
        for _ in 0..10 {
            assert_eq!(control.window(), 10_000);
            control.on_acknowledged(acknowledged(1000));
        }
        assert_eq!(control.window(), 11_000);
    }

    #[test]
    fn an_unused_window_does_not_grow() {
        let mut control = NewReno::new(1000);
        control.on_acknowledged(Acknowledged { window_limited: false, ..acknowledged(1000) });
        assert_eq!(control.window(), 10_000);
    }

    #[test]
    fn a_second_timeout_for_the_same_data_leaves_the_threshold() {
        let mut control = NewReno::new(1000);
        control.on_timeout(10_000, 1000, true);
        control.on_timeout(1_000, 1000, false);
        assert_eq!((control.window(), control.slow_start_threshold()), (1000, 5000));
    }
}
