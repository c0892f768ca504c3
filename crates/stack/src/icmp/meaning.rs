//! What ICMP errors mean to those whose packets they are about (RFC 1122 3.2.2.1, RFC 1812 5.2.7.1).

use super::ping::PingKind;
use tcp::IcmpError;
use wire::icmpv4::{self, Message};

/// What `message` says of the packet it quotes; `None` if it says nothing that anybody acts on.
///
/// The MTU of a packet that was too big is what the message told; whoever knows the path corrects it.
pub(crate) fn error_of(message: &Message) -> Option<IcmpError> {
    let error = match *message {
        Message::TimeExceeded { .. } => IcmpError::TimeExceeded,
        Message::DestinationUnreachable { code, next_hop_mtu } => match code {
            icmpv4::HOST_UNREACHABLE | 7 | 8 | 12 => IcmpError::HostUnreachable,
            icmpv4::PROTOCOL_UNREACHABLE => IcmpError::ProtocolUnreachable,
            icmpv4::PORT_UNREACHABLE => IcmpError::PortUnreachable,
            icmpv4::FRAGMENTATION_NEEDED => IcmpError::PacketTooBig { mtu: u32::from(next_hop_mtu) },
            9 | 10 | icmpv4::ADMINISTRATIVELY_PROHIBITED | 14 | 15 => IcmpError::AdministrativelyProhibited,
            icmpv4::NETWORK_UNREACHABLE | 5 | 6 | 11 => IcmpError::NetworkUnreachable,
            _ => return None,
        },
        // Redirects are not followed: whoever is on the link could send one (RFC 1812 5.2.7.2 leaves that to hosts).
        _ => return None,
    };
    Some(error)
}

/// What `message` says of an echo request.
pub(crate) fn ping_kind(message: &Message) -> Option<PingKind> {
    match *message {
        Message::TimeExceeded { .. } => Some(PingKind::TimeExceeded),
        Message::DestinationUnreachable { code, .. } => Some(PingKind::Unreachable { code }),
        _ => None,
    }
}
