//! Bytes written by the application and not yet acknowledged.

use super::marks::Pushes;
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
    pub(super) pushes: Pushes,
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
    #[inline(always)]
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
        (self.len, self.cursor) = (0, Cursor::default());
        self.short_end = None;
        self.pushes.clear();
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
            pushes: self.pushes.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
