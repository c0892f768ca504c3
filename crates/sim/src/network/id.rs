//! Names of nodes, wires and frames.

/// Names a host, hub, switch or router of a network.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NodeId(pub(crate) usize);

/// A [`NodeId`] that names a host.
pub type HostId = NodeId;

/// Names a cable or segment of a network.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct WireId(pub(crate) usize);

/// Names one frame that some node put on a wire; its copies have the same name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FrameId(pub(crate) u64);

impl NodeId {
    /// The node that was added as number `index`, counted from 0.
    pub fn from_index(index: usize) -> NodeId {
        NodeId(index)
    }

    /// Its place among the nodes, in the order in which they were added.
    pub fn index(self) -> usize {
        self.0
    }
}

impl WireId {
    /// The wire that was added as number `index`, counted from 0.
    pub fn from_index(index: usize) -> WireId {
        WireId(index)
    }

    /// Its place among the wires, in the order in which they were added.
    pub fn index(self) -> usize {
        self.0
    }
}

impl FrameId {
    /// Its place among all frames sent, in the order of sending.
    pub fn index(self) -> u64 {
        self.0
    }
}
