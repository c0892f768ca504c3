//! Bytes whose place in the stream can be told from their value.

/// Bytes that the application writes and reads at a time.
pub(crate) const WRITE: usize = 64 * 1024;
/// A prime, so that the pattern and any power of two fall out of step.
const PERIOD: usize = 65_521;

/// A pattern that repeats every 65 521 bytes, long enough for one write from anywhere in it.
pub(crate) struct Pattern {
    bytes: Vec<u8>,
    checked: bool,
}

impl Pattern {
    /// `checked`: each byte that arrives is compared with the one that was sent.
    pub(crate) fn new(checked: bool) -> Pattern {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let mut bytes: Vec<u8> = (0..PERIOD).map(|_| next()).collect();
        bytes.extend_from_within(..WRITE - WRITE / 2);
        bytes.extend_from_within(WRITE - WRITE / 2..WRITE);
        Pattern { bytes, checked }
    }

    /// The bytes to write from `position` on, at most `length` and at most [`WRITE`].
    #[inline]
    pub(crate) fn at(&self, position: u64, length: u64) -> &[u8] {
        let length = length.min(WRITE as u64) as usize;
        let begin = if self.checked { (position % PERIOD as u64) as usize } else { 0 };
        &self.bytes[begin..begin + length]
    }

    /// Whether `bytes` are those from `position` on; always, if nothing is checked.
    #[inline]
    pub(crate) fn matches(&self, position: u64, bytes: &[u8]) -> bool {
        !self.checked || self.at(position, bytes.len() as u64) == bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_in_the_wrong_place_is_seen() {
        let pattern = Pattern::new(true);
        for position in [0, 1, 65_520, 65_521, 1_000_000_007] {
            let written = pattern.at(position, u64::MAX).to_vec();
            assert_eq!(written.len(), WRITE);
            assert!(pattern.matches(position, &written));
            assert!(pattern.matches(position + 5, &written[5..]), "pieces have the place of their bytes");
            assert!(!pattern.matches(position + 1, &written));
        }
        assert!(Pattern::new(false).matches(3, b"anything"));
    }
}
