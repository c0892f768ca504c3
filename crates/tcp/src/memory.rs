//! Buffer memory that a host's connections share: an idle connection holds none of it.

use crate::receive::buffer::ReceiveBuffer;
use crate::send::buffer::SendBuffer;
use alloc::boxed::Box;
use alloc::vec::Vec;
use basis::ChunkPool;

/// Empty buffers kept for the next connection that has something to buffer.
const KEPT: usize = 64;
/// What each connection may hold in each direction, whatever the others hold: established streams go on, however slowly.
pub(crate) const LEAST: u32 = 2 * 1024;

/// Chunks, and the frames of buffers around them; and how much all buffers hold together. Boxes are kept because connections
/// hold boxes: taking one moves a pointer.
#[derive(Debug)]
#[allow(clippy::vec_box)]
pub(crate) struct Memory {
    pub(crate) chunks: ChunkPool,
    send: Vec<Box<SendBuffer>>,
    receive: Vec<Box<ReceiveBuffer>>,
    /// Bytes that buffers hold.
    held: usize,
    /// Bytes that they may hold.
    budget: usize,
    /// Beyond it, memory is short.
    short_above: usize,
    /// Connections that share it.
    pub(crate) sharers: usize,
}

impl Memory {
    pub(crate) fn new(budget: usize) -> Memory {
        Memory {
            chunks: ChunkPool::default(),
            send: Vec::new(),
            receive: Vec::new(),
            held: 0,
            budget,
            short_above: budget / 4 * 3,
            sharers: 0,
        }
    }

    // ---- the budget ----

    pub(crate) fn set_budget(&mut self, budget: usize) {
        (self.budget, self.short_above) = (budget, budget / 4 * 3);
    }

    /// Bytes that buffers hold.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    /// Three quarters are taken: nothing grows any more, and who holds more than his share gets nothing more.
    #[inline]
    pub(crate) fn is_short(&self) -> bool {
        self.held > self.short_above
    }

    /// Nothing is left but what each connection may always have.
    #[inline]
    pub(crate) fn is_exhausted(&self) -> bool {
        self.held >= self.budget
    }

    /// What one connection may hold in one direction while memory is short: the same for all.
    pub(crate) fn share(&self) -> u32 {
        let share = self.budget / (2 * self.sharers.max(1));
        u32::try_from(share).unwrap_or(u32::MAX).max(LEAST)
    }

    /// What a connection that wants more may hold in one direction now that memory is short.
    pub(crate) fn allowance(&self) -> u32 {
        if self.is_exhausted() { LEAST } else { self.share() }
    }

    #[inline]
    pub(crate) fn discharge(&mut self, bytes: usize) {
        debug_assert!(bytes <= self.held, "{bytes} of {}", self.held);
        self.held = self.held.saturating_sub(bytes);
    }

    /// What took `before` bytes takes `now`.
    #[inline]
    pub(crate) fn recharge(&mut self, before: usize, now: usize) {
        self.held = (self.held + now).saturating_sub(before);
    }

    // ---- buffers ----

    #[inline]
    pub(crate) fn take_send(&mut self) -> Box<SendBuffer> {
        self.send.pop().unwrap_or_default()
    }

    /// Takes back a buffer with what it holds.
    #[inline]
    pub(crate) fn give_send(&mut self, mut buffer: Box<SendBuffer>) {
        self.discharge(buffer.used());
        buffer.clear(&mut self.chunks);
        if self.send.len() < KEPT {
            self.send.push(buffer);
        }
    }

    #[inline]
    pub(crate) fn take_receive(&mut self) -> Box<ReceiveBuffer> {
        self.receive.pop().unwrap_or_default()
    }

    /// Takes back a buffer with what it holds.
    #[inline]
    pub(crate) fn give_receive(&mut self, buffer: Box<ReceiveBuffer>) {
        self.discharge(buffer.used());
        self.keep_receive(buffer);
    }

    /// Takes back a buffer that holds nothing.
    #[inline]
    pub(crate) fn keep_receive(&mut self, mut buffer: Box<ReceiveBuffer>) {
        buffer.clear(&mut self.chunks);
        if self.receive.len() < KEPT {
            self.receive.push(buffer);
        }
    }
}

impl Clone for Memory {
    /// Kept memory is not state: a clone begins with none. What connections hold is.
    fn clone(&self) -> Self {
        Memory { held: self.held, sharers: self.sharers, ..Memory::new(self.budget) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_short_above_three_quarters_and_exhausted_at_its_bound() {
        let mut memory = Memory::new(100_000);
        memory.recharge(0, 75_000);
        assert!(!memory.is_short());
        memory.recharge(0, 1);
        assert!(memory.is_short() && !memory.is_exhausted());
        memory.recharge(0, 24_999);
        assert!(memory.is_exhausted());
        memory.discharge(1);
        assert!(!memory.is_exhausted() && memory.clone().is_short());
    }

    #[test]
    fn no_more_empty_buffers_are_kept_than_may_be() {
        let mut memory = Memory::new(1_000_000);
        for _ in 0..2 * KEPT {
            memory.give_send(Box::default());
            memory.give_receive(Box::default());
        }
        assert_eq!((memory.send.len(), memory.receive.len()), (KEPT, KEPT));
    }

    #[test]
    fn all_have_the_same_share_and_never_less_than_the_least() {
        let mut memory = Memory::new(1_000_000);
        memory.sharers = 10;
        assert_eq!(memory.share(), 50_000);
        memory.sharers = 1_000_000;
        assert_eq!(memory.share(), LEAST);
    }
}
