//! Chunks of memory that are used again.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use bytes::BytesMut;

/// Bytes of a large chunk.
pub const LARGE: usize = 64 * 1024;
/// Bytes of a small chunk.
pub const SMALL: usize = 2 * 1024;
const KEPT_LARGE: usize = 32;
const KEPT_SMALL: usize = 256;

/// A copy of a chunk with as much room behind its bytes as it has: [`BytesMut::clone`] leaves none.
pub fn copy_with_room(chunk: &BytesMut) -> BytesMut {
    let mut copy = BytesMut::with_capacity(chunk.capacity());
    copy.extend_from_slice(chunk);
    copy
}

/// Chunks whose memory is used again once nobody reads them any more.
///
/// A chunk is filled from the front; what has been split off it lives on as `Bytes`. A spent chunk is given back and
/// taken again when the last of those has gone. At most 32 large and 256 small chunks are kept, and as many more that are
/// still read.
///
/// ```
/// use netstrata_basis::ChunkPool;
/// let mut pool = ChunkPool::new();
/// let chunk = pool.take(100);
/// assert!(chunk.capacity() >= 100);
/// pool.give(chunk);
/// ```
#[derive(Debug, Default)]
pub struct ChunkPool {
    large: Vec<BytesMut>,
    small: Vec<BytesMut>,
    /// Spent and still read by somebody, the oldest first. How large one is shows when the last reader has gone.
    lent: VecDeque<BytesMut>,
}

impl ChunkPool {
    /// A pool without chunks.
    pub const fn new() -> ChunkPool {
        ChunkPool { large: Vec::new(), small: Vec::new(), lent: VecDeque::new() }
    }

    /// An empty chunk with room for `wanted` bytes, or for [`LARGE`] bytes if more are wanted.
    #[inline]
    pub fn take(&mut self, wanted: usize) -> BytesMut {
        if !self.lent.is_empty() {
            self.collect();
        }
        let (kept, size) = if wanted <= SMALL { (&mut self.small, SMALL) } else { (&mut self.large, LARGE) };
        kept.pop().unwrap_or_else(|| BytesMut::with_capacity(size))
    }

    /// Takes back a spent chunk; what was split off it may still be in use.
    #[inline]
    pub fn give(&mut self, mut chunk: BytesMut) {
        chunk.clear();
        if let Some(chunk) = self.keep(chunk)
            && self.lent.len() < KEPT_LARGE + KEPT_SMALL
        {
            self.lent.push_back(chunk);
        }
    }

    /// Looks at the chunks whose readers have had the most time to go. One that is read for very long holds up the others
    /// only for as many looks as there are.
    fn collect(&mut self) {
        for _ in 0..2 {
            let Some(chunk) = self.lent.pop_front() else { return };
            if let Some(chunk) = self.keep(chunk) {
                self.lent.push_back(chunk);
                return;
            }
        }
    }

    /// Keeps a chunk that nobody reads, and returns one that somebody does.
    #[inline]
    fn keep(&mut self, mut chunk: BytesMut) -> Option<BytesMut> {
        let (kept, most) = if chunk.try_reclaim(LARGE) {
            (&mut self.large, KEPT_LARGE)
        } else if chunk.capacity() <= SMALL && chunk.try_reclaim(SMALL) {
            (&mut self.small, KEPT_SMALL)
        } else {
            return Some(chunk);
        };
        if kept.len() < most {
            kept.push(chunk);
        }
        None
    }
}

impl Clone for ChunkPool {
    /// A pool without chunks: they are only kept memory, not state.
    fn clone(&self) -> Self {
        ChunkPool::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_taken_again_when_its_last_reader_has_gone() {
        let mut pool = ChunkPool::new();
        for size in [SMALL, LARGE] {
            let mut chunk = pool.take(size);
            let place = chunk.as_ptr();
            chunk.extend_from_slice(&[7; SMALL]);
            let read = chunk.split().freeze();
            pool.give(chunk);
            let other = pool.take(size);
            assert_ne!(other.as_ptr(), place, "it is still read");
            assert_eq!(&read[..], [7; SMALL]);
            drop(read);
            let again = pool.take(size);
            assert_eq!((again.as_ptr(), again.capacity(), again.len()), (place, size, 0));
        }
    }

    #[test]
    fn a_nearly_full_large_chunk_does_not_pass_for_a_small_one() {
        let mut pool = ChunkPool::new();
        let mut chunk = pool.take(LARGE);
        chunk.extend_from_slice(&[7; LARGE - 100]);
        let read = chunk.split().freeze();
        pool.give(chunk);
        drop(read);
        assert_eq!(pool.take(SMALL).capacity(), SMALL);
        assert_eq!(pool.take(LARGE).capacity(), LARGE);
        assert!(pool.small.is_empty() && pool.large.is_empty() && pool.lent.is_empty());
    }

    #[test]
    fn no_more_than_its_bounds_are_kept() {
        let mut pool = ChunkPool::new();
        for size in [SMALL, LARGE] {
            let chunks: Vec<_> = (0..KEPT_SMALL + 1).map(|_| pool.take(size)).collect();
            chunks.into_iter().for_each(|chunk| pool.give(chunk));
        }
        assert_eq!((pool.small.len(), pool.large.len()), (KEPT_SMALL, KEPT_LARGE));
        let lent: Vec<_> = (0..1000)
            .map(|_| {
                let mut chunk = BytesMut::with_capacity(SMALL);
                chunk.extend_from_slice(&[7; SMALL]);
                let read = chunk.split().freeze();
                pool.give(chunk);
                read
            })
            .collect();
        assert_eq!((pool.lent.len(), lent.len()), (KEPT_SMALL + KEPT_LARGE, 1000));
    }
}
