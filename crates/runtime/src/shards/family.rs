//! What makes several shards one host: handles, the end and turns in common.

use super::inbox::Inbox;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// All shards of one host. A host in one piece is a family of one.
pub(crate) struct Family {
    /// `Host` values in existence, of whichever shard. At zero no socket is left either: each holds one.
    pub(crate) handles: AtomicUsize,
    count: usize,
    /// Shards that have delivered everything, a bit each.
    over: AtomicU64,
    /// Connections begun so far: they take turns among the shards.
    begun: AtomicUsize,
    /// By interface, the inboxes of the shards.
    inboxes: Vec<Arc<[Inbox]>>,
}

impl Family {
    pub(crate) fn new(count: usize, inboxes: Vec<Arc<[Inbox]>>) -> Family {
        Family {
            handles: AtomicUsize::new(0),
            count,
            over: AtomicU64::new(0),
            begun: AtomicUsize::new(0),
            inboxes,
        }
    }

    pub(crate) fn is_alone(&self) -> bool {
        self.count == 1
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The shard whose turn it is to begin a connection.
    pub(crate) fn next(&self) -> usize {
        self.begun.fetch_add(1, Ordering::Relaxed) % self.count
    }

    /// Notes whether a shard has delivered everything; whether all have. None ends before: its device may be needed.
    pub(crate) fn all_over(&self, number: usize, over: bool) -> bool {
        let bit = 1_u64 << number;
        let all = if over {
            self.over.fetch_or(bit, Ordering::SeqCst) | bit
        } else {
            self.over.fetch_and(!bit, Ordering::SeqCst) & !bit
        };
        all.count_ones() as usize == self.count
    }

    /// Frames handed from one shard to another, and frames lost because too many waited for that.
    pub(crate) fn handed_over(&self) -> (u64, u64) {
        let each = self.inboxes.iter().flat_map(|inboxes| inboxes.iter()).map(Inbox::statistics);
        each.fold((0, 0), |(taken, dropped), one| (taken + one.0, dropped + one.1))
    }
}
