//! Whether so many frames are written that a thread of the kernel's is worth its wake-ups.

use basis::Instant;
use std::time::Duration;

/// What is written is judged by spans of that length.
const SPAN: Duration = Duration::from_millis(10);
/// Frames in a millisecond that are many, and that are few again.
const MANY: u64 = 24;
const FEW: u64 = 6;
/// So many spans in a row have to say the same.
const SPANS: u8 = 3;

/// Counts what is given to be written.
pub(super) struct Pace {
    begin: Instant,
    frames: u64,
    /// Spans in a row that speak for a change.
    spans: u8,
    is_fast: bool,
}

impl Pace {
    pub(super) fn new() -> Pace {
        Pace { begin: Instant::ZERO, frames: 0, spans: 0, is_fast: false }
    }

    /// So many frames are written now.
    pub(super) fn on_frames(&mut self, now: Instant, count: usize) {
        let time = now - self.begin;
        if time >= SPAN {
            self.judge(time);
            (self.begin, self.frames) = (now, 0);
        }
        self.frames += count as u64;
    }

    fn judge(&mut self, time: Duration) {
        let rate = self.frames / u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1);
        let speaks_for_change = if self.is_fast { rate < FEW } else { rate >= MANY };
        self.spans = if speaks_for_change { self.spans + 1 } else { 0 };
        // A silence is as many spans as fit.
        if self.spans >= SPANS || (speaks_for_change && self.is_fast && time >= SPAN * SPANS.into()) {
            (self.is_fast, self.spans) = (!self.is_fast, 0);
        }
    }

    /// Many frames, for some time already.
    pub(super) fn is_fast(&self) -> bool {
        self.is_fast
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A millisecond's frames again and again; after how many milliseconds it changes, if it does within a second.
    fn changes_after(pace: &mut Pace, now: &mut u64, frames: u64) -> Option<u64> {
        let before = pace.is_fast();
        (1..=1_000).find(|_| {
            *now += 1;
            pace.on_frames(Instant::from_millis(*now), frames as usize);
            pace.is_fast() != before
        })
    }

    #[test]
    fn it_is_fast_after_three_spans_of_many_frames_and_slow_after_three_of_few() {
        let (mut pace, mut now) = (Pace::new(), 5_000);
        assert_eq!(changes_after(&mut pace, &mut now, MANY - 1), None);
        // The present span has to end, and may be one of them or not.
        assert!(matches!(changes_after(&mut pace, &mut now, MANY), Some(30..=40)));
        assert_eq!(changes_after(&mut pace, &mut now, FEW), None);
        assert!(matches!(changes_after(&mut pace, &mut now, FEW - 1), Some(30..=40)));
    }

    #[test]
    fn a_burst_is_not_fast_and_a_pause_is_not_slow_but_a_silence_is() {
        let (mut pace, mut now) = (Pace::new(), 5_000);
        for _ in 0..100 {
            (0..20).for_each(|_| pace.on_frames(Instant::from_millis(now), MANY as usize));
            now += 25;
        }
        assert!(!pace.is_fast());
        changes_after(&mut pace, &mut now, MANY).unwrap();
        now += 15;
        pace.on_frames(Instant::from_millis(now), 1);
        assert!(pace.is_fast());
        now += 2_000;
        pace.on_frames(Instant::from_millis(now), MANY as usize);
        assert!(!pace.is_fast());
    }
}
