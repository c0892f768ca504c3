//! CUBIC (RFC 9438), with HyStart++ (RFC 9406) for the first slow start. Integers only.

use super::algorithm::SlowStartExit;
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
    /// Nothing was lost yet.
    pub(super) const FRESH: Cubic = Cubic::Exploring(HyStart::new());

    /// The control of a connection whose window is `window` already.
    pub(crate) fn new(window: &Window) -> Cubic {
        match window.threshold {
            u32::MAX => Cubic::FRESH,
            _ => Cubic::Avoiding(Epoch::new(0, window.size)),
        }
    }

    pub(crate) fn set_slow_start_exit(&mut self, exit: SlowStartExit) {
        if let Cubic::Exploring(hystart) = self {
            hystart.set_exit(exit);
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
    /// Who looks at the acknowledgment in memory gets a copy of it: otherwise it stays in registers.
    #[inline(always)]
    fn on_acknowledged(&mut self, window: &mut Window, acknowledged: &Acknowledged) {
        match self {
            Cubic::Exploring(hystart) => match hystart.on_acknowledged(acknowledged, window.size) {
                Pace::Leave => {
                    window.threshold = window.size;
                    let prior = if hystart.is_hybrid() { NO_PRIOR } else { window.size };
                    let mut epoch = Epoch::new(0, prior);
                    epoch.on_acknowledged(window, acknowledged.bytes, &Acknowledged { ..*acknowledged });
                    *self = Cubic::Avoiding(epoch);
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
                    epoch.on_acknowledged(window, bytes, &Acknowledged { ..*acknowledged });
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
            epoch.last = milliseconds(now) as u16;
            epoch.pace = RESTING;
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
    /// When `elapsed` was true; it comes round after a minute.
    last: u16,
    /// Segments to be acknowledged for each one that the window grows by; 0: to be found out.
    pace: u16,
}

const NOT_BEGUN: u32 = u32::MAX;
/// The pace after an idle time: what is acknowledged first was sent in one burst, and tells of no path that was filled. Nor does
/// what had been acknowledged before toward the next segment.
const RESTING: u16 = u16::MAX;
/// No window was the last one: `prior` of who left slow start at once ([`SlowStartExit::AtOnce`]), which may have been early. Until a loss
/// tells the peak the window grows by a twentieth in each round trip.
const NO_PRIOR: u32 = u32::MAX;
const BOLD_PACE: u32 = 20;
/// How long a pace holds where round trips are longer, as a power of two: the curve is flat enough for that, and need not be asked for
/// every acknowledgment.
const PACE_HOLDS: u32 = 5;
/// RFC 9438 4.4: no more than half as much again in a round trip.
const LEAST_PACE: u32 = 2;

impl Epoch {
    fn new(peak: u32, prior: u32) -> Epoch {
        Epoch { peak, prior, friendly: 0, credit: 0, time_to_peak: NOT_BEGUN, elapsed: 0, last: 0, pace: 0 }
    }

    fn begin(&mut self, window: &Window, segment_size: u32, now: u16) {
        // Without a loss, or after a time-out, the curve begins at its flat middle (RFC 9438 4.8, 4.10).
        self.peak = self.peak.max(window.size);
        self.time_to_peak = time_to_peak(self.peak - window.size, segment_size);
        (self.friendly, self.credit, self.elapsed, self.last) = (window.size, 0, 0, now);
    }

    #[inline(never)]
    fn on_acknowledged(&mut self, window: &mut Window, bytes: u32, acknowledged: &Acknowledged) {
        let now = milliseconds(acknowledged.now) as u16;
        let segment_size = acknowledged.segment_size.max(1);
        if self.time_to_peak == NOT_BEGUN {
            self.begin(window, segment_size, now);
        }
        let passed = now.wrapping_sub(core::mem::replace(&mut self.last, now));
        if !acknowledged.window_limited {
            return;
        }
        let before = self.elapsed;
        self.elapsed = before.saturating_add(u32::from(passed));
        self.credit = self.credit.saturating_add(bytes);
        if self.pace == RESTING {
            self.pace = 0;
            window.size -= window.size % segment_size;
            return;
        }
        let short = acknowledged.shortest < 1_000 << PACE_HOLDS;
        if self.pace == 0 || short || before >> PACE_HOLDS != self.elapsed >> PACE_HOLDS {
            self.find_pace(window, segment_size, acknowledged.shortest / 1_000);
        }
        let segments = window.size / segment_size;
        window.grow(bytes / u32::from(self.pace));
        if window.size / segment_size != segments {
            self.pace = 0;
        }
    }

    /// RFC 9438 4.4: how fast to grow toward where the curve will be in one round trip.
    ///
    /// `Deviates:` in the shortest round trip of late, not in a smoothed one. The longer a queue makes that, the faster the window would
    /// grow, and the queue with it.
    fn find_pace(&mut self, window: &mut Window, segment_size: u32, shortest: u32) {
        self.grow_friendly(window.size, segment_size);
        // RFC 9438 4.3: never slower than NewReno. The greater of both spares a second look at the curve.
        window.size = window.size.max(self.friendly).min(MAX_WINDOW);
        let ahead = self.elapsed.saturating_add(shortest);
        let target = curve(self.peak, self.time_to_peak, ahead, segment_size);
        let segments = match (target / segment_size).saturating_sub(window.size / segment_size) {
            // Less than one.
            0 => window.size.checked_div(target.saturating_sub(window.size)).unwrap_or(u32::MAX),
            distance => window.size / segment_size / distance,
        };
        let most = if self.prior == NO_PRIOR { BOLD_PACE } else { u32::MAX };
        let pace = u16::try_from(segments.min(most).max(LEAST_PACE)).unwrap_or(u16::MAX).min(RESTING - 1);
        if self.pace > pace {
            // What was acknowledged toward the next segment counts at the faster pace.
            let begun = window.size % segment_size;
            let counts = u64::from(begun) * u64::from(self.pace) / u64::from(pace);
            window.grow((counts as u32).min(segment_size) - begun);
        }
        self.pace = pace;
    }

    /// RFC 9438 4.3: one segment for each window acknowledged, and 9/17 of one as long as the last window is not reached
    /// again: with a decrease to 0.7 that is as fast as NewReno on average.
    fn grow_friendly(&mut self, window: u32, segment_size: u32) {
        loop {
            let slow = self.friendly < self.prior;
            let needed = if slow { window as u64 * 17 / 9 } else { window as u64 };
            let needed = u32::try_from(needed).unwrap_or(u32::MAX).max(1);
            if self.credit < needed {
                return;
            }
            self.credit -= needed;
            self.friendly = self.friendly.saturating_add(segment_size).min(MAX_WINDOW);
        }
    }
}

#[cfg(test)]
mod tests;
