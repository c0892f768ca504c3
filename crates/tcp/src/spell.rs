//! Times that come and go.

use basis::Instant;
use core::time::Duration;

/// How long something lasted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Spell {
    /// Those that have ended.
    pub(crate) lasted: Duration,
    /// When the present one began.
    pub(crate) since: Option<Instant>,
}

impl Spell {
    pub(crate) fn begin(&mut self, now: Instant) {
        self.since.get_or_insert(now);
    }

    pub(crate) fn end(&mut self, now: Instant) {
        if let Some(since) = self.since.take() {
            self.lasted += now.saturating_since(since);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spell_is_counted_once_it_is_over() {
        let (mut spell, at) = (Spell::default(), Instant::from_millis);
        spell.end(at(1));
        spell.begin(at(2));
        spell.begin(at(3));
        assert_eq!((spell.lasted, spell.since), (Duration::ZERO, Some(at(2))));
        spell.end(at(5));
        spell.end(at(9));
        assert_eq!((spell.lasted, spell.since), (Duration::from_millis(3), None));
    }
}
