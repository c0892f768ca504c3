//! Whose turn it is to send, lane by lane, and what the application has not been told yet.

use super::queue::Queue;
use super::reset::Replies;
use alloc::vec::Vec;
use basis::Key;

/// Something that may have a segment to send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Turn {
    Connection(Key),
    HalfOpen(Key),
    TimeWait(Key),
}

/// One interface's queues. A connection stands in the line at most once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lane {
    pub(crate) line: Queue<Turn>,
    pub(crate) replies: Replies,
}

/// All lanes, made when first used.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lanes(Vec<Lane>);

impl Lanes {
    #[inline]
    pub(crate) fn get(&mut self, lane: u8) -> &mut Lane {
        let index = lane as usize;
        if index >= self.0.len() {
            self.add(index);
        }
        &mut self.0[index]
    }

    #[cold]
    fn add(&mut self, index: usize) {
        self.0.resize_with(index + 1, Lane::default);
    }

    /// Keeps only those turns that `is_current` says are still wanted.
    pub(crate) fn sweep(&mut self, is_current: impl Fn(Turn) -> bool) {
        for lane in &mut self.0 {
            lane.line.retain(|turn| is_current(*turn));
        }
    }

    /// Whether something stands in this lane's line.
    #[inline]
    pub(crate) fn has_work(&self, lane: u8) -> bool {
        self.0.get(lane as usize).is_some_and(|lane| !lane.line.is_empty() || !lane.replies.is_empty())
    }
}

/// Something the application is to be told of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum News {
    Connection(Key),
    Listener(Key),
}
