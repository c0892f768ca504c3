//! IPv6 headers (RFC 8200).

pub mod extension;

use crate::malformed::Malformed;
use basis::Frame;
use core::net::Ipv6Addr;

/// Bytes of the fixed header.
pub const HEADER_LENGTH: usize = 40;
/// Bytes of the longest payload, extension headers included. Jumbograms (RFC 2675) are refused.
pub const MAXIMUM_PAYLOAD: usize = 65_535;
/// Bytes that every link must carry (RFC 8200 5).
pub const MINIMUM_MTU: usize = 1280;
/// The hop limit that new headers get (RFC 1700's time to live).
pub const DEFAULT_HOP_LIMIT: u8 = 64;

const VERSION: u32 = 6;

/// The fixed header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Who sent the packet.
    pub source: Ipv6Addr,
    /// Who is to get it.
    pub destination: Ipv6Addr,
    /// What follows: see [`crate::protocol`].
    pub next_header: u8,
    /// Hops that it may still go.
    pub hop_limit: u8,
    /// Differentiated services code point (upper six bits) and explicit congestion notification (lower two).
    pub traffic_class: u8,
    /// What the packets of one flow have in common (RFC 6437); 20 bits.
    pub flow_label: u32,
    /// Bytes behind this header. When written: computed from the frame, whatever stands here.
    pub payload_length: usize,
}

impl Header {
    /// A header with the default hop limit.
    #[inline]
    pub const fn new(source: Ipv6Addr, destination: Ipv6Addr, next_header: u8) -> Header {
        Header {
            source,
            destination,
            next_header,
            hop_limit: DEFAULT_HOP_LIMIT,
            traffic_class: 0,
            flow_label: 0,
            payload_length: 0,
        }
    }

    /// Bytes of the packet.
    #[inline]
    pub const fn total_length(&self) -> usize {
        HEADER_LENGTH + self.payload_length
    }

    /// Reads the header at the front of `first`, of a packet that has `packet_length` bytes in all (what the frame holds behind
    /// its Ethernet header, padding included).
    ///
    /// # Errors
    /// [`Malformed::Ipv6TooShort`], [`Malformed::Ipv6Version`], [`Malformed::Ipv6PayloadLength`].
    #[inline]
    pub fn parse(first: &[u8], packet_length: usize) -> Result<Header, Malformed> {
        let Some(fixed) = first.first_chunk::<HEADER_LENGTH>() else { return Err(Malformed::Ipv6TooShort) };
        let [a, b, c, d, length_high, length_low, next_header, hop_limit, addresses @ ..] = fixed;
        let word = u32::from_be_bytes([*a, *b, *c, *d]);
        if word >> 28 != VERSION {
            return Err(Malformed::Ipv6Version);
        }
        let payload_length = usize::from(u16::from_be_bytes([*length_high, *length_low]));
        if HEADER_LENGTH + payload_length > packet_length {
            return Err(Malformed::Ipv6PayloadLength);
        }
        let (source, destination) = addresses.split_at(16);
        Ok(Header {
            source: address(source),
            destination: address(destination),
            next_header: *next_header,
            hop_limit: *hop_limit,
            traffic_class: (word >> 20) as u8,
            flow_label: word & 0xf_ffff,
            payload_length,
        })
    }

    /// Writes the header in front of `frame`; the payload length is the frame's, at most 65,535.
    #[inline]
    pub fn prepend_to(&self, frame: &mut Frame) {
        // A super-segment may be longer than the field: who cuts it writes each packet's own.
        let payload_length = frame.len().min(MAXIMUM_PAYLOAD) as u16;
        let word = VERSION << 28 | u32::from(self.traffic_class) << 20 | self.flow_label & 0xf_ffff;
        let header = frame.prepend(HEADER_LENGTH);
        header[..4].copy_from_slice(&word.to_be_bytes());
        header[4..6].copy_from_slice(&payload_length.to_be_bytes());
        header[6..8].copy_from_slice(&[self.next_header, self.hop_limit]);
        header[8..24].copy_from_slice(&self.source.octets());
        header[24..40].copy_from_slice(&self.destination.octets());
    }
}

/// The address in the first 16 of `bytes`; unspecified if there are fewer.
fn address(bytes: &[u8]) -> Ipv6Addr {
    bytes.first_chunk::<16>().map_or(Ipv6Addr::UNSPECIFIED, |octets| Ipv6Addr::from(*octets))
}

/// The group of all hosts on a link.
pub const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// The group of all routers on a link.
pub const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);

/// The group in which whoever has `address` is asked for (RFC 4291 2.7.1).
///
/// ```
/// use netstrata_wire::ipv6::solicited_node;
/// assert_eq!(solicited_node("4037::1:800:200e:8c6c".parse().unwrap()).to_string(), "ff02::1:ff0e:8c6c");
/// ```
#[must_use]
pub const fn solicited_node(address: Ipv6Addr) -> Ipv6Addr {
    let low = address.to_bits() & 0xff_ffff;
    Ipv6Addr::from_bits(0xff02_0000_0000_0000_0000_0001_ff00_0000 | low)
}

/// Whether `address` is valid on one link alone: fe80::/10 (RFC 4291 2.5.6).
#[must_use]
pub const fn is_link_local(address: Ipv6Addr) -> bool {
    address.segments()[0] & 0xffc0 == 0xfe80
}

#[cfg(test)]
mod tests;
