//! Where everything that happens is written down, in order.

use super::model::{Endpoint, Event, What};
use basis::Instant;
use sim::network::NodeId;

/// The endpoints met so far, and what happened.
#[derive(Debug)]
pub(super) struct Journal {
    begin: Instant,
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) events: Vec<Event>,
}

impl Journal {
    /// Time is told from `begin` on.
    pub(super) fn new(begin: Instant) -> Journal {
        Journal { begin, endpoints: Vec::new(), events: Vec::new() }
    }

    pub(super) fn write(&mut self, now: Instant, step: u32, node: NodeId, what: What) {
        self.events.push(Event { at: self.since(now), step, node: node.index(), what });
    }

    pub(super) fn since(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_since(self.begin).as_nanos()).unwrap_or(u64::MAX)
    }
}
