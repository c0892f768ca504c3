//! Memory that is read into in big pieces and given out frame by frame.

use basis::Frame;
use basis::frame::{HEADROOM, INLINE_PAYLOAD};
use bytes::{Buf, Bytes, BytesMut};

/// A frame of at most this many bytes lies in the frame's own head.
const INLINE: usize = HEADROOM + INLINE_PAYLOAD;
/// A frame of at most this many bytes gets memory of its own: it would pin a chunk that is far bigger.
const COPIED: usize = 1024;

/// Bytes that were read and not given out yet, in a chunk that the frames given out share.
pub(crate) struct Chunk {
    /// What was read, then free space. Zeroed once, when it is new.
    buffer: BytesMut,
    filled: usize,
    size: usize,
    /// With less free space than this the chunk is left to the frames that were cut from it.
    least: usize,
    /// Bytes of the whole chunk, what was given out of it included.
    whole: usize,
}

impl Chunk {
    /// Chunks of `size` bytes; each read gets space for at least `least` bytes.
    pub(crate) fn new(size: usize, least: usize) -> Chunk {
        Chunk { buffer: BytesMut::new(), filled: 0, size: size.max(least), least: least.max(1), whole: 0 }
    }

    /// What was read and not given out yet.
    #[inline]
    pub(crate) fn filled(&self) -> &[u8] {
        self.buffer.get(..self.filled).unwrap_or_default()
    }

    /// Where to read to. If a frame has begun, all of its `frame` bytes will fit.
    pub(crate) fn space(&mut self, frame: usize) -> &mut [u8] {
        if !self.has_room() || self.buffer.len() < frame {
            let mut fresh = BytesMut::zeroed(self.size.max(frame).max(self.filled + self.least));
            fresh[..self.filled].copy_from_slice(self.filled());
            (self.whole, self.buffer) = (fresh.len(), fresh);
        }
        &mut self.buffer[self.filled..]
    }

    /// Whether the next read needs no other chunk.
    #[inline]
    pub(crate) fn has_room(&self) -> bool {
        self.free() >= self.least
    }

    #[inline]
    fn free(&self) -> usize {
        self.buffer.len() - self.filled
    }

    /// That many bytes were read to the beginning of [`space`](Self::space).
    #[inline]
    pub(crate) fn commit(&mut self, length: usize) {
        self.filled = (self.filled + length).min(self.buffer.len());
    }

    /// Drops that many bytes from the front.
    #[inline]
    pub(crate) fn skip(&mut self, length: usize) {
        let length = length.min(self.filled);
        self.filled -= length;
        self.buffer.advance(length);
    }

    /// Gives out that many bytes from the front as a frame.
    ///
    /// A frame that shares the chunk is charged with the whole of it. For who takes the other frames, and for how long, is
    /// not known: any single one may be the last to pin it. Whoever keeps a frame for long copies it, if it is a small part.
    #[inline]
    pub(crate) fn take(&mut self, length: usize) -> Frame {
        let length = length.min(self.filled);
        if length <= COPIED {
            let frame = copied(self.filled().get(..length).unwrap_or_default());
            self.skip(length);
            return frame;
        }
        self.filled -= length;
        let body = self.buffer.split_to(length).freeze();
        Frame::from_device(body, self.whole)
    }
}

/// A short frame with no memory shared.
#[inline]
pub(crate) fn copied(bytes: &[u8]) -> Frame {
    if bytes.len() > INLINE {
        return Frame::from_device(Bytes::copy_from_slice(bytes), bytes.len());
    }
    let (front, back) = bytes.split_at(bytes.len().saturating_sub(INLINE_PAYLOAD));
    let mut frame = Frame::new();
    frame.append(back);
    frame.prepend(front.len()).copy_from_slice(front);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(chunk: &mut Chunk, bytes: &[u8]) {
        chunk.space(0)[..bytes.len()].copy_from_slice(bytes);
        chunk.commit(bytes.len());
    }

    #[test]
    fn every_length_comes_out_as_it_went_in() {
        let mut chunk = Chunk::new(4096, 2048);
        for length in [0, 1, 63, 64, 65, INLINE, INLINE + 1, COPIED, COPIED + 1, 2048] {
            let bytes: Vec<u8> = (0..length).map(|n| n as u8).collect();
            filled(&mut chunk, &bytes);
            assert_eq!(chunk.take(length).to_vec(), bytes);
            assert!(chunk.filled().is_empty());
        }
    }

    #[test]
    fn bytes_not_given_out_move_to_the_next_chunk() {
        let mut chunk = Chunk::new(4096, 2048);
        filled(&mut chunk, &[1; 3000]);
        let first = chunk.take(2500);
        filled(&mut chunk, &[2; 2000]);
        assert_eq!((first.to_vec(), chunk.filled().len()), (vec![1; 2500], 2500));
        chunk.skip(400);
        assert_eq!(chunk.take(2000).to_vec()[..101], [[1; 100].as_slice(), &[2]].concat());
    }

    #[test]
    fn every_shared_frame_is_charged_with_the_chunk_that_it_pins() {
        // The only frame that shares the chunk may come first, between short ones, or last.
        for place in [0, 30, 60] {
            let mut chunk = Chunk::new(64 << 10, 2048);
            for n in 0..61 {
                let length = if n == place { COPIED + 1 } else { COPIED };
                filled(&mut chunk, &vec![9; length]);
                let frame = chunk.take(length);
                assert_eq!(frame.memory(), if n == place { 64 << 10 } else { COPIED });
            }
        }
    }

    #[test]
    fn a_chunk_made_larger_for_a_frame_is_charged_at_its_size() {
        let mut chunk = Chunk::new(4096, 1024);
        chunk.space(60_000);
        chunk.commit(60_000);
        assert_eq!((chunk.take(40_000).memory(), chunk.take(20_000).memory()), (60_000, 60_000));
        filled(&mut chunk, &[1; 2000]);
        assert_eq!(chunk.take(2000).memory(), 4096);
    }

    #[test]
    fn a_frame_longer_than_a_chunk_gets_a_chunk_of_its_size() {
        let mut chunk = Chunk::new(4096, 1024);
        filled(&mut chunk, &[3; 4000]);
        let rest = chunk.space(60_000).len();
        assert_eq!((rest, chunk.filled()), (56_000, &[3; 4000][..]));
        chunk.commit(rest);
        assert_eq!(chunk.take(60_000).len(), 60_000);
    }

    #[test]
    fn short_frames_share_no_memory_with_the_chunk() {
        let mut chunk = Chunk::new(10_000, 2048);
        filled(&mut chunk, &[9; 2000]);
        assert_eq!((chunk.take(INLINE).memory(), chunk.take(COPIED).memory()), (0, COPIED));
    }
}
