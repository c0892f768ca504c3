//! The way out of what sockets send by IPv6.

use crate::interface::InterfaceId;
use crate::stack::state::Stack;
use basis::Frame;
use core::net::Ipv6Addr;
use wire::ipv6::Header;

impl Stack {
    /// Gives a socket's packet its IPv6 header.
    pub(crate) fn prepend_v6(
        &self,
        packet: &mut Frame,
        interface: InterfaceId,
        (source, destination): (Ipv6Addr, Ipv6Addr),
        protocol: u8,
        hop_limit: Option<u8>,
    ) {
        // RFC 3493 5.2: what goes to a group stays on the link unless its owner says otherwise.
        let usual = || if destination.is_multicast() { 1 } else { self.hop_limit(interface) };
        let hop_limit = hop_limit.unwrap_or_else(usual);
        Header { hop_limit, ..Header::new(source, destination, protocol) }.prepend_to(packet);
    }
}
