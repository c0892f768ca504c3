//! Whether a host is behind a link: it brings more than the host gets to take.

use basis::Instant;
use std::time::Duration;

/// Of turns that left something, more than these do not count.
const MOST: u8 = 32;
/// With so many more turns that left something than turns that did not, the host is behind.
const BEHIND: u8 = 2;
/// What is older than that says nothing any more.
const FORGOTTEN: Duration = Duration::from_millis(100);

/// Counts turns that left something in the link against those that did not. A queue that is there most of the time makes all that comes wait,
/// and moves nothing sooner.
#[derive(Clone, Copy, Debug)]
pub(super) struct Behind {
    turns: u8,
    last: Instant,
}

impl Behind {
    pub(super) const NOT: Behind = Behind { turns: 0, last: Instant::ZERO };

    /// A turn that brought something has come to its end, and `left` more or not.
    pub(super) fn on_turn(&mut self, now: Instant, left: bool) {
        let turns = if self.is_forgotten(now) { 0 } else { self.turns };
        self.turns = if left { MOST.min(turns + 1) } else { turns.saturating_sub(1) };
        self.last = now;
    }

    pub(super) fn is_behind(self, now: Instant) -> bool {
        self.turns >= BEHIND && !self.is_forgotten(now)
    }

    fn is_forgotten(self, now: Instant) -> bool {
        now - self.last >= FORGOTTEN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::from_millis(1_000);

    fn after(mut behind: Behind, pattern: &[bool]) -> Behind {
        pattern.iter().for_each(|left| behind.on_turn(NOW, *left));
        behind
    }

    #[test]
    fn a_host_is_behind_while_most_turns_leave_something() {
        let behind = after(Behind::NOT, &[true, false, true, false, true]);
        assert!(!behind.is_behind(NOW));
        let behind = after(behind, &[true]);
        assert!(behind.is_behind(NOW));
        let behind = after(behind, &[true; 100]);
        let behind = after(behind, &[false; (MOST - BEHIND) as usize]);
        assert!(behind.is_behind(NOW));
        let behind = after(behind, &[false]);
        assert!(!behind.is_behind(NOW), "of a hundred turns no more than the bound count");
        let behind = after(after(behind, &[false; 100]), &[true; BEHIND as usize]);
        assert!(behind.is_behind(NOW));
    }

    #[test]
    fn a_link_that_falls_silent_leaves_nobody_behind() {
        let mut behind = after(Behind::NOT, &[true; 9]);
        let silence = FORGOTTEN.as_millis() as u64;
        assert!(behind.is_behind(Instant::from_millis(1_000 + silence - 1)));
        let later = Instant::from_millis(1_000 + silence);
        assert!(!behind.is_behind(later));
        behind.on_turn(later, true);
        assert!(!behind.is_behind(later), "it is counted anew");
        behind.on_turn(later, true);
        assert!(behind.is_behind(later));
    }
}
