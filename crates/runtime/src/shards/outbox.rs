//! Frames that leave by a link which another shard has.

use super::bell::Bell;
use basis::Frame;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Frames that may wait in one outbox: beyond, they wait in the stacks, where backpressure reaches the writers.
pub(crate) const MOST_FRAMES: usize = 256;
/// Bytes of those; the last one may go beyond.
const MOST_BYTES: usize = 2 << 20;

/// What the shards without the link have left for the one that has it.
pub(crate) struct Outbox {
    queue: Mutex<Queue>,
    /// Of the queue, to be seen without its lock.
    count: AtomicUsize,
    /// By shard: it was refused, and there is room again.
    room: Vec<AtomicBool>,
    /// By shard; the first one has the link.
    bells: Vec<Arc<Bell>>,
}

#[derive(Default)]
struct Queue {
    frames: VecDeque<Frame>,
    bytes: usize,
    /// The shards that were refused, a bit each.
    refused: u64,
}

impl Queue {
    fn is_full(&self) -> bool {
        self.frames.len() >= MOST_FRAMES || self.bytes >= MOST_BYTES
    }
}

impl Outbox {
    pub(crate) fn new(bells: Vec<Arc<Bell>>) -> Outbox {
        let room = bells.iter().map(|_| AtomicBool::new(false)).collect();
        Outbox { queue: Mutex::default(), count: AtomicUsize::new(0), room, bells }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count.load(Ordering::SeqCst) == 0
    }

    /// Whether there is room again for a shard that was refused.
    pub(crate) fn has_room(&self, shard: usize) -> bool {
        self.room[shard].load(Ordering::SeqCst)
    }

    /// Leaves frames from the front of `waiting`; false if there was no room for all.
    pub(crate) fn put(&self, shard: usize, waiting: &mut VecDeque<Frame>) -> bool {
        self.room[shard].store(false, Ordering::SeqCst);
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        while !queue.is_full() {
            let Some(frame) = waiting.pop_front() else { break };
            queue.bytes += frame.len();
            queue.frames.push_back(frame);
        }
        if !waiting.is_empty() {
            queue.refused |= 1 << shard;
        }
        self.count.store(queue.frames.len(), Ordering::SeqCst);
        drop(queue);
        self.bells[0].ring_if_napping();
        waiting.is_empty()
    }

    /// Takes up to `most` frames to send; who was refused is told once half of the room is free.
    pub(crate) fn take(&self, sending: &mut VecDeque<Frame>, most: usize) {
        if self.is_empty() {
            return;
        }
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..most {
            let Some(frame) = queue.frames.pop_front() else { break };
            queue.bytes -= frame.len();
            sending.push_back(frame);
        }
        self.count.store(queue.frames.len(), Ordering::SeqCst);
        let free = queue.frames.len() <= MOST_FRAMES / 2 && queue.bytes <= MOST_BYTES / 2;
        let refused = if free { std::mem::take(&mut queue.refused) } else { 0 };
        drop(queue);
        for shard in (0..self.bells.len()).filter(|shard| refused & 1 << shard != 0) {
            self.room[shard].store(true, Ordering::SeqCst);
            self.bells[shard].ring_if_napping();
        }
    }
}
