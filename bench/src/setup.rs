//! How a pair of hosts is to be set up.

use crate::clock::Clock;

/// Bytes of each send and receive buffer, of every subject whose buffers can be chosen.
pub(crate) const BUFFER: usize = 256 * 1024;

/// What is chosen for a pair.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// Bytes of the largest IP packet.
    pub(crate) mtu: usize,
    /// Whether checksums are computed and verified, at both ends.
    pub(crate) checksums: bool,
    /// Idle established connections beside the busy one.
    pub(crate) idle: usize,
    /// Whether each received byte is compared with what was sent.
    pub(crate) checked: bool,
    /// The time that the hosts are told.
    pub(crate) clock: Clock,
}
