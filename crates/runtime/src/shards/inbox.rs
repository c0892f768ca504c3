//! Frames that came elsewhere and are for this shard.

use super::bell::Bell;
use basis::Frame;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Frames that may lie in one inbox.
pub(crate) const MOST_FRAMES: usize = 4096;
/// Bytes of those; the last one may go beyond.
const MOST_BYTES: usize = 16 << 20;

/// What the drivers of other shards have left for one, of one interface.
pub(crate) struct Inbox {
    queue: Mutex<Queue>,
    /// Of the queue, to be seen without its lock.
    count: AtomicUsize,
    taken: AtomicU64,
    dropped: AtomicU64,
    bell: Arc<Bell>,
}

#[derive(Default)]
struct Queue {
    frames: VecDeque<Frame>,
    bytes: usize,
}

impl Inbox {
    pub(crate) fn new(bell: Arc<Bell>) -> Inbox {
        Inbox {
            queue: Mutex::default(),
            count: AtomicUsize::new(0),
            taken: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            bell,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count.load(Ordering::SeqCst) == 0
    }

    /// Leaves all of `batch`; what there is no room for is dropped and counted, as by a device whose ring is full.
    pub(crate) fn put(&self, batch: &mut Vec<Frame>) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        for frame in batch.drain(..) {
            if queue.frames.len() >= MOST_FRAMES || queue.bytes >= MOST_BYTES {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            } else {
                queue.bytes += frame.len();
                queue.frames.push_back(frame);
            }
        }
        self.count.store(queue.frames.len(), Ordering::SeqCst);
        drop(queue);
        self.bell.ring_if_napping();
    }

    /// Takes up to `most` frames, appending to `arrived`; whether there are more.
    pub(crate) fn take(&self, arrived: &mut VecDeque<Frame>, most: usize) -> bool {
        if self.is_empty() {
            return false;
        }
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let count = most.min(queue.frames.len());
        let before = arrived.len();
        arrived.extend(queue.frames.drain(..count));
        queue.bytes -= arrived.range(before..).map(Frame::len).sum::<usize>();
        self.count.store(queue.frames.len(), Ordering::SeqCst);
        self.taken.fetch_add(count as u64, Ordering::Relaxed);
        !queue.frames.is_empty()
    }

    /// Frames that were taken, and that were dropped.
    pub(crate) fn statistics(&self) -> (u64, u64) {
        (self.taken.load(Ordering::Relaxed), self.dropped.load(Ordering::Relaxed))
    }
}
