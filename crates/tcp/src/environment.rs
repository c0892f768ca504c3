//! What the host lends a connection for the length of one call.

use crate::config::HostConfig;
use crate::counters::Counters;
use crate::memory::Memory;
use basis::Instant;

/// The time, the shared memory, the counters, the bounds, how many connections are open early, and whether the host keeps up.
#[derive(Debug)]
pub(crate) struct Environment<'a> {
    pub(crate) now: Instant,
    pub(crate) memory: &'a mut Memory,
    pub(crate) counters: &'a mut Counters,
    pub(crate) config: &'a HostConfig,
    /// Connections that are open though their handshake has not ended (RFC 7413), of the whole host.
    pub(crate) early: &'a mut u32,
    /// More waits on the links than the host gets to take.
    pub(crate) behind: bool,
}
