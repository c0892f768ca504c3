//! Whose packet waits.

use crate::icmp::ping::PingId;
use crate::udp::UdpId;
use basis::Frame;

/// The socket whose packet waits to leave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Owner {
    Udp(UdpId),
    Ping(PingId),
}

impl Owner {
    /// Bytes of memory that a waiting packet is charged for.
    pub(crate) fn cost(packet: &Frame) -> usize {
        size_of::<Frame>() + packet.len().max(packet.memory())
    }
}
