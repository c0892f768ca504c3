//! What the host lends a connection for the length of one call.

use crate::config::HostConfig;
use crate::counters::Counters;
use crate::memory::Memory;
use basis::Instant;

/// The time, the shared memory, the counters and the bounds.
#[derive(Debug)]
pub(crate) struct Environment<'a> {
    pub(crate) now: Instant,
    pub(crate) memory: &'a mut Memory,
    pub(crate) counters: &'a mut Counters,
    pub(crate) config: &'a HostConfig,
}
