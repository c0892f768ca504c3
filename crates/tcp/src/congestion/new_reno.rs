//! NewReno: slow start, congestion avoidance and multiplicative decrease (RFC 5681, 6582).

use super::controller::{Acknowledged, Controller, Setback};
use super::window::Window;

#[derive(Clone, Debug, Default)]
pub(crate) struct NewReno {
    /// Bytes acknowledged toward the next segment of additive increase (RFC 3465 2.1).
    credit: u32,
}

impl Controller for NewReno {
    #[inline(always)]
    fn on_acknowledged(&mut self, window: &mut Window, acknowledged: &Acknowledged) {
        if !acknowledged.window_limited {
            return;
        }
        let bytes = window.slow_start(acknowledged.bytes);
        self.credit = self.credit.saturating_add(bytes);
        if bytes > 0 && self.credit >= window.size {
            self.credit -= window.size;
            window.grow(acknowledged.segment_size);
        }
    }

    /// RFC 5681 3.1 (4).
    fn on_setback(&mut self, window: &mut Window, setback: Setback) {
        window.threshold = (setback.in_flight / 2).max(2 * setback.segment_size);
        self.credit = 0;
    }

    fn on_timeout(&mut self, window: &mut Window, setback: Setback) {
        self.on_setback(window, setback);
    }
}
