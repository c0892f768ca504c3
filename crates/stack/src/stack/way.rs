//! The way of a connection, and what is remembered of it for the next.

use crate::interface::InterfaceId;
use core::net::{IpAddr, Ipv4Addr};

/// The way of one packet or connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Way {
    pub(crate) interface: InterfaceId,
    pub(crate) next_hop: IpAddr,
    pub(crate) source: IpAddr,
}

/// A way that was found, and what was asked for: who calls one host again and again asks for the same one. It is IPv4's: IPv6's
/// addresses grow old without a word.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LastWay {
    /// [`crate::Stack::surroundings_revision`] at the time: with another, nothing is known.
    revision: u64,
    remote: Ipv4Addr,
    local: Option<IpAddr>,
    way: Way,
}

impl LastWay {
    pub(super) fn new(revision: u64, remote: Ipv4Addr, local: Option<IpAddr>, way: Way) -> LastWay {
        LastWay { revision, remote, local, way }
    }

    /// The way to `remote` from `local`, if that is what was asked for, and in the same surroundings.
    #[inline]
    pub(super) fn leads(&self, revision: u64, remote: IpAddr, local: Option<IpAddr>) -> Option<&Way> {
        let same = revision == self.revision && remote == IpAddr::V4(self.remote) && local == self.local;
        same.then_some(&self.way)
    }
}
