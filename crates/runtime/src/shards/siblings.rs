//! What the shards of a host tell each other under their locks.

use crate::state::Shared;
use basis::Frame;
use stack::{InterfaceId, Surroundings};
use std::sync::{Arc, Weak};

impl Shared {
    /// Says to all who they are, once.
    pub(crate) fn gather(shards: &[Arc<Shared>]) {
        for shard in shards {
            // Called by the builder alone.
            let _ = shard.siblings.set(shards.iter().map(Arc::downgrade).collect());
        }
    }

    /// The shard of this number, unless it is gone.
    pub(crate) fn shard(&self, number: usize) -> Option<Arc<Shared>> {
        self.siblings.get()?.get(number)?.upgrade()
    }

    /// All that are not gone, in their order.
    pub(crate) fn shards(&self) -> impl Iterator<Item = Arc<Shared>> {
        self.siblings.get().into_iter().flatten().filter_map(Weak::upgrade)
    }

    /// Tells all shards but the first what that one knows. No lock may be held.
    #[cold]
    pub(crate) fn share(&self, surroundings: &Surroundings) {
        for shard in self.shards().filter(|shard| shard.number > 0) {
            shard.act(|core, now| core.stack.adopt(now, surroundings));
        }
    }

    /// Hands packets over to the shards that they are for. No lock may be held.
    pub(crate) fn hand_over(&self, packets: &mut Vec<(InterfaceId, usize, Frame)>) {
        for (interface, number, packet) in packets.drain(..) {
            if let Some(shard) = self.shard(number) {
                // Why a packet was dropped is in the stack's counters.
                let _ = shard.act(|core, now| core.stack.on_handover(now, interface, packet));
            }
        }
    }
}
