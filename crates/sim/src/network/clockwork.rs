//! Which node wants to be woken when, without asking all of them.

use super::id::NodeId;
use basis::Instant;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The next deadline of each node.
#[derive(Debug, Default)]
pub(crate) struct Clockwork {
    queue: BinaryHeap<Reverse<(Instant, NodeId)>>,
    /// What each node waits for; other entries of the queue are of the past.
    armed: Vec<Option<Instant>>,
}

impl Clockwork {
    pub(crate) fn set(&mut self, node: NodeId, deadline: Option<Instant>) {
        if self.armed.len() <= node.0 {
            self.armed.resize(node.0 + 1, None);
        }
        if self.armed[node.0] == deadline {
            return;
        }
        self.armed[node.0] = deadline;
        if let Some(deadline) = deadline {
            self.queue.push(Reverse((deadline, node)));
        }
    }

    /// The deadline that comes first.
    pub(crate) fn next(&mut self) -> Option<Instant> {
        while let Some(&Reverse((deadline, node))) = self.queue.peek() {
            if self.armed[node.0] == Some(deadline) {
                return Some(deadline);
            }
            self.queue.pop();
        }
        None
    }

    /// Takes out one node whose time has come.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<NodeId> {
        if self.next()? > now {
            return None;
        }
        let Reverse((_, node)) = self.queue.pop()?;
        self.armed[node.0] = None;
        Some(node)
    }
}
