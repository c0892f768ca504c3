//! ICMP for IPv6 (RFC 4443).

use crate::checksum;
pub use crate::icmpv4::Quoted;
use crate::ipv6::{self, extension::Chain};
use crate::malformed::Malformed;
use crate::protocol;
use basis::{Checksum, Frame};
use core::net::{IpAddr, Ipv6Addr};

/// Bytes of a header.
pub const HEADER_LENGTH: usize = 8;

/// Code of [`Message::DestinationUnreachable`]: no route.
pub const NO_ROUTE: u8 = 0;
/// Code of [`Message::DestinationUnreachable`]: a filter forbids it.
pub const ADMINISTRATIVELY_PROHIBITED: u8 = 1;
/// Code of [`Message::DestinationUnreachable`]: the source address does not reach that far.
pub const BEYOND_SCOPE: u8 = 2;
/// Code of [`Message::DestinationUnreachable`]: the host does not answer.
pub const ADDRESS_UNREACHABLE: u8 = 3;
/// Code of [`Message::DestinationUnreachable`]: nobody listens on the port.
pub const PORT_UNREACHABLE: u8 = 4;
/// Code of [`Message::TimeExceeded`]: too many hops.
pub const HOP_LIMIT_EXCEEDED: u8 = 0;
/// Code of [`Message::TimeExceeded`]: a fragment was missing for too long.
pub const REASSEMBLY_TIME_EXCEEDED: u8 = 1;

/// What the eight bytes of a header say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Message {
    /// The quoted packet could not be delivered.
    DestinationUnreachable {
        /// Why not.
        code: u8,
    },
    /// The quoted packet is longer than the next link takes.
    PacketTooBig {
        /// Bytes that it takes.
        mtu: u32,
    },
    /// The quoted packet was discarded because of its age.
    TimeExceeded {
        /// Whether on the way or in reassembly.
        code: u8,
    },
    /// Something in the quoted packet's headers makes no sense.
    ParameterProblem {
        /// What: see [`crate::ipv6::extension`].
        code: u8,
        /// Bytes from the packet's front to it.
        pointer: u32,
    },
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
    /// Anything else: see [`crate::ndp`] and [`crate::mld`].
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
        let word = u32::from_be_bytes([a, b, c, d]);
        let (identifier, sequence) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        let message = match (kind, code) {
            (1, _) => Message::DestinationUnreachable { code },
            (2, _) => Message::PacketTooBig { mtu: word },
            (3, _) => Message::TimeExceeded { code },
            (4, _) => Message::ParameterProblem { code, pointer: word },
            (128, 0) => Message::EchoRequest { identifier, sequence },
            (129, 0) => Message::EchoReply { identifier, sequence },
            _ => Message::Other { kind, code },
        };
        Ok((message, HEADER_LENGTH))
    }

    /// Whether this is an error, known or not: types below 128 (RFC 4443 2.1). No error may be sent about one.
    pub const fn is_error(&self) -> bool {
        match self {
            Message::DestinationUnreachable { .. }
            | Message::PacketTooBig { .. }
            | Message::TimeExceeded { .. }
            | Message::ParameterProblem { .. } => true,
            Message::EchoRequest { .. } | Message::EchoReply { .. } => false,
            Message::Other { kind, .. } => *kind < 128,
        }
    }

    /// Writes the header in front of `frame`, whose bytes are the payload, with the checksum over both and the pseudo-header.
    pub fn prepend_to(&self, frame: &mut Frame, source: Ipv6Addr, destination: Ipv6Addr) {
        let (kind, code, [a, b, c, d]) = match *self {
            Message::DestinationUnreachable { code } => (1, code, [0; 4]),
            Message::PacketTooBig { mtu } => (2, 0, mtu.to_be_bytes()),
            Message::TimeExceeded { code } => (3, code, [0; 4]),
            Message::ParameterProblem { code, pointer } => (4, code, pointer.to_be_bytes()),
            Message::EchoRequest { identifier, sequence } => (128, 0, two_fields(identifier, sequence)),
            Message::EchoReply { identifier, sequence } => (129, 0, two_fields(identifier, sequence)),
            Message::Other { kind, code } => (kind, code, [0; 4]),
        };
        frame.prepend(HEADER_LENGTH).copy_from_slice(&[kind, code, 0, 0, a, b, c, d]);
        complete(frame, source, destination);
    }
}

fn two_fields(upper: u16, lower: u16) -> [u8; 4] {
    crate::words::pair(upper, lower).to_be_bytes()
}

/// Writes the checksum of the message that begins in the head of `frame`, whose field holds zeros.
pub(crate) fn complete(frame: &mut Frame, source: Ipv6Addr, destination: Ipv6Addr) {
    let sum = checksum(source, destination, frame.parts());
    if let Some(field) = frame.head_mut().get_mut(2..4) {
        field.copy_from_slice(&sum.to_be_bytes());
    }
    if frame.checksum == Checksum::Deferred {
        frame.checksum = Checksum::Complete;
    }
}

/// The checksum of the message in `parts`; 0 when it carries a checksum and it is right.
#[must_use]
pub fn checksum(source: Ipv6Addr, destination: Ipv6Addr, parts: [&[u8]; 2]) -> u16 {
    checksum::transport(IpAddr::V6(source), IpAddr::V6(destination), protocol::ICMPV6, parts)
}

/// Verifies the checksum of the message in `parts`.
///
/// # Errors
/// [`Malformed::IcmpChecksum`].
pub fn verify(source: Ipv6Addr, destination: Ipv6Addr, parts: [&[u8]; 2]) -> Result<(), Malformed> {
    if checksum(source, destination, parts) == 0 { Ok(()) } else { Err(Malformed::IcmpChecksum) }
}

/// Reads the beginning of the packet that `bytes`, the payload of an ICMPv6 error, quote.
///
/// # Errors
/// [`Malformed::IcmpQuotation`], also for a fragment other than the first, which does not tell whom it concerns.
pub fn quoted(bytes: &[u8]) -> Result<Quoted, Malformed> {
    let header = ipv6::Header::parse(bytes, usize::MAX).map_err(|_| Malformed::IcmpQuotation)?;
    let mut chain = Chain::walk(bytes, &header).map_err(|_| Malformed::IcmpQuotation)?;
    if let Some(fragment) = chain.fragment {
        if fragment.offset != 0 {
            return Err(Malformed::IcmpQuotation);
        }
        chain = Chain::walk_from(bytes, fragment.next_header, chain.named_at, chain.offset)
            .map_err(|_| Malformed::IcmpQuotation)?;
    }
    let payload = bytes.get(chain.offset..).and_then(|payload| payload.first_chunk::<8>());
    let &[a, b, c, d, e, f, g, h] = payload.ok_or(Malformed::IcmpQuotation)?;
    let (first, second) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    let (source_port, destination_port, sequence) = match chain.protocol {
        protocol::TCP => (first, second, Some(u32::from_be_bytes([e, f, g, h]))),
        protocol::UDP => (first, second, None),
        protocol::ICMPV6 if matches!(a, 128 | 129) => {
            (u16::from_be_bytes([e, f]), 0, Some(u32::from(u16::from_be_bytes([g, h]))))
        }
        _ => (0, 0, None),
    };
    Ok(Quoted {
        source: IpAddr::V6(header.source),
        destination: IpAddr::V6(header.destination),
        protocol: chain.protocol,
        source_port,
        destination_port,
        sequence,
    })
}

#[cfg(test)]
mod tests;
