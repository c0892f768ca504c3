//! What is still to happen, in order of time; what happens at the same time, in the order in which it was entered.

use super::cabling::Arrival;
use super::id::WireId;
use basis::Instant;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Frames on their way, and cables that will be cut or mended.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    queue: BinaryHeap<Reverse<Entry>>,
    entered: u64,
    frames: usize,
}

/// Something that will happen.
#[derive(Debug)]
pub(crate) enum Item {
    Arrival(Arrival),
    /// A wire goes up or down.
    Wire(WireId, bool),
}

#[derive(Debug)]
struct Entry {
    at: Instant,
    number: u64,
    item: Item,
}

impl Agenda {
    pub(crate) fn enter(&mut self, at: Instant, item: Item) {
        self.entered += 1;
        self.frames += matches!(item, Item::Arrival(_)) as usize;
        self.queue.push(Reverse(Entry { at, number: self.entered, item }));
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.queue.peek().map(|Reverse(entry)| entry.at)
    }

    /// Takes out one item whose time has come.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<Item> {
        if self.next()? > now {
            return None;
        }
        let Reverse(entry) = self.queue.pop()?;
        self.frames -= matches!(entry.item, Item::Arrival(_)) as usize;
        Some(entry.item)
    }

    /// Frames on their way.
    pub(crate) fn frames(&self) -> usize {
        self.frames
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Entry) -> bool {
        (self.at, self.number) == (other.at, other.number)
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Entry) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Entry) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}
