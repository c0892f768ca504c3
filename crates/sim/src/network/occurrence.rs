//! One thing that happens in a network.

use super::id::{FrameId, NodeId, WireId};
use super::rule::RuleId;
use super::trace::Fate;
use basis::Instant;
use bytes::Bytes;

/// What [`super::Network::advance`] did.
#[derive(Clone, Debug)]
pub enum Occurrence {
    /// A node put a frame on a wire.
    Sent(Sent),
    /// A frame came to a node.
    Arrived(Arrived),
    /// A node did what was due by now.
    TimedOut(NodeId),
    /// A wire was cut (false) or mended (true).
    Wire(WireId, bool),
}

/// A frame that leaves a node.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Its name.
    pub frame: FrameId,
    /// The frame that a hub, switch or router passes on with it.
    pub parent: Option<FrameId>,
    /// Who sends it.
    pub node: NodeId,
    /// On which wire.
    pub wire: WireId,
    /// The frame.
    pub bytes: Bytes,
    /// [`Fate::Sent`], or why nobody will get it.
    pub fate: Fate,
    /// The rule that met it, if any.
    pub rule: Option<RuleId>,
    /// Who will get it, and when; a copy more for each time that it is duplicated.
    pub arrivals: Vec<Due>,
}

/// A copy of a frame that will arrive, unless the wire is cut before.
#[derive(Clone, Copy, Debug)]
pub struct Due {
    /// Who will get it.
    pub node: NodeId,
    /// When.
    pub at: Instant,
    /// Whether it was damaged on its way.
    pub corrupted: bool,
}

/// A frame that comes to a node.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// Its name.
    pub frame: FrameId,
    /// Who gets it.
    pub node: NodeId,
    /// From which wire.
    pub wire: WireId,
    /// The frame as it arrives.
    pub bytes: Bytes,
    /// What the node does with it.
    pub outcome: Outcome,
}

/// What a node does with a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It is used.
    Taken,
    /// A host drops it.
    Dropped(stack::Dropped),
    /// A hub or switch passes it on by so many ports; a router by one, once it knows the next station.
    PassedOn(usize),
    /// A switch or router has no use for it: why.
    Discarded(&'static str),
}
