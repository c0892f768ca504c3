//! By which addresses a script is played. Scripts name none, so every one of them can be played by any family.

use basis::{Ecn, Frame};
use bytes::Bytes;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use wire::{icmpv4, icmpv6, ipv4, ipv6, protocol};

const LOCAL: Ipv4Addr = Ipv4Addr::new(192, 168, 0, 1);
const REMOTE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const LOCAL_V6: Ipv6Addr = Ipv6Addr::new(0xfd3d, 0xa7b, 0xd17d, 1, 0, 0, 0, 1);
const REMOTE_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
/// Bytes by which a header of IPv6 is longer. Every MTU of a script is wider by these, so that segments stay as long.
const LONGER: usize = ipv6::HEADER_LENGTH - ipv4::HEADER_LENGTH;

/// What the sockets of a script speak, and what is on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Family {
    /// IPv4.
    #[default]
    V4,
    /// IPv6.
    V6,
    /// Sockets of IPv6 with mapped addresses: IPv4 on the wire (RFC 4291 2.5.5.2).
    Mapped,
}

impl Family {
    /// All of them.
    pub const ALL: [Family; 3] = [Family::V4, Family::V6, Family::Mapped];

    pub(crate) fn is_v6(self) -> bool {
        self == Family::V6
    }

    /// This host's address on the wire.
    pub(crate) fn local(self) -> IpAddr {
        if self.is_v6() { LOCAL_V6.into() } else { LOCAL.into() }
    }

    /// The peers' address on the wire, behind the interface.
    pub(crate) fn remote(self) -> IpAddr {
        if self.is_v6() { REMOTE_V6.into() } else { REMOTE.into() }
    }

    /// An address as the script's sockets have it.
    pub(crate) fn as_socket_has(self, address: IpAddr) -> IpAddr {
        match (self, address) {
            (Family::Mapped, IpAddr::V4(address)) => address.to_ipv6_mapped().into(),
            (_, address) => address,
        }
    }

    /// Every address, as a listener has it.
    pub(crate) fn everywhere(self) -> IpAddr {
        match self {
            Family::V4 => Ipv4Addr::UNSPECIFIED.into(),
            Family::V6 | Family::Mapped => Ipv6Addr::UNSPECIFIED.into(),
        }
    }

    /// Bytes of the longest packet, where a script says `mtu`.
    pub(crate) fn mtu(self, mtu: usize) -> usize {
        if self.is_v6() { mtu + LONGER } else { mtu }
    }

    /// A packet from a peer, as a device hands it over.
    pub(crate) fn packet(self, payload: Vec<u8>, protocol: u8, ecn: Ecn) -> Frame {
        let mut frame = Frame::new();
        let length = payload.len();
        frame.set_body(Bytes::from(payload), length);
        let traffic_class = ecn as u8;
        if self.is_v6() {
            let header = ipv6::Header::new(REMOTE_V6, LOCAL_V6, protocol);
            ipv6::Header { traffic_class, ..header }.prepend_to(&mut frame);
        } else {
            let header = ipv4::Header::new(REMOTE, LOCAL, protocol);
            ipv4::Header { traffic_class, ..header }.prepend_to(&mut frame);
        }
        let bytes = frame.to_vec();
        let length = bytes.len();
        Frame::from_device(Bytes::from(bytes), length)
    }

    /// The packet of an ICMP error about the beginning of a segment of ours.
    pub(crate) fn error(self, message: icmpv4::Message, mut segment: Frame) -> Frame {
        if self.is_v6() {
            ipv6::Header::new(LOCAL_V6, REMOTE_V6, protocol::TCP).prepend_to(&mut segment);
            in_v6(message).prepend_to(&mut segment, REMOTE_V6, LOCAL_V6);
            return self.packet(segment.to_vec(), protocol::ICMPV6, Ecn::NotCapable);
        }
        ipv4::Header::new(LOCAL, REMOTE, protocol::TCP).prepend_to(&mut segment);
        message.prepend_to(&mut segment);
        self.packet(segment.to_vec(), protocol::ICMPV4, Ecn::NotCapable)
    }
}

/// The message of ICMPv6 that says the same.
fn in_v6(message: icmpv4::Message) -> icmpv6::Message {
    match message {
        icmpv4::Message::DestinationUnreachable { code, next_hop_mtu } => match code {
            icmpv4::FRAGMENTATION_NEEDED => {
                icmpv6::Message::PacketTooBig { mtu: u32::from(next_hop_mtu) + LONGER as u32 }
            }
            icmpv4::PROTOCOL_UNREACHABLE => icmpv6::Message::ParameterProblem { code: 1, pointer: 6 },
            icmpv4::PORT_UNREACHABLE => unreachable(icmpv6::PORT_UNREACHABLE),
            icmpv4::NETWORK_UNREACHABLE | 6 | 9 | 11 => unreachable(icmpv6::NO_ROUTE),
            10 | 13 => unreachable(icmpv6::ADMINISTRATIVELY_PROHIBITED),
            _ => unreachable(icmpv6::ADDRESS_UNREACHABLE),
        },
        icmpv4::Message::TimeExceeded { code } => icmpv6::Message::TimeExceeded { code },
        // An error that nobody knows: types from 100 on are for experiments (RFC 4443 2.1).
        _ => icmpv6::Message::Other { kind: 100, code: 0 },
    }
}

fn unreachable(code: u8) -> icmpv6::Message {
    icmpv6::Message::DestinationUnreachable { code }
}
