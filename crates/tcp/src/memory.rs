//! Buffer memory that a host's connections share: an idle connection holds none of it.

use crate::receive::buffer::ReceiveBuffer;
use crate::send::buffer::SendBuffer;
use alloc::boxed::Box;
use alloc::vec::Vec;
use basis::ChunkPool;

/// Empty buffers kept for the next connection that has something to buffer.
const KEPT: usize = 64;

/// Chunks, and the frames of buffers around them. Boxes are kept because connections hold boxes: taking one moves a pointer.
#[derive(Debug, Default)]
#[allow(clippy::vec_box)]
pub(crate) struct Memory {
    pub(crate) chunks: ChunkPool,
    send: Vec<Box<SendBuffer>>,
    receive: Vec<Box<ReceiveBuffer>>,
}

impl Memory {
    #[inline]
    pub(crate) fn take_send(&mut self) -> Box<SendBuffer> {
        self.send.pop().unwrap_or_default()
    }

    #[inline]
    pub(crate) fn give_send(&mut self, mut buffer: Box<SendBuffer>) {
        buffer.clear(&mut self.chunks);
        if self.send.len() < KEPT {
            self.send.push(buffer);
        }
    }

    #[inline]
    pub(crate) fn take_receive(&mut self) -> Box<ReceiveBuffer> {
        self.receive.pop().unwrap_or_default()
    }

    #[inline]
    pub(crate) fn give_receive(&mut self, mut buffer: Box<ReceiveBuffer>) {
        buffer.clear(&mut self.chunks);
        if self.receive.len() < KEPT {
            self.receive.push(buffer);
        }
    }
}

impl Clone for Memory {
    /// Kept memory is not state: a clone begins with none.
    fn clone(&self) -> Self {
        Memory::default()
    }
}
