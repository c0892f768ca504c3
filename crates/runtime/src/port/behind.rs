//! Whether a host is behind a link: it brings more than the host gets to take.

/// Of turns that left something, more than these do not count.
const MOST: u8 = 32;
/// With so many more turns that left something than turns that did not, the host is behind.
const BEHIND: u8 = 2;

/// Counts turns that left something in the link against those that did not. A queue that is there most of the time makes all that comes wait,
/// and moves nothing sooner.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Behind(u8);

impl Behind {
    /// A turn that brought something has come to its end, and `left` more or not.
    pub(super) fn on_turn(&mut self, left: bool) {
        self.0 = if left { MOST.min(self.0 + 1) } else { self.0.saturating_sub(1) };
    }

    pub(super) fn is_so(self) -> bool {
        self.0 >= BEHIND
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_behind_while_most_turns_leave_something() {
        let mut behind = Behind::default();
        let mut turns = |pattern: &[bool]| {
            pattern.iter().for_each(|left| behind.on_turn(*left));
            behind.is_so()
        };
        assert!(!turns(&[true, false, true, false, true]));
        assert!(turns(&[true]));
        assert!(turns(&[true; 100]));
        assert!(turns(&[false; (MOST - BEHIND) as usize]));
        assert!(!turns(&[false]), "of a hundred turns no more than the bound count");
        assert!(!turns(&[false; 100]) && turns(&[true; BEHIND as usize]));
    }
}
