//! What ICMP errors mean to those whose packets they are about (RFC 1122 3.2.2.1, RFC 1812 5.2.7.1, RFC 4443 3).

use super::ping::PingKind;
use tcp::IcmpError;
use wire::icmpv4::{self, Message};
use wire::icmpv6;
use wire::ipv6::extension;

/// What `message` says of the packet it quotes; `None` if it says nothing that anybody acts on.
///
/// The MTU of a packet that was too big is what the message told; whoever knows the path corrects it.
pub(crate) fn error_of(message: &Message) -> Option<IcmpError> {
    let error = match *message {
        Message::TimeExceeded { .. } => IcmpError::TimeExceeded,
        Message::DestinationUnreachable { code, next_hop_mtu } => match code {
            icmpv4::HOST_UNREACHABLE | 12 => IcmpError::HostUnreachable,
            5 => IcmpError::SourceRouteFailed,
            7 => IcmpError::HostUnknown,
            8 => IcmpError::Isolated,
            icmpv4::PROTOCOL_UNREACHABLE => IcmpError::ProtocolUnreachable,
            icmpv4::PORT_UNREACHABLE => IcmpError::PortUnreachable,
            icmpv4::FRAGMENTATION_NEEDED => IcmpError::PacketTooBig { mtu: u32::from(next_hop_mtu) },
            10 | icmpv4::ADMINISTRATIVELY_PROHIBITED | 14 | 15 => IcmpError::AdministrativelyProhibited,
            // 9: the whole network is prohibited.
            icmpv4::NETWORK_UNREACHABLE | 6 | 9 | 11 => IcmpError::NetworkUnreachable,
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

/// What an ICMPv6 message says of the packet it quotes; `None` if it says nothing that anybody acts on.
pub(crate) fn error_of_v6(message: &icmpv6::Message) -> Option<IcmpError> {
    let error = match *message {
        icmpv6::Message::DestinationUnreachable { code } => match code {
            icmpv6::NO_ROUTE => IcmpError::NetworkUnreachable,
            icmpv6::PORT_UNREACHABLE => IcmpError::PortUnreachable,
            icmpv6::BEYOND_SCOPE | icmpv6::ADDRESS_UNREACHABLE => IcmpError::HostUnreachable,
            // 5: the source address fails a policy; 6: the route is one of refusal (RFC 4443 3.1).
            icmpv6::ADMINISTRATIVELY_PROHIBITED | 5 | 6 => IcmpError::Forbidden,
            _ => return None,
        },
        icmpv6::Message::PacketTooBig { mtu } => IcmpError::PacketTooBig { mtu },
        icmpv6::Message::TimeExceeded { .. } => IcmpError::TimeExceeded,
        // The protocol itself is not spoken there (RFC 4443 3.4).
        icmpv6::Message::ParameterProblem { code: extension::UNKNOWN_NEXT_HEADER, .. } => {
            IcmpError::ProtocolUnreachable
        }
        _ => return None,
    };
    Some(error)
}

/// What an ICMPv6 message says of an echo request.
pub(crate) fn ping_kind_v6(message: &icmpv6::Message) -> Option<PingKind> {
    match *message {
        icmpv6::Message::TimeExceeded { .. } => Some(PingKind::TimeExceeded),
        icmpv6::Message::DestinationUnreachable { code } => Some(PingKind::Unreachable { code }),
        icmpv6::Message::PacketTooBig { mtu } => Some(PingKind::TooBig { mtu }),
        _ => None,
    }
}
