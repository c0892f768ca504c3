//! Bytes written by the application and not yet acknowledged.

use super::scoreboard::Scoreboard;
use alloc::collections::VecDeque;
use basis::frame::INLINE_PAYLOAD;
use basis::{ChunkPool, Frame, pool};
use bytes::{Bytes, BytesMut};
use wire::tcp::Seq;

/// So many bytes that straddle two pieces are copied together.
const GATHERED: usize = 4096;

/// A writer's own memory is shared from so many bytes on. To copy fewer costs less than the segment that ends where they end, and
/// keeps them from pinning the memory that they are a small part of.
pub(crate) const SHARED: usize = 16 * 1024;

/// The bytes from SND.UNA to the end of what was written, as pieces of shared memory.
///
/// The writer's bytes are copied once, into the tail; what comes in memory that can be shared is a piece as it is. A segment
/// shares a piece instead of copying it; what fits a frame's head is copied there, so that small writes never break the tail
/// into small pieces.
#[derive(Debug, Default)]
pub(crate) struct SendBuffer {
    pieces: VecDeque<Bytes>,
    /// The end of the bytes: the part of a chunk that still grows.
    tail: BytesMut,
    /// Bytes of the tail's chunk that went into pieces.
    sealed: usize,
    len: usize,
    cursor: Cursor,
    /// What became of those sent; it is needed for as long.
    pub(super) board: Scoreboard,
    /// One past the last segment sent that was not full, for Nagle's algorithm.
    pub(super) short_end: Option<Seq>,
}

/// Where the last segment was found, since the next one lies behind it.
#[derive(Clone, Copy, Debug, Default)]
struct Cursor {
    piece: usize,
    /// Offset of the piece's first byte.
    start: usize,
}

impl SendBuffer {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Bytes of memory that it takes: what it holds, and the rest of the last chunk.
    #[inline]
    pub(crate) fn used(&self) -> usize {
        if self.len == 0 { 0 } else { self.len + self.tail.capacity() - self.tail.len() }
    }

    /// Takes in as much of `data` as keeps the whole inside `limit`. Chunks are filled to a multiple of
    /// `segment_size`, so that segments seldom straddle two.
    #[inline]
    pub(crate) fn write(
        &mut self,
        data: &[u8],
        limit: usize,
        segment_size: usize,
        chunks: &mut ChunkPool,
    ) -> usize {
        let accepted = data.len().min(limit.saturating_sub(self.len));
        let data = &data[..accepted];
        let free = self.tail.capacity() - self.tail.len();
        // A small chunk ends where it ends: no segment is whole in it.
        if accepted <= free && self.sealed + self.tail.capacity() <= pool::SMALL {
            self.tail.extend_from_slice(data);
            self.len += accepted;
        } else {
            self.write_long(data, limit, segment_size, chunks);
        }
        accepted
    }

    /// [`SendBuffer::write`] of what may need another chunk.
    #[inline(never)]
    fn write_long(&mut self, data: &[u8], limit: usize, segment_size: usize, chunks: &mut ChunkPool) {
        let mut rest = data;
        let full = pool::LARGE - pool::LARGE % segment_size.clamp(1, pool::LARGE);
        while !rest.is_empty() {
            let free = self.tail.capacity() - self.tail.len();
            let room = free.min(full.saturating_sub(self.sealed + self.tail.len()));
            if room == 0 {
                self.next_chunk(rest.len(), limit, chunks);
                continue;
            }
            let (now, later) = rest.split_at(room.min(rest.len()));
            self.tail.extend_from_slice(now);
            self.len += now.len();
            rest = later;
        }
    }

    /// [`SendBuffer::write`] of memory that can be shared: takes what it takes off the front of `bytes`, and copies it only if it
    /// is short.
    pub(crate) fn write_bytes(
        &mut self,
        bytes: &mut Bytes,
        limit: usize,
        segment_size: usize,
        chunks: &mut ChunkPool,
    ) -> usize {
        let accepted = bytes.len().min(limit.saturating_sub(self.len));
        if accepted < SHARED {
            let accepted = self.write(bytes, limit, segment_size, chunks);
            bytes::Buf::advance(bytes, accepted);
            return accepted;
        }
        self.seal();
        self.pieces.push_back(bytes.split_to(accepted));
        self.len += accepted;
        accepted
    }

    /// Begins another chunk; a small one only for small data that stands alone, or where little is allowed.
    fn next_chunk(&mut self, wanted: usize, limit: usize, chunks: &mut ChunkPool) {
        if self.len == 0 && wanted <= pool::SMALL && self.tail.try_reclaim(wanted) {
            self.sealed = 0;
            return;
        }
        self.seal();
        // A large chunk for a few bytes would waste what is scarce.
        let wanted = match self.len {
            _ if limit < pool::LARGE / 2 => pool::SMALL,
            0 => wanted,
            _ => pool::LARGE,
        };
        let spent = core::mem::replace(&mut self.tail, chunks.take(wanted));
        // The first chunk replaces nothing.
        if self.sealed > 0 || spent.capacity() > 0 {
            chunks.give(spent);
        }
        self.sealed = 0;
    }

    /// Makes the tail's bytes shareable.
    fn seal(&mut self) {
        if !self.tail.is_empty() {
            self.sealed += self.tail.len();
            self.pieces.push_back(self.tail.split().freeze());
        }
    }

    /// Lays up to `length` bytes from `offset` behind SND.UNA into the frame, and returns how many.
    /// It may be fewer, but never less than the lesser of `length` and `segment_size`.
    #[inline]
    pub(crate) fn fill(
        &mut self,
        offset: usize,
        length: usize,
        segment_size: usize,
        frame: &mut Frame,
        chunks: &mut ChunkPool,
    ) -> usize {
        if length <= INLINE_PAYLOAD
            && self.pieces.is_empty()
            && let Some(bytes) = self.tail.get(offset..offset + length)
        {
            frame.append(bytes);
            return length;
        }
        self.fill_long(offset, length, segment_size, frame, chunks)
    }

    /// [`SendBuffer::fill`] of what is long, or lies in pieces.
    #[inline(never)]
    fn fill_long(
        &mut self,
        offset: usize,
        length: usize,
        segment_size: usize,
        frame: &mut Frame,
        chunks: &mut ChunkPool,
    ) -> usize {
        if length <= INLINE_PAYLOAD {
            self.copy(offset, length, |bytes| frame.append(bytes));
            return length;
        }
        self.seek(offset);
        if self.cursor.piece == self.pieces.len() {
            self.seal();
        }
        let Some(piece) = self.pieces.get(self.cursor.piece) else { return 0 };
        let begin = offset - self.cursor.start;
        let available = piece.len() - begin;
        let whole = match available {
            available if available >= length => length,
            // A short burst stays one, at the price of a copy.
            _ if length <= GATHERED => 0,
            available => available - available % segment_size,
        };
        if whole > 0 {
            frame.set_body(piece.slice(begin..begin + whole), whole);
            return whole;
        }
        let gathered = if length <= GATHERED { length } else { length.min(segment_size) };
        let mut chunk = chunks.take(gathered);
        self.copy(offset, gathered, |bytes| chunk.extend_from_slice(bytes));
        let body = chunk.split().freeze();
        chunks.give(chunk);
        frame.set_body(body, gathered);
        gathered
    }

    /// Puts the cursor on the piece that holds `offset`, or behind the last piece for the tail.
    fn seek(&mut self, offset: usize) {
        if offset < self.cursor.start {
            self.cursor = Cursor::default();
        }
        while let Some(piece) = self.pieces.get(self.cursor.piece) {
            if offset < self.cursor.start + piece.len() {
                break;
            }
            self.cursor.start += piece.len();
            self.cursor.piece += 1;
        }
    }

    fn copy(&mut self, offset: usize, length: usize, mut take: impl FnMut(&[u8])) {
        self.seek(offset);
        let mut skip = offset - self.cursor.start;
        let mut rest = length;
        let pieces = self.pieces.iter().skip(self.cursor.piece).map(|piece| &piece[..]);
        for piece in pieces.chain([&self.tail[..]]) {
            let from = &piece[skip.min(piece.len())..];
            let bytes = &from[..rest.min(from.len())];
            skip = 0;
            rest -= bytes.len();
            take(bytes);
            if rest == 0 {
                return;
            }
        }
    }

    /// Forgets the first `count` bytes: they were acknowledged.
    pub(crate) fn acknowledge(&mut self, count: usize) {
        let mut rest = count.min(self.len);
        self.len -= rest;
        self.cursor.start = self.cursor.start.saturating_sub(rest);
        let mut popped = 0;
        while rest > 0 {
            match self.pieces.front_mut() {
                Some(piece) if piece.len() <= rest => {
                    rest -= piece.len();
                    popped += 1;
                    self.pieces.pop_front();
                }
                Some(piece) => {
                    bytes::Buf::advance(piece, rest);
                    rest = 0;
                }
                None => {
                    bytes::Buf::advance(&mut self.tail, rest);
                    self.sealed += rest;
                    rest = 0;
                }
            }
        }
        match self.cursor.piece.checked_sub(popped) {
            Some(piece) if self.cursor.start > 0 => self.cursor.piece = piece,
            _ => self.cursor = Cursor::default(),
        }
    }

    /// Empties the buffer for another connection. A small chunk stays for it, a large one is given back.
    #[inline]
    pub(crate) fn clear(&mut self, chunks: &mut ChunkPool) {
        self.tail.clear();
        (self.len, self.cursor, self.short_end) = (0, Cursor::default(), None);
        self.board.clear();
        let large = self.sealed + self.tail.capacity() > pool::SMALL;
        if large || !self.pieces.is_empty() || self.pieces.capacity() > 64 {
            self.clear_all(large, chunks);
        }
    }

    #[inline(never)]
    fn clear_all(&mut self, large: bool, chunks: &mut ChunkPool) {
        self.pieces.clear();
        if self.pieces.capacity() > 64 {
            self.pieces = VecDeque::new();
        }
        if large {
            chunks.give(core::mem::take(&mut self.tail));
            self.sealed = 0;
        }
    }
}

impl Clone for SendBuffer {
    /// A copy takes as much memory as the original is charged.
    fn clone(&self) -> Self {
        SendBuffer {
            pieces: self.pieces.clone(),
            tail: pool::copy_with_room(&self.tail),
            sealed: self.sealed,
            len: self.len,
            cursor: self.cursor,
            board: self.board.clone(),
            short_end: self.short_end,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    proptest! {
        /// Whatever is written in either way, acknowledged and asked for, a frame gets the bytes of a plain vector at that place.
        #[test]
        fn frames_get_the_bytes_that_were_written(
            steps in prop::collection::vec(
                (0..70_000usize, any::<bool>(), 0..70_000usize, 0..1_000usize, 1..9_000usize), 1..40,
            ),
            segment_size in 36..3_000usize,
        ) {
            let mut chunks = ChunkPool::new();
            let (mut buffer, mut plain) = (SendBuffer::default(), Vec::new());
            let mut next = 0u8;
            for (write, shared, acknowledge, at, length) in steps {
                let data: Vec<u8> = (0..write).map(|_| { next = next.wrapping_add(7); next }).collect();
                let taken = if shared {
                    let mut bytes = Bytes::from(data.clone());
                    let taken = buffer.write_bytes(&mut bytes, 200_000, segment_size, &mut chunks);
                    prop_assert_eq!(&bytes[..], &data[taken..]);
                    taken
                } else {
                    buffer.write(&data, 200_000, segment_size, &mut chunks)
                };
                prop_assert_eq!(taken, write.min(200_000 - plain.len()));
                plain.extend_from_slice(&data[..taken]);
                prop_assert!(buffer.used() >= plain.len() && buffer.used() <= plain.len() + pool::LARGE);
                if !plain.is_empty() {
                    let offset = at * (plain.len() - 1) / 1_000;
                    let length = length.min(plain.len() - offset);
                    let mut frame = Frame::new();
                    let filled = buffer.fill(offset, length, segment_size, &mut frame, &mut chunks);
                    prop_assert!(filled >= length.min(segment_size) && filled <= length);
                    prop_assert_eq!(frame.to_vec(), &plain[offset..offset + filled]);
                }
                let acknowledge = acknowledge.min(plain.len());
                buffer.acknowledge(acknowledge);
                plain.drain(..acknowledge);
                prop_assert_eq!(buffer.len(), plain.len());
            }
            buffer.clear(&mut chunks);
            prop_assert_eq!(buffer.len(), 0);
        }
    }

    #[test]
    fn memory_that_can_be_shared_is_copied_only_where_it_is_short() {
        let mut chunks = ChunkPool::new();
        for (length, room, shared) in [
            (SHARED, SHARED, true),
            (SHARED - 1, SHARED, false),
            (100_000, SHARED, true),
            // Little of it is taken.
            (100_000, SHARED - 1, false),
        ] {
            let memory = Bytes::from(alloc::vec![7; length]);
            let (mut buffer, mut rest) = (SendBuffer::default(), memory.clone());
            let taken = buffer.write_bytes(&mut rest, room, 1448, &mut chunks);
            assert_eq!((taken, rest.len()), (room.min(length), length - room.min(length)));
            drop(rest);
            assert_eq!(!memory.is_unique(), shared, "{length} bytes, and room for {room}");
            buffer.acknowledge(taken);
            assert!(memory.is_unique(), "it is let go of when it is acknowledged");
        }
    }

    #[test]
    fn segments_lie_in_the_writer_s_memory_but_where_two_pieces_meet() {
        let mut chunks = ChunkPool::new();
        let mut buffer = SendBuffer::default();
        let memory: Vec<_> = (0..3).map(|n| Bytes::from(alloc::vec![n; 50_000])).collect();
        buffer.write(b"head", 1 << 20, 1448, &mut chunks);
        for bytes in &memory {
            buffer.write_bytes(&mut bytes.clone(), 1 << 20, 1448, &mut chunks);
        }
        let (mut offset, mut copied) = (0, 0);
        while offset < buffer.len() {
            let mut frame = Frame::new();
            let length = (buffer.len() - offset).min(45 * 1448);
            let filled = buffer.fill(offset, length, 1448, &mut frame, &mut chunks);
            let body = frame.body().as_ptr();
            if !memory.iter().any(|memory| memory.as_ptr_range().contains(&body)) {
                copied += filled;
            }
            offset += filled;
        }
        assert!((1..=3 * 1448).contains(&copied), "{copied}");
    }

    #[test]
    fn a_copy_is_charged_what_the_original_is() {
        let mut chunks = ChunkPool::new();
        let mut buffer = SendBuffer::default();
        buffer.write(&[7; 5], 200_000, 1448, &mut chunks);
        assert_eq!(buffer.clone().used(), buffer.used());
        buffer.write(&[7; 70_000], 200_000, 1448, &mut chunks);
        assert_eq!(buffer.clone().used(), buffer.used());
    }

    #[test]
    fn chunks_are_filled_to_whole_segments() {
        let mut chunks = ChunkPool::new();
        let mut buffer = SendBuffer::default();
        let data = alloc::vec![1; 200_000];
        buffer.write(&data, 200_000, 1448, &mut chunks);
        for n in 0..3 {
            let mut frame = Frame::new();
            assert_eq!(
                buffer.fill(n * 45 * 1448, 65_535 / 1448 * 1448, 1448, &mut frame, &mut chunks),
                45 * 1448
            );
        }
    }
}
