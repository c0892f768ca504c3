//! CUBIC (RFC 9438), with HyStart++ (RFC 9406) for the first slow start. Integers only.

use super::controller::{Acknowledged, Controller, Setback};
use super::curve::{curve, time_to_peak};
use super::hystart::{HyStart, Pace};
use super::window::{MAX_WINDOW, Window, milliseconds};
use basis::Instant;

/// The stages of a connection.
#[derive(Clone, Debug)]
pub(crate) enum Cubic {
    /// Nothing was lost yet, and no queue was seen to grow.
    Exploring(HyStart),
    /// Congestion avoidance; below the threshold, after a time-out, slow start comes before it.
    Avoiding(Epoch),
}

impl Cubic {
    /// The control of a connection whose window is `window` already.
    pub(crate) fn new(window: &Window) -> Cubic {
        match window.threshold {
            u32::MAX => Cubic::Exploring(HyStart::new()),
            _ => Cubic::Avoiding(Epoch::new(0, window.size)),
        }
    }

    /// W_max.
    fn peak(&self) -> u32 {
        match self {
            Cubic::Exploring(_) => 0,
            Cubic::Avoiding(epoch) => epoch.peak,
        }
    }

    /// Whether it is in conservative slow start (RFC 9406 4.2).
    pub(crate) fn is_conservative(&self) -> bool {
        matches!(self, Cubic::Exploring(hystart) if hystart.is_conservative())
    }

    /// RFC 9438 4.6. Of the window, not of what is under way, which the section allows to who does not let an unused window grow: a
    /// pause of the application is no reason to fall further.
    fn reduce(&mut self, window: &mut Window, setback: Setback, peak: u32) {
        window.threshold = (window.size as u64 * 7 / 10).max(2 * setback.segment_size as u64) as u32;
        *self = Cubic::Avoiding(Epoch::new(peak, window.size));
    }
}

impl Controller for Cubic {
    #[inline]
    fn on_acknowledged(&mut self, window: &mut Window, acknowledged: &Acknowledged) {
        match self {
            Cubic::Exploring(hystart) => match hystart.on_acknowledged(acknowledged, window.size) {
                Pace::Leave => {
                    window.threshold = window.size;
                    *self = Cubic::Avoiding(Epoch::new(0, window.size));
                }
                _ if !acknowledged.window_limited && !hystart.has_used(window.size) => {}
                Pace::Full => window.grow(acknowledged.bytes),
                Pace::Quarter => window.grow(acknowledged.bytes / 4),
            },
            Cubic::Avoiding(epoch) => {
                let mut bytes = acknowledged.bytes;
                if window.is_slow_start() {
                    if !acknowledged.window_limited {
                        return;
                    }
                    bytes = window.slow_start(bytes);
                }
                if bytes > 0 {
                    epoch.on_acknowledged(window, bytes, acknowledged);
                }
            }
        }
    }

    fn on_setback(&mut self, window: &mut Window, setback: Setback) {
        // RFC 9438 4.7, fast convergence: who is stopped below its last peak makes room for others.
        let peak = match window.size < self.peak() {
            true => (window.size as u64 * 17 / 20) as u32,
            false => window.size,
        };
        self.reduce(window, setback, peak);
    }

    /// RFC 9438 4.8: what comes after the slow start begins without a peak to return to.
    fn on_timeout(&mut self, window: &mut Window, setback: Setback) {
        self.reduce(window, setback, 0);
    }

    fn on_idle(&mut self, now: Instant) {
        if let Cubic::Avoiding(epoch) = self {
            epoch.last = milliseconds(now);
        }
    }
}

/// One stage of congestion avoidance. Windows are bytes, times are milliseconds.
#[derive(Clone, Debug)]
pub(crate) struct Epoch {
    peak: u32,  // W_max
    prior: u32, // cwnd_prior
    /// W_est: the window that NewReno would have.
    friendly: u32,
    /// Bytes acknowledged toward the next segment of W_est.
    credit: u32,
    /// K: time from the beginning to the peak; [`NOT_BEGUN`] until the first acknowledgment.
    time_to_peak: u32,
    /// t: without the times in which something else than this window held the sender back (RFC 9438 5.8).
    elapsed: u32,
    /// When `elapsed` was true.
    last: u32,
}

const NOT_BEGUN: u32 = u32::MAX;

impl Epoch {
    fn new(peak: u32, prior: u32) -> Epoch {
        Epoch { peak, prior, friendly: 0, credit: 0, time_to_peak: NOT_BEGUN, elapsed: 0, last: 0 }
    }

    fn begin(&mut self, window: &Window, segment_size: u32, now: u32) {
        // Without a loss, or after a time-out, the curve begins at its flat middle (RFC 9438 4.8, 4.10).
        self.peak = self.peak.max(window.size);
        self.time_to_peak = time_to_peak(self.peak - window.size, segment_size);
        (self.friendly, self.credit, self.elapsed, self.last) = (window.size, 0, 0, now);
    }

    fn on_acknowledged(&mut self, window: &mut Window, bytes: u32, acknowledged: &Acknowledged) {
        let now = milliseconds(acknowledged.now);
        if self.time_to_peak == NOT_BEGUN {
            self.begin(window, acknowledged.segment_size, now);
        }
        let passed = now.wrapping_sub(core::mem::replace(&mut self.last, now));
        if !acknowledged.window_limited {
            return;
        }
        self.elapsed = self.elapsed.saturating_add(passed);
        self.grow_friendly(window.size, bytes, acknowledged.segment_size);
        // RFC 9438 4.4: toward where the curve will be in one round trip, but no more than half as much again.
        let ahead = self.elapsed.saturating_add(acknowledged.smoothed / 1_000);
        let most = window.size.saturating_add(window.size / 2);
        let target = curve(self.peak, self.time_to_peak, ahead, acknowledged.segment_size);
        let distance = target.clamp(window.size, most) - window.size;
        if distance > 0 {
            let share = distance as u64 * bytes.min(window.size) as u64 / window.size.max(1) as u64;
            window.grow(share as u32);
        }
        // RFC 9438 4.3: never slower than NewReno. The greater of both spares a second look at the curve.
        window.size = window.size.max(self.friendly).min(MAX_WINDOW);
    }

    /// RFC 9438 4.3: one segment for each window acknowledged, and 9/17 of one as long as the last window is not reached
    /// again: with a decrease to 0.7 that is as fast as NewReno on average.
    fn grow_friendly(&mut self, window: u32, bytes: u32, segment_size: u32) {
        self.credit = self.credit.saturating_add(bytes);
        let slow = self.friendly < self.prior;
        let (numerator, denominator) = if slow { (9, 17) } else { (1, 1) };
        if self.credit as u64 * numerator >= window as u64 * denominator {
            self.credit =
                self.credit.saturating_sub((window as u64 * denominator).div_ceil(numerator) as u32);
            self.friendly = self.friendly.saturating_add(segment_size).min(MAX_WINDOW);
        }
    }
}

#[cfg(test)]
mod tests;
