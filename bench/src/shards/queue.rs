//! Packets on their way from one core to another, handed over in batches.

use basis::Frame;
use std::mem;
use std::sync::{Mutex, PoisonError};

/// Whose shard a packet is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Side {
    Client,
    Server,
}

type Batch = Vec<(Side, Frame)>;

/// What lies before one core.
#[derive(Default)]
pub(super) struct Inbox(Mutex<Batch>);

/// One core's way to all of them.
pub(super) struct Queues<'a> {
    inboxes: &'a [Inbox],
    own: usize,
    /// By core, what is to be handed over with the next flush.
    staged: Vec<Batch>,
    taken: Batch,
    handed: u64,
}

impl<'a> Queues<'a> {
    pub(super) fn new(inboxes: &'a [Inbox], own: usize) -> Queues<'a> {
        let staged = inboxes.iter().map(|_| Batch::new()).collect();
        Queues { inboxes, own, staged, taken: Batch::new(), handed: 0 }
    }

    #[inline]
    pub(super) fn put(&mut self, core: usize, side: Side, packet: Frame) {
        if let Some(staged) = self.staged.get_mut(core) {
            staged.push((side, packet));
        }
    }

    /// To all others.
    pub(super) fn put_all(&mut self, side: Side, packet: &Frame) {
        for core in (0..self.inboxes.len()).filter(|core| *core != self.own) {
            self.staged[core].push((side, packet.clone()));
        }
    }

    #[inline]
    pub(super) fn flush(&mut self) {
        for (staged, inbox) in self.staged.iter_mut().zip(self.inboxes) {
            if !staged.is_empty() {
                self.handed += staged.len() as u64;
                inbox.0.lock().unwrap_or_else(PoisonError::into_inner).append(staged);
            }
        }
    }

    /// Gives what has come to this core; whether there was anything.
    #[inline]
    pub(super) fn take(&mut self, mut each: impl FnMut(Side, Frame)) -> bool {
        let Some(inbox) = self.inboxes.get(self.own).filter(|_| self.inboxes.len() > 1) else { return false };
        mem::swap(&mut self.taken, &mut *inbox.0.lock().unwrap_or_else(PoisonError::into_inner));
        let came = !self.taken.is_empty();
        self.taken.drain(..).for_each(|(side, frame)| each(side, frame));
        came
    }

    pub(super) fn handed(&self) -> u64 {
        self.handed
    }
}
