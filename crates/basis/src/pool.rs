//! Chunks of memory that are used again.

use alloc::collections::VecDeque;
use bytes::BytesMut;

/// Bytes of a large chunk.
pub const LARGE: usize = 64 * 1024;
/// Bytes of a small chunk.
pub const SMALL: usize = 2 * 1024;
const KEPT_LARGE: usize = 32;
const KEPT_SMALL: usize = 256;

/// Chunks whose memory is used again once nobody reads them any more.
///
/// A chunk is filled from the front; what has been split off it lives on as `Bytes`. A spent chunk is given back and
/// taken again when the last of those has gone. At most 32 large and 256 small chunks are kept: 2.5 MiB.
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
    large: VecDeque<BytesMut>,
    small: VecDeque<BytesMut>,
}

impl ChunkPool {
    /// A pool without chunks.
    pub const fn new() -> ChunkPool {
        ChunkPool { large: VecDeque::new(), small: VecDeque::new() }
    }

    /// An empty chunk with room for `wanted` bytes, or for [`LARGE`] bytes if more are wanted.
    pub fn take(&mut self, wanted: usize) -> BytesMut {
        let (kept, size) = if wanted <= SMALL { (&mut self.small, SMALL) } else { (&mut self.large, LARGE) };
        if let Some(chunk) = kept.front_mut() {
            chunk.clear();
            if chunk.try_reclaim(size)
                && let Some(chunk) = kept.pop_front()
            {
                return chunk;
            }
            // Still read by somebody: let the next one have its turn.
            kept.rotate_left(1);
        }
        BytesMut::with_capacity(size)
    }

    /// Takes back a spent chunk; what was split off it may still be in use.
    pub fn give(&mut self, mut chunk: BytesMut) {
        chunk.clear();
        // A chunk does not know its whole size while parts of it are in use; a wrong guess costs an allocation.
        let (kept, most) = match chunk.capacity() > SMALL || chunk.try_reclaim(LARGE) {
            true => (&mut self.large, KEPT_LARGE),
            false => (&mut self.small, KEPT_SMALL),
        };
        if kept.len() < most {
            kept.push_back(chunk);
        }
    }
}

impl Clone for ChunkPool {
    /// A pool without chunks: they are only kept memory, not state.
    fn clone(&self) -> Self {
        ChunkPool::new()
    }
}
