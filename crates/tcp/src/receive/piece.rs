//! Received bytes, and the memory that they keep from being used again.

use basis::Frame;
use bytes::Bytes;

/// Payload of fewer bytes is copied together with its neighbours instead of being kept as a piece of its own.
pub(super) const LEAST_PIECE: usize = 256;

/// Bytes that came before their turn.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    pub(super) bytes: Bytes,
    /// Bytes of memory that it pins; at least its length.
    pub(super) memory: usize,
}

impl Piece {
    /// The bytes, which lie in `memory` bytes: shared where that wastes little, else copied to memory of their own size.
    pub(super) fn new(bytes: Bytes, memory: usize) -> Piece {
        if fills(bytes.len(), memory) {
            return Piece { bytes, memory };
        }
        Piece { memory: bytes.len(), bytes: Bytes::copy_from_slice(&bytes) }
    }

    /// The payload that the frame holds, in the same way.
    pub(super) fn detach(payload: &mut Frame) -> Piece {
        if is_worth_keeping(payload) {
            let memory = payload.memory();
            return Piece { bytes: payload.take_body(), memory };
        }
        Piece { memory: payload.len(), bytes: Bytes::from(payload.to_vec()) }
    }

    /// Bytes of it.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether it may stay as it is among the pieces in order.
    pub(super) fn is_worth_keeping(&self) -> bool {
        self.bytes.len() >= LEAST_PIECE && fills(self.bytes.len(), self.memory)
    }
}

/// Whether that many bytes make up a good part of the memory that they pin.
#[inline]
pub(super) fn fills(length: usize, memory: usize) -> bool {
    length * 2 >= memory
}

/// Whether the payload lies in memory of which it makes up a good part.
#[inline]
pub(super) fn is_worth_keeping(payload: &Frame) -> bool {
    let [head, body] = payload.parts();
    head.is_empty() && body.len() >= LEAST_PIECE && fills(body.len(), payload.memory())
}

/// Segments that were gathered into one on their way (generic receive offload).
pub(super) fn pieces(payload: &Frame) -> u32 {
    match payload.segment_size {
        0 => 1,
        size => payload.len().div_ceil(usize::from(size)).max(1) as u32,
    }
}
