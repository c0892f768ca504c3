//! What one shard leaves to another.

use crate::interface::InterfaceId;
use basis::Frame;

/// A segment for another shard, which begins with its IP header.
#[derive(Clone, Debug)]
pub(crate) struct Handover {
    pub(crate) interface: InterfaceId,
    pub(crate) shard: usize,
    pub(crate) packet: Frame,
}
