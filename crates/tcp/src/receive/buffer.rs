//! Bytes received in order and not yet read.

use super::piece::{LEAST_PIECE, Piece, fills, is_worth_keeping};
use super::reassembly::Reassembly;
use alloc::collections::VecDeque;
use basis::{ChunkPool, Frame, pool};
use bytes::{Buf, Bytes, BytesMut};

/// What a receiver holds: pieces in order, a tail that small payloads are copied into, and what came too early.
///
/// Memory is charged by its true size: a payload is kept where it arrived only if it makes up half of the memory it
/// keeps from being used again. So the whole never takes more than twice the bytes it holds, and one chunk.
#[derive(Debug, Default)]
pub(crate) struct ReceiveBuffer {
    pieces: VecDeque<Bytes>,
    tail: BytesMut,
    len: usize,
    pub(crate) reassembly: Reassembly,
}

impl ReceiveBuffer {
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Bytes of memory that it is charged: what it holds in order, the rest of the last chunk, and what is out of order.
    #[inline]
    pub(crate) fn used(&self) -> usize {
        let rest = if self.len == 0 { 0 } else { self.tail.capacity() - self.tail.len() };
        self.len + rest + self.reassembly.charged()
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0 && self.reassembly.is_empty()
    }

    /// Appends the payload that the frame holds.
    #[inline]
    pub(crate) fn push(&mut self, payload: &mut Frame, chunks: &mut ChunkPool) {
        self.len += payload.len();
        let [head, body] = payload.parts();
        match body.is_empty() && head.len() <= self.tail.capacity() - self.tail.len() {
            // A short message.
            true => self.tail.extend_from_slice(head),
            false => self.push_long(payload, chunks),
        }
    }

    /// [`ReceiveBuffer::push`] of what may need other memory.
    #[inline(never)]
    fn push_long(&mut self, payload: &mut Frame, chunks: &mut ChunkPool) {
        if is_worth_keeping(payload) {
            self.seal();
            self.pieces.push_back(payload.take_body());
            return;
        }
        let [head, body] = payload.parts();
        self.copy_in(head, chunks);
        if !body.is_empty() {
            self.copy_in(body, chunks);
        }
    }

    /// Appends a piece that has become in order.
    pub(crate) fn push_piece(&mut self, piece: Piece, chunks: &mut ChunkPool) {
        self.len += piece.len();
        // What was cut off its front as it came to its turn may leave little of it.
        if piece.is_worth_keeping() {
            self.seal();
            self.pieces.push_back(piece.bytes);
        } else {
            self.copy_in(&piece.bytes, chunks);
        }
    }

    fn copy_in(&mut self, mut bytes: &[u8], chunks: &mut ChunkPool) {
        while !bytes.is_empty() {
            let room = self.tail.capacity() - self.tail.len();
            if room == 0 {
                if self.tail.is_empty() && self.tail.try_reclaim(LEAST_PIECE) {
                    continue;
                }
                self.seal();
                let spent = core::mem::replace(&mut self.tail, chunks.take(bytes.len()));
                if spent.capacity() > 0 {
                    chunks.give(spent);
                }
                continue;
            }
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.tail.extend_from_slice(now);
            bytes = later;
        }
    }

    fn seal(&mut self) {
        if !self.tail.is_empty() {
            self.pieces.push_back(self.tail.split().freeze());
        }
    }

    /// Copies to the front of `out` as many bytes as there are and forgets them.
    #[inline]
    pub(crate) fn read(&mut self, out: &mut [u8]) -> usize {
        let mut filled = if self.pieces.is_empty() { 0 } else { self.read_pieces(out) };
        let count = self.tail.len().min(out.len() - filled);
        if count > 0 {
            out[filled..filled + count].copy_from_slice(&self.tail[..count]);
            self.forget_tail(count);
            filled += count;
        }
        self.len -= filled;
        filled
    }

    /// The first `count` bytes of the tail were taken out.
    #[inline]
    fn forget_tail(&mut self, count: usize) {
        match count == self.tail.len() {
            // Its memory begins anew.
            true => self.tail.clear(),
            false => self.forget_some(count),
        }
    }

    #[inline(never)]
    fn forget_some(&mut self, count: usize) {
        self.tail.advance(count);
    }

    /// Takes out up to `most` of the bytes that lie together at the front, in the memory that they lie in. They are copied if they
    /// are few, or few in the chunk that the tail fills: whoever keeps them keeps that memory.
    pub(crate) fn read_bytes(&mut self, most: usize) -> Bytes {
        let bytes = match self.pieces.front_mut() {
            Some(piece) if most.min(piece.len()) < LEAST_PIECE => {
                let bytes = Bytes::copy_from_slice(&piece[..most.min(piece.len())]);
                piece.advance(bytes.len());
                bytes
            }
            Some(piece) => piece.split_to(most.min(piece.len())),
            None => self.read_tail(most),
        };
        self.pieces.pop_front_if(|piece| piece.is_empty());
        self.len -= bytes.len();
        bytes
    }

    fn read_tail(&mut self, most: usize) -> Bytes {
        let count = self.tail.len().min(most);
        if count >= LEAST_PIECE && fills(count, self.tail.capacity()) {
            return self.tail.split_to(count).freeze();
        }
        let bytes = Bytes::copy_from_slice(&self.tail[..count]);
        self.forget_tail(count);
        bytes
    }

    #[inline(never)]
    fn read_pieces(&mut self, out: &mut [u8]) -> usize {
        let mut filled = 0;
        let mut spent = 0;
        for piece in &mut self.pieces {
            let count = piece.len().min(out.len() - filled);
            out[filled..filled + count].copy_from_slice(&piece[..count]);
            filled += count;
            if count < piece.len() {
                piece.advance(count);
                break;
            }
            spent += 1;
        }
        // Together, behind the copies: each counts a reference down, which would wait for the copy before it.
        if spent > 0 {
            self.pieces.drain(..spent);
        }
        filled
    }

    /// Copies to the front of `out` as many bytes as there are and keeps them.
    pub(crate) fn peek(&self, out: &mut [u8]) -> usize {
        let mut filled = 0;
        for piece in self.pieces.iter().map(|piece| &piece[..]).chain([&self.tail[..]]) {
            let count = piece.len().min(out.len() - filled);
            out[filled..filled + count].copy_from_slice(&piece[..count]);
            filled += count;
        }
        filled
    }

    /// Empties the buffer for another connection. A small chunk stays for it, a large one is given back.
    #[inline]
    pub(crate) fn clear(&mut self, chunks: &mut ChunkPool) {
        self.tail.clear();
        self.len = 0;
        let is_spare = self.pieces.is_empty() && !self.reassembly.was_used();
        if !is_spare || self.pieces.capacity() > 64 || self.tail.capacity() > pool::SMALL {
            self.clear_all(chunks);
        }
    }

    #[inline(never)]
    fn clear_all(&mut self, chunks: &mut ChunkPool) {
        self.pieces.clear();
        if self.pieces.capacity() > 64 {
            self.pieces = VecDeque::new();
        }
        if self.tail.capacity() > pool::SMALL {
            chunks.give(core::mem::take(&mut self.tail));
        }
        self.reassembly.clear();
    }
}

impl Clone for ReceiveBuffer {
    /// A copy takes as much memory as the original is charged.
    fn clone(&self) -> Self {
        ReceiveBuffer {
            pieces: self.pieces.clone(),
            tail: pool::copy_with_room(&self.tail),
            len: self.len,
            reassembly: self.reassembly.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;
    use wire::tcp::Seq;

    #[test]
    fn a_copy_is_charged_what_the_original_is() {
        let mut chunks = ChunkPool::new();
        let mut buffer = ReceiveBuffer::default();
        buffer.push(&mut Frame::copy_of(b"few bytes"), &mut chunks);
        assert_eq!(buffer.clone().used(), buffer.used());
        assert!(buffer.used() > buffer.len());
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_was_pushed(
            steps in prop::collection::vec((0..3_000usize, any::<bool>(), 0..3_000usize, any::<bool>()), 1..60),
        ) {
            let mut chunks = ChunkPool::new();
            let (mut buffer, mut plain, mut next) = (ReceiveBuffer::default(), Vec::new(), 0u8);
            for (push, shared, read, taken_out) in steps {
                let data: Vec<u8> = (0..push).map(|_| { next = next.wrapping_add(3); next }).collect();
                plain.extend_from_slice(&data);
                let memory = if shared { push } else { 4 * push };
                buffer.push(&mut Frame::from_device(Bytes::from(data), memory), &mut chunks);
                let mut peeked = alloc::vec![0; read];
                let mut out = alloc::vec![0; read];
                let count = buffer.peek(&mut peeked);
                prop_assert_eq!(count, read.min(plain.len()));
                let count = if taken_out {
                    let bytes = buffer.read_bytes(read);
                    // It need not be all: what lies elsewhere comes next.
                    prop_assert!(bytes.len() <= count && (count == 0 || !bytes.is_empty()));
                    out[..bytes.len()].copy_from_slice(&bytes);
                    bytes.len()
                } else {
                    prop_assert_eq!(buffer.read(&mut out), count);
                    count
                };
                prop_assert_eq!(&peeked[..count], &out[..count]);
                prop_assert_eq!(&out[..count], &plain[..count]);
                plain.drain(..count);
                prop_assert_eq!(buffer.len(), plain.len());
                prop_assert_eq!(buffer.is_empty(), plain.is_empty());
            }
        }
    }

    #[test]
    fn what_is_taken_out_lies_where_it_arrived_unless_it_would_pin_much_for_little() {
        let mut chunks = ChunkPool::new();
        let mut buffer = ReceiveBuffer::default();
        let arrived = Bytes::from(alloc::vec![7; 9_000]);
        buffer.push(&mut Frame::from_device(arrived.clone(), 9_000), &mut chunks);
        let first = buffer.read_bytes(LEAST_PIECE);
        assert_eq!((first.as_ptr(), first.len()), (arrived.as_ptr(), LEAST_PIECE));
        let few = buffer.read_bytes(LEAST_PIECE - 1);
        assert!(!arrived.as_ptr_range().contains(&few.as_ptr()));
        let rest = buffer.read_bytes(usize::MAX);
        assert_eq!(rest.len(), 9_000 - 2 * LEAST_PIECE + 1);
        assert!(arrived.as_ptr_range().contains(&rest.as_ptr()) && buffer.is_empty());
        // Copied on arrival, into a chunk that it fills, and into one that it does not.
        for (length, shared) in [(pool::SMALL / 2, true), (pool::SMALL / 2 - 1, false)] {
            let mut buffer = ReceiveBuffer::default();
            buffer.push(&mut Frame::from_device(arrived.slice(..length), 9_000), &mut chunks);
            let place = buffer.tail.as_ptr();
            assert_eq!(buffer.read_bytes(usize::MAX).as_ptr() == place, shared);
        }
    }

    #[test]
    fn a_small_payload_does_not_pin_the_large_memory_it_arrived_in() {
        let mut chunks = ChunkPool::new();
        let large = Bytes::from(alloc::vec![7; 9000]);
        let mut buffer = ReceiveBuffer::default();
        buffer.push(&mut Frame::from_device(large.slice(..400), 9000), &mut chunks);
        assert!(large.is_unique());
        buffer.push(&mut Frame::from_device(large.slice(..4500), 9000), &mut chunks);
        assert!(!large.is_unique());
    }

    #[test]
    fn a_piece_of_which_little_is_left_at_its_turn_is_copied() {
        let mut chunks = ChunkPool::new();
        let mut buffer = ReceiveBuffer::default();
        for (left, shared) in [(4_400, false), (4_500, true)] {
            let large = Bytes::from(alloc::vec![7; 9000]);
            assert!(buffer.reassembly.insert(Seq(100), Piece::new(large.clone(), 9_000), 1 << 20));
            let piece = buffer.reassembly.pop(Seq(100 + 9_000 - left)).expect("its turn has come");
            buffer.push_piece(piece, &mut chunks);
            assert_eq!(!large.is_unique(), shared);
        }
    }
}
