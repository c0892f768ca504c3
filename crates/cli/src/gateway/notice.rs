//! What is said of a datagram on its way: how it leaves, and what became of it.

use std::net::{IpAddr, SocketAddr};

use netstrata::Unreachable;
use services::gateway::Cause;

/// How a guest's datagram goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Hop {
    /// Hops that it may still go.
    pub(crate) time_to_live: u8,
    /// Whether it may be cut where it is too long.
    pub(crate) whole: bool,
}

impl Hop {
    /// The one behind this gateway, which is a hop itself. A datagram without one left for that ends in the stack.
    pub(crate) fn after(time_to_live: u8, dont_fragment: bool) -> Hop {
        Hop { time_to_live: time_to_live.saturating_sub(1).max(1), whole: dont_fragment }
    }
}

/// What became of a datagram that was sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Notice {
    /// Whom it was sent to.
    pub(crate) to: SocketAddr,
    /// What happened, as it is counted.
    pub(crate) cause: Cause,
    /// What its sender is told.
    pub(crate) why: Unreachable,
    /// Who said so; none if it was this host.
    pub(crate) teller: Option<IpAddr>,
    /// What it carried, as far as that was told: for ICMP with its header.
    pub(crate) payload: Vec<u8>,
}
