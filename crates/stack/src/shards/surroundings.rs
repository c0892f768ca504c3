//! What all shards of a host know alike.

use crate::interface::Groups;
use crate::interface::address::Addresses;
use crate::interface::v6;
use crate::route::RouteTable;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// A copy of a host's addresses and routes, from its first shard for the others
/// ([`Stack::surroundings`](crate::Stack::surroundings)).
#[derive(Clone, Debug)]
pub struct Surroundings {
    pub(crate) revision: u64,
    pub(crate) routes: RouteTable,
    pub(crate) links: Vec<LinkView>,
}

impl Surroundings {
    /// Grows with each change.
    pub fn revision(&self) -> u64 {
        self.revision
    }
}

/// What one interface says of its link, without timers: these are the first shard's.
#[derive(Clone, Debug)]
pub(crate) struct LinkView {
    pub(crate) up: bool,
    pub(crate) intercepts: bool,
    pub(crate) addresses: Addresses,
    pub(crate) v6: Box<v6::Link>,
    pub(crate) groups: Groups,
}
