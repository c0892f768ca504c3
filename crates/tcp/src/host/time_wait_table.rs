//! All connections in TIME-WAIT. They all wait equally long, so they leave in the order in which they came.

use super::demux::ShortHash;
use super::fifo::{Fifo, Linked, Links};
use crate::connection::time_wait::TimeWait;
use crate::inspection::Inspection;
use basis::{Instant, Key, Slab};
use core::time::Duration;

#[derive(Clone, Debug)]
pub(crate) struct TimeWaitTable {
    slab: Slab<Waiting>,
    queue: Fifo,
    /// The last time that the table was told of, in milliseconds: what short deadlines are relative to.
    clock: u64,
    /// When the first leaves: what is asked often, without a look at who has not been looked at for long.
    next: Instant,
}

/// A connection with its place in the queue.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) state: TimeWait,
    links: Links,
    /// Of its four-tuple: who leaves is found without being looked at.
    hash: ShortHash,
    /// Milliseconds, modulo 2^32.
    deadline: u32,
}

impl Linked for Waiting {
    fn links(&mut self) -> &mut Links {
        &mut self.links
    }
}

impl TimeWaitTable {
    pub(crate) const fn new() -> TimeWaitTable {
        TimeWaitTable { slab: Slab::new(), queue: Fifo::new(), clock: 0, next: Instant::FAR_FUTURE }
    }

    pub(crate) fn len(&self) -> usize {
        self.slab.len()
    }

    /// Adds a connection that leaves after `wait`; returns its slot.
    #[inline(always)]
    pub(crate) fn insert(
        &mut self,
        state: TimeWait,
        hash: ShortHash,
        now: Instant,
        wait: Duration,
    ) -> Option<u32> {
        let deadline = self.deadline(now, wait);
        let vacancy = self.slab.vacancy()?;
        let index = vacancy.fill(Waiting { state, links: Links::NONE, hash, deadline }).index();
        self.queue.push_back(&mut self.slab, index);
        if self.len() == 1 {
            self.look_at_first();
        }
        Some(index)
    }

    /// The wait begins anew.
    pub(crate) fn restart(&mut self, index: u32, now: Instant, wait: Duration) {
        let deadline = self.deadline(now, wait);
        self.queue.remove(&mut self.slab, index);
        if let Some(waiting) = self.slab.at_mut(index) {
            waiting.deadline = deadline;
        }
        self.queue.push_back(&mut self.slab, index);
        self.look_at_first();
    }

    /// Ends the wait of a connection. Returns the hash of its four-tuple, and whether it stood in its lane's queue of work.
    pub(crate) fn remove(&mut self, index: u32) -> Option<(ShortHash, bool)> {
        let key = self.slab.key_at(index)?;
        let waiting = self.slab.get(key)?;
        let left = (waiting.hash, waiting.state.queued);
        self.queue.remove(&mut self.slab, index);
        self.slab.discard(key);
        self.look_at_first();
        Some(left)
    }

    fn look_at_first(&mut self) {
        let first = self.queue.front().and_then(|index| self.slab.at(index));
        self.next = first.map_or(Instant::FAR_FUTURE, |first| self.instant(first.deadline));
    }

    /// The key of a slot in use.
    pub(crate) fn key_at(&self, index: u32) -> Option<Key> {
        self.slab.key_at(index)
    }

    pub(crate) fn get(&self, key: Key) -> Option<&TimeWait> {
        self.slab.get(key).map(|waiting| &waiting.state)
    }

    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut TimeWait> {
        self.slab.get_mut(key).map(|waiting| &mut waiting.state)
    }

    pub(crate) fn at(&self, index: u32) -> Option<&TimeWait> {
        self.slab.at(index).map(|waiting| &waiting.state)
    }

    pub(crate) fn at_mut(&mut self, index: u32) -> Option<&mut TimeWait> {
        self.slab.at_mut(index).map(|waiting| &mut waiting.state)
    }

    /// The one that leaves next.
    pub(crate) fn oldest(&self) -> Option<u32> {
        self.queue.front()
    }

    /// The one whose time has come.
    pub(crate) fn expired(&mut self, now: Instant) -> Option<u32> {
        self.clock = now.as_millis();
        let index = self.queue.front()?;
        (self.next <= now).then_some(index)
    }

    /// When the next leaves; [`Instant::FAR_FUTURE`] if none waits.
    #[inline]
    pub(crate) fn next_deadline(&self) -> Instant {
        self.next
    }

    fn instant(&self, deadline: u32) -> Instant {
        let distance = deadline.wrapping_sub(self.clock as u32) as i32;
        Instant::from_millis(self.clock.saturating_add_signed(distance as i64))
    }

    pub(crate) fn inspect(&self) -> impl Iterator<Item = Inspection> {
        self.slab.iter().map(|(_, waiting)| Inspection {
            time_wait: Some(self.instant(waiting.deadline)),
            ..waiting.state.inspect()
        })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &TimeWait> {
        self.slab.iter().map(|(_, waiting)| &waiting.state)
    }

    fn deadline(&mut self, now: Instant, wait: Duration) -> u32 {
        self.clock = now.as_millis();
        // Waits beyond 12 days make no sense and would overtake the modular clock.
        let wait = wait.as_millis().min(1 << 30) as u32;
        // Rounded up: never less than what was asked for.
        (self.clock as u32)
            .wrapping_add(wait)
            .wrapping_add((!now.as_nanos().is_multiple_of(1_000_000)) as u32)
    }
}
