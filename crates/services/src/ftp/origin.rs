//! Where a session comes from.

use std::net::IpAddr;

use crate::stream::Ends;

/// Where a session comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    /// The control connection's ends.
    pub(super) ends: Ends,
    /// The caller's address, which is not the peer's if the call is carried.
    pub(super) caller: IpAddr,
}
