//! Memory that a file is read into and a stream sends from.

use bytes::Bytes;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The most that is read at once.
const LARGEST: usize = 256 * 1024;

/// Memory for one file on its way: what the stream has let go of is used again.
pub(crate) struct FileMemory {
    /// Bytes of each piece: whole segments, so that none is copied together from two.
    piece: usize,
    spare: Arc<Mutex<Vec<Box<[u8]>>>>,
}

/// A piece that a stream sends from. It comes back when the last of its bytes has been acknowledged.
struct Lent {
    memory: Box<[u8]>,
    filled: usize,
    spare: Weak<Mutex<Vec<Box<[u8]>>>>,
}

impl FileMemory {
    pub(crate) fn new(segment_size: u32) -> FileMemory {
        let segment_size = segment_size.max(1) as usize;
        FileMemory { piece: (LARGEST / segment_size * segment_size).max(segment_size), spare: Arc::default() }
    }

    /// Memory for the next of `left` bytes.
    pub(crate) fn take(&self, left: u64) -> Box<[u8]> {
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(self.piece);
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        // What is sent keeps the whole piece, so little does not go into a large one.
        spare.filter(|spare| length >= spare.len() / 2).unwrap_or_else(|| vec![0; length].into_boxed_slice())
    }

    /// The first `filled` bytes of `memory`, to be sent.
    pub(crate) fn lend(&self, memory: Box<[u8]>, filled: usize) -> Bytes {
        if filled < memory.len() / 2 {
            return Bytes::copy_from_slice(memory.get(..filled).unwrap_or_default());
        }
        Bytes::from_owner(Lent { memory, filled, spare: Arc::downgrade(&self.spare) })
    }
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        self.memory.get(..self.filled).unwrap_or_default()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(spare) = self.spare.upgrade() {
            spare.lock().unwrap_or_else(PoisonError::into_inner).push(std::mem::take(&mut self.memory));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_is_used_again_when_its_last_byte_has_gone() {
        let memory = FileMemory::new(1448);
        let first = memory.take(u64::MAX);
        assert_eq!(first.len(), LARGEST / 1448 * 1448);
        let place = first.as_ptr();
        let lent = memory.lend(first, 200_000);
        assert_eq!(lent.as_ptr(), place);
        let tail = lent.slice(199_999..);
        drop(lent);
        let second = memory.take(u64::MAX);
        assert_ne!(second.as_ptr(), place, "a byte of it is still to be sent");
        drop(tail);
        let again = memory.take(u64::MAX);
        assert_eq!(again.as_ptr(), place);
    }

    #[test]
    fn little_keeps_no_large_piece() {
        let memory = FileMemory::new(1448);
        let piece = memory.take(u64::MAX);
        drop(memory.lend(piece, 200_000));
        assert_eq!(memory.take(1_000).len(), 1_000);
        let piece = memory.take(100_000);
        let place = piece.as_ptr();
        assert_ne!(memory.lend(piece, 49_999).as_ptr(), place);
    }
}
