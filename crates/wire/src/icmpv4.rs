//! ICMP for IPv4 (RFC 792, RFC 1191).

use crate::checksum::Sum;
use crate::malformed::Malformed;
use crate::protocol;
use basis::{Checksum, Frame};
use core::net::{IpAddr, Ipv4Addr};

/// Bytes of a header.
pub const HEADER_LENGTH: usize = 8;

/// Code of [`Message::DestinationUnreachable`]: no route to the network.
pub const NETWORK_UNREACHABLE: u8 = 0;
/// Code of [`Message::DestinationUnreachable`]: the host does not answer.
pub const HOST_UNREACHABLE: u8 = 1;
/// Code of [`Message::DestinationUnreachable`]: the host does not speak the protocol.
pub const PROTOCOL_UNREACHABLE: u8 = 2;
/// Code of [`Message::DestinationUnreachable`]: nobody listens on the port.
pub const PORT_UNREACHABLE: u8 = 3;
/// Code of [`Message::DestinationUnreachable`]: too long for the next hop and not to be fragmented (RFC 1191 4).
pub const FRAGMENTATION_NEEDED: u8 = 4;
/// Code of [`Message::DestinationUnreachable`]: a filter forbids it (RFC 1812 5.2.7.1).
pub const ADMINISTRATIVELY_PROHIBITED: u8 = 13;
/// Code of [`Message::TimeExceeded`]: too many hops.
pub const TIME_TO_LIVE_EXCEEDED: u8 = 0;
/// Code of [`Message::TimeExceeded`]: a fragment was missing for too long.
pub const REASSEMBLY_TIME_EXCEEDED: u8 = 1;

/// What the eight bytes of an ICMP header say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Message {
    /// Asks for the payload to be sent back.
    EchoRequest {
        /// Which program asks.
        identifier: u16,
        /// Which of its requests this is.
        sequence: u16,
    },
    /// Sends the payload back.
    EchoReply {
        /// As in the request.
        identifier: u16,
        /// As in the request.
        sequence: u16,
    },
    /// The quoted datagram could not be delivered.
    DestinationUnreachable {
        /// Why not.
        code: u8,
        /// Bytes that the next hop can carry, with [`FRAGMENTATION_NEEDED`]; 0 from routers older than RFC 1191.
        next_hop_mtu: u16,
    },
    /// The quoted datagram was discarded because of its age.
    TimeExceeded {
        /// Whether on the way or in reassembly.
        code: u8,
    },
    /// The quoted datagram's header makes no sense.
    ParameterProblem {
        /// Whether the pointer means anything (0: it does).
        code: u8,
        /// The byte of the header at which sense ends.
        pointer: u8,
    },
    /// There is a better first hop.
    Redirect {
        /// For which datagrams.
        code: u8,
        /// The better one.
        gateway: Ipv4Addr,
    },
    /// Anything else.
    Other {
        /// The type.
        kind: u8,
        /// The code.
        code: u8,
    },
}

impl Message {
    /// Reads the header at the front of `first`; its length is the second value. The checksum is [`verify`]'s.
    ///
    /// # Errors
    /// [`Malformed::IcmpTooShort`].
    pub fn parse(first: &[u8]) -> Result<(Message, usize), Malformed> {
        let Some(&[kind, code, _, _, a, b, c, d]) = first.first_chunk::<HEADER_LENGTH>() else {
            return Err(Malformed::IcmpTooShort);
        };
        let (upper, lower) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        let message = match (kind, code) {
            (0, 0) => Message::EchoReply { identifier: upper, sequence: lower },
            (3, _) => Message::DestinationUnreachable { code, next_hop_mtu: lower },
            (5, _) => Message::Redirect { code, gateway: Ipv4Addr::new(a, b, c, d) },
            (8, 0) => Message::EchoRequest { identifier: upper, sequence: lower },
            (11, _) => Message::TimeExceeded { code },
            (12, _) => Message::ParameterProblem { code, pointer: a },
            _ => Message::Other { kind, code },
        };
        Ok((message, HEADER_LENGTH))
    }

    /// Whether this is an error about a datagram, which it quotes; no error may be sent about an error (RFC 1122 3.2.2).
    pub const fn is_error(&self) -> bool {
        match self {
            Message::DestinationUnreachable { .. }
            | Message::TimeExceeded { .. }
            | Message::ParameterProblem { .. }
            | Message::Redirect { .. } => true,
            // Source Quench, which nobody may send any more (RFC 6633).
            Message::Other { kind, .. } => *kind == 4,
            Message::EchoRequest { .. } | Message::EchoReply { .. } => false,
        }
    }

    /// Writes the header in front of `frame`, whose bytes are the payload, with the checksum over both.
    pub fn prepend_to(&self, frame: &mut Frame) {
        let (kind, code, [a, b, c, d]) = match *self {
            Message::EchoReply { identifier, sequence } => (0, 0, two_fields(identifier, sequence)),
            Message::DestinationUnreachable { code, next_hop_mtu } => (3, code, two_fields(0, next_hop_mtu)),
            Message::Redirect { code, gateway } => (5, code, gateway.octets()),
            Message::EchoRequest { identifier, sequence } => (8, 0, two_fields(identifier, sequence)),
            Message::TimeExceeded { code } => (11, code, [0; 4]),
            Message::ParameterProblem { code, pointer } => (12, code, [pointer, 0, 0, 0]),
            Message::Other { kind, code } => (kind, code, [0; 4]),
        };
        frame.prepend(HEADER_LENGTH).copy_from_slice(&[kind, code, 0, 0, a, b, c, d]);
        let checksum = checksum(frame.parts());
        frame.head_mut()[2..4].copy_from_slice(&checksum.to_be_bytes());
        if frame.checksum == Checksum::Deferred {
            frame.checksum = Checksum::Complete;
        }
    }
}

fn two_fields(upper: u16, lower: u16) -> [u8; 4] {
    crate::words::pair(upper, lower).to_be_bytes()
}

/// The checksum of the message in `parts`; 0 when it carries a checksum and it is right.
#[must_use]
pub fn checksum(parts: [&[u8]; 2]) -> u16 {
    let [first, second] = parts;
    Sum::ZERO.add_bytes(first).add_bytes(second).finish()
}

/// Verifies the checksum of the message in `parts`.
///
/// # Errors
/// [`Malformed::IcmpChecksum`].
pub fn verify(parts: [&[u8]; 2]) -> Result<(), Malformed> {
    if checksum(parts) == 0 { Ok(()) } else { Err(Malformed::IcmpChecksum) }
}

/// What an ICMP error quotes of the datagram that it is about: enough to find whom it concerns.
///
/// `source` is the host that sent the datagram, so usually the one that gets the error. Nothing of this can be trusted: TCP
/// must find `sequence` among what it has in flight (RFC 5927 4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quoted {
    /// Who sent the datagram.
    pub source: IpAddr,
    /// Where it was to go.
    pub destination: IpAddr,
    /// What it carried: see [`crate::protocol`].
    pub protocol: u8,
    /// Port of the sender if it was TCP or UDP, identifier if it was an echo request or reply, else 0.
    pub source_port: u16,
    /// Port of the receiver if it was TCP or UDP, else 0.
    pub destination_port: u16,
    /// Sequence number if it was TCP, or an echo request or reply.
    pub sequence: Option<u32>,
}

impl Quoted {
    /// Reads the datagram's beginning that `bytes`, the payload of an ICMP error, quote: the IPv4 header and at least the
    /// eight bytes behind it that RFC 792 promises. The quoted checksums are not verified: routers may have changed the header.
    ///
    /// # Errors
    /// [`Malformed::IcmpQuotation`], also for a fragment other than the first, which does not tell whom it concerns.
    pub fn parse(bytes: &[u8]) -> Result<Quoted, Malformed> {
        let fixed = bytes.first_chunk::<20>().ok_or(Malformed::IcmpQuotation)?;
        let header_length = usize::from(fixed[0] & 0x0f) * 4;
        let fragment_offset = u16::from_be_bytes([fixed[6], fixed[7]]) & 0x1fff;
        if fixed[0] >> 4 != 4 || header_length < 20 || fragment_offset != 0 {
            return Err(Malformed::IcmpQuotation);
        }
        let payload = bytes.get(header_length..).and_then(|payload| payload.first_chunk::<8>());
        let &[a, b, c, d, e, f, g, h] = payload.ok_or(Malformed::IcmpQuotation)?;
        let protocol = fixed[9];
        let (source_port, destination_port, sequence) = match protocol {
            protocol::TCP => (
                u16::from_be_bytes([a, b]),
                u16::from_be_bytes([c, d]),
                Some(u32::from_be_bytes([e, f, g, h])),
            ),
            protocol::UDP => (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]), None),
            protocol::ICMPV4 if matches!(a, 0 | 8) => {
                (u16::from_be_bytes([e, f]), 0, Some(u32::from(u16::from_be_bytes([g, h]))))
            }
            _ => (0, 0, None),
        };
        Ok(Quoted {
            source: IpAddr::V4(Ipv4Addr::new(fixed[12], fixed[13], fixed[14], fixed[15])),
            destination: IpAddr::V4(Ipv4Addr::new(fixed[16], fixed[17], fixed[18], fixed[19])),
            protocol,
            source_port,
            destination_port,
            sequence,
        })
    }
}

#[cfg(test)]
mod tests;
