//! A limit on answers to doubtful segments (RFC 5961 7), kept for each connection alone, so that what one peer causes
//! tells nothing to another.

use basis::Instant;

/// At most one such answer in half a second.
const INTERVAL_MILLISECONDS: u32 = 500;

/// When the last answer went out.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Throttle {
    /// In milliseconds, 0 for never.
    last: u32,
}

impl Throttle {
    /// No answer went out yet.
    pub(crate) const FRESH: Throttle = Throttle { last: 0 };

    /// Whether one more answer may go out now.
    pub(crate) fn allow(&mut self, now: Instant) -> bool {
        let now = (now.as_millis() as u32).max(1);
        if self.last != 0 && now.wrapping_sub(self.last) < INTERVAL_MILLISECONDS {
            return false;
        }
        self.last = now;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_answer_in_half_a_second() {
        let mut throttle = Throttle::default();
        let allowed = [0, 1, 499, 501, 900, 1001].map(|at| throttle.allow(Instant::from_millis(at)));
        assert_eq!(allowed, [true, false, false, true, false, true]);
    }
}
