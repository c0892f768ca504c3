//! What is still to happen, in order of time; what happens at the same time, in the order in which it was entered.

use super::cabling::Arrival;
use basis::Instant;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Frames on their way.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    queue: BinaryHeap<Reverse<Entry>>,
    entered: u64,
}

#[derive(Debug)]
struct Entry {
    at: Instant,
    number: u64,
    arrival: Arrival,
}

impl Agenda {
    pub(crate) fn enter(&mut self, at: Instant, arrival: Arrival) {
        self.entered += 1;
        self.queue.push(Reverse(Entry { at, number: self.entered, arrival }));
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.queue.peek().map(|Reverse(entry)| entry.at)
    }

    /// Takes out one frame whose time has come.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<Arrival> {
        if self.next()? > now {
            return None;
        }
        self.queue.pop().map(|Reverse(entry)| entry.arrival)
    }

    pub(crate) fn len(&self) -> usize {
        self.queue.len()
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
