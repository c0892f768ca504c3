//! Address resolution for IPv4 over Ethernet (RFC 826) and the probes that guard an address (RFC 5227).

use crate::ethernet::MacAddress;
use crate::malformed::Malformed;
use basis::Frame;
use core::net::Ipv4Addr;

/// Bytes of a packet.
pub const PACKET_LENGTH: usize = 28;

/// Hardware type Ethernet, protocol type IPv4 and the lengths of their addresses.
const FORMAT: [u8; 6] = [0, 1, 8, 0, 6, 4];

/// What a packet asks or says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    /// Who has the target address?
    Request,
    /// The sender address is mine.
    Reply,
}

/// An ARP packet.
///
/// ```
/// use netstrata_wire::arp::{Operation, Packet};
/// use netstrata_wire::ethernet::MacAddress;
/// let (asker, owner) = (MacAddress([2, 0, 0, 0, 0, 1]), MacAddress([2, 0, 0, 0, 0, 2]));
/// let request = Packet::request(asker, [10, 7, 0, 1].into(), [10, 7, 0, 2].into());
/// let reply = request.reply(owner);
/// assert_eq!((reply.operation, reply.sender_hardware), (Operation::Reply, owner));
/// assert_eq!(reply.target_hardware, asker);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Packet {
    /// Request or reply.
    pub operation: Operation,
    /// Hardware address of the sender.
    pub sender_hardware: MacAddress,
    /// IPv4 address of the sender; unspecified in a probe.
    pub sender_protocol: Ipv4Addr,
    /// Hardware address of the target; of no meaning in a request.
    pub target_hardware: MacAddress,
    /// IPv4 address of the target: in a request the one that is looked for.
    pub target_protocol: Ipv4Addr,
}

impl Packet {
    /// Asks who has `wanted`.
    pub const fn request(hardware: MacAddress, address: Ipv4Addr, wanted: Ipv4Addr) -> Packet {
        Packet {
            operation: Operation::Request,
            sender_hardware: hardware,
            sender_protocol: address,
            target_hardware: MacAddress::UNSPECIFIED,
            target_protocol: wanted,
        }
    }

    /// Asks whether anybody uses `wanted` already; the sender address stays unspecified, so that nobody learns it
    /// (RFC 5227 2.1.1).
    pub const fn probe(hardware: MacAddress, wanted: Ipv4Addr) -> Packet {
        Packet::request(hardware, Ipv4Addr::UNSPECIFIED, wanted)
    }

    /// Tells everybody that `address` is in use from now on (RFC 5227 2.3).
    pub const fn announcement(hardware: MacAddress, address: Ipv4Addr) -> Packet {
        Packet::request(hardware, address, address)
    }

    /// The answer of the station `hardware`, which has the address that this request looks for.
    pub const fn reply(&self, hardware: MacAddress) -> Packet {
        Packet {
            operation: Operation::Reply,
            sender_hardware: hardware,
            sender_protocol: self.target_protocol,
            target_hardware: self.sender_hardware,
            target_protocol: self.sender_protocol,
        }
    }

    /// Whether this is a probe: a request from nobody (RFC 5227 1.1).
    pub fn is_probe(&self) -> bool {
        self.operation == Operation::Request && self.sender_protocol.is_unspecified()
    }

    /// Whether sender and target are one address: an announcement, or a gratuitous reply.
    pub fn is_announcement(&self) -> bool {
        self.sender_protocol == self.target_protocol && !self.sender_protocol.is_unspecified()
    }

    /// Reads the packet at the front of `bytes`; what follows is padding.
    ///
    /// # Errors
    /// [`Malformed::ArpTooShort`], [`Malformed::ArpFormat`], [`Malformed::ArpOperation`].
    pub fn parse(bytes: &[u8]) -> Result<Packet, Malformed> {
        let Some((format, rest)) = bytes.split_first_chunk::<6>() else { return Err(Malformed::ArpTooShort) };
        let Some(&[high, low, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t]) =
            rest.first_chunk::<22>()
        else {
            return Err(Malformed::ArpTooShort);
        };
        if *format != FORMAT {
            return Err(Malformed::ArpFormat);
        }
        let operation = match u16::from_be_bytes([high, low]) {
            1 => Operation::Request,
            2 => Operation::Reply,
            _ => return Err(Malformed::ArpOperation),
        };
        Ok(Packet {
            operation,
            sender_hardware: MacAddress([a, b, c, d, e, f]),
            sender_protocol: Ipv4Addr::new(g, h, i, j),
            target_hardware: MacAddress([k, l, m, n, o, p]),
            target_protocol: Ipv4Addr::new(q, r, s, t),
        })
    }

    /// Writes the packet in front of `frame`.
    pub fn prepend_to(&self, frame: &mut Frame) {
        let Packet { operation, sender_hardware, sender_protocol, target_hardware, target_protocol } = *self;
        let operation: u8 = match operation {
            Operation::Request => 1,
            Operation::Reply => 2,
        };
        let bytes = frame.prepend(PACKET_LENGTH);
        bytes[..6].copy_from_slice(&FORMAT);
        bytes[6..8].copy_from_slice(&[0, operation]);
        bytes[8..14].copy_from_slice(&sender_hardware.0);
        bytes[14..18].copy_from_slice(&sender_protocol.octets());
        bytes[18..24].copy_from_slice(&target_hardware.0);
        bytes[24..28].copy_from_slice(&target_protocol.octets());
    }
}

#[cfg(test)]
mod tests;
