//! The payload of a datagram, in pooled memory.

use basis::frame::INLINE_PAYLOAD;
use basis::{ChunkPool, Frame};

/// A frame that holds a copy of `payload`: in its head if it is short, else in memory from `pool`.
pub(crate) fn frame_with(pool: &mut ChunkPool, payload: &[u8]) -> Frame {
    let mut frame = Frame::new();
    if payload.len() <= INLINE_PAYLOAD {
        frame.append(payload);
        return frame;
    }
    let mut chunk = pool.take(payload.len());
    let memory = chunk.capacity();
    chunk.extend_from_slice(payload);
    frame.set_body(chunk.split().freeze(), memory);
    pool.give(chunk);
    frame
}
