//! IPv4 headers (RFC 791).

use crate::checksum::Sum;
use crate::malformed::Malformed;
use crate::words::{Words, pair};
use basis::Frame;
use core::net::Ipv4Addr;

/// Bytes of a header without options, which is the only kind that is written.
pub const HEADER_LENGTH: usize = 20;
/// The longest datagram in bytes.
pub const MAXIMUM_LENGTH: usize = 65_535;
/// The time to live that new headers get (RFC 1700).
pub const DEFAULT_TIME_TO_LIVE: u8 = 64;

const VERSION: u8 = 4;
const DONT_FRAGMENT: u16 = 0x4000;
const MORE_FRAGMENTS: u16 = 0x2000;
const FRAGMENT_OFFSET: u16 = 0x1fff;

/// An IPv4 header. Options are skipped when read (RFC 791 3.1 lets a host ignore those of no meaning to it).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Who sent the datagram.
    pub source: Ipv4Addr,
    /// Who is to get it.
    pub destination: Ipv4Addr,
    /// What it carries: see [`crate::protocol`].
    pub protocol: u8,
    /// Hops that it may still go.
    pub time_to_live: u8,
    /// What the fragments of one datagram have in common.
    pub identification: u16,
    /// Whether routers must not cut it.
    pub dont_fragment: bool,
    /// Whether this is a fragment, and not the last.
    pub more_fragments: bool,
    /// Where this fragment's payload belongs, in bytes; a multiple of 8.
    pub fragment_offset: u16,
    /// Differentiated services code point (upper six bits) and explicit congestion notification (lower two).
    pub traffic_class: u8,
    /// Bytes of the header with its options. When written: always [`HEADER_LENGTH`], whatever stands here.
    pub header_length: usize,
    /// Bytes of header and payload. When written: computed from the frame, whatever stands here.
    pub total_length: usize,
}

impl Header {
    /// A header for a datagram that is not to be fragmented, with the default time to live.
    #[inline]
    pub const fn new(source: Ipv4Addr, destination: Ipv4Addr, protocol: u8) -> Header {
        Header {
            source,
            destination,
            protocol,
            time_to_live: DEFAULT_TIME_TO_LIVE,
            identification: 0,
            dont_fragment: true,
            more_fragments: false,
            fragment_offset: 0,
            traffic_class: 0,
            header_length: HEADER_LENGTH,
            total_length: HEADER_LENGTH,
        }
    }

    /// Whether this is only a part of a datagram.
    #[inline]
    pub const fn is_fragment(&self) -> bool {
        self.more_fragments || self.fragment_offset != 0
    }

    /// Bytes of the payload.
    #[inline]
    pub const fn payload_length(&self) -> usize {
        self.total_length.saturating_sub(self.header_length)
    }

    /// Reads and verifies the header at the front of `first`, of a packet that has `datagram_length` bytes in all (what the
    /// frame holds behind its Ethernet header, padding included).
    ///
    /// # Errors
    /// `Ipv4TooShort`, `Ipv4Version`, `Ipv4HeaderLength`, `Ipv4TotalLength`, `Ipv4Checksum` or `Ipv4Fragment` of
    /// [`Malformed`]. RFC 1122 3.2.1.2 wants the checksum verified and wrong ones discarded in silence.
    #[inline(always)]
    pub fn parse(first: &[u8], datagram_length: usize) -> Result<Header, Malformed> {
        let Some(fixed) = first.first_chunk::<HEADER_LENGTH>() else { return Err(Malformed::Ipv4TooShort) };
        if fixed[0] >> 4 != VERSION {
            return Err(Malformed::Ipv4Version);
        }
        let header_length = usize::from(fixed[0] & 0x0f) * 4;
        if header_length < HEADER_LENGTH {
            return Err(Malformed::Ipv4HeaderLength);
        }
        let word = |place| u32::from_be_bytes(fixed.as_chunks().0[place]);
        let words: [u32; 5] = core::array::from_fn(word);
        let sum = Sum::ZERO.add_total(words.into_iter().map(u64::from).sum());
        let sum = if header_length == HEADER_LENGTH {
            sum
        } else {
            sum.add_payload(first.get(HEADER_LENGTH..header_length).ok_or(Malformed::Ipv4TooShort)?)
        };
        if sum.finish() != 0 {
            return Err(Malformed::Ipv4Checksum);
        }
        let total_length = (words[0] & 0xffff) as usize;
        if total_length < header_length || total_length > datagram_length {
            return Err(Malformed::Ipv4TotalLength);
        }
        let fragment = words[1] as u16;
        let header = Header {
            source: Ipv4Addr::from_bits(words[3]),
            destination: Ipv4Addr::from_bits(words[4]),
            protocol: (words[2] >> 16) as u8,
            time_to_live: (words[2] >> 24) as u8,
            identification: (words[1] >> 16) as u16,
            dont_fragment: fragment & DONT_FRAGMENT != 0,
            more_fragments: fragment & MORE_FRAGMENTS != 0,
            fragment_offset: (fragment & FRAGMENT_OFFSET) * 8,
            traffic_class: (words[0] >> 16) as u8,
            header_length,
            total_length,
        };
        if header.is_fragment() && !header.is_possible_fragment() {
            return Err(Malformed::Ipv4Fragment);
        }
        Ok(header)
    }

    /// Offsets count units of 8 bytes and a datagram ends at 65,535 (RFC 791 3.1 and 3.2).
    #[inline]
    fn is_possible_fragment(&self) -> bool {
        let end = usize::from(self.fragment_offset) + self.payload_length();
        let whole_units = self.payload_length() > 0 && self.payload_length().is_multiple_of(8);
        end <= MAXIMUM_LENGTH - HEADER_LENGTH && (whole_units || !self.more_fragments)
    }

    /// Writes the header with its checksum in front of `frame`; the total length is the frame's, at most 65,535.
    #[inline]
    pub fn prepend_to(&self, frame: &mut Frame) {
        let total_length = (frame.len() + HEADER_LENGTH).min(MAXIMUM_LENGTH) as u16;
        let flags = u16::from(self.dont_fragment) << 14 | u16::from(self.more_fragments) << 13;
        let header = frame.prepend_array::<HEADER_LENGTH>();
        let mut words = Words::new(header);
        words.push(pair(u16::from_be_bytes([VERSION << 4 | 5, self.traffic_class]), total_length));
        words.push(pair(self.identification, flags | (self.fragment_offset / 8)));
        let kind = u16::from_be_bytes([self.time_to_live, self.protocol]);
        words.push(pair(kind, 0));
        words.push(self.source.to_bits());
        words.push(self.destination.to_bits());
        let checksum = words.sum().finish();
        // A whole word, as it will be read: see `Words::push_two`.
        header[8..12].copy_from_slice(&pair(kind, checksum).to_be_bytes());
    }
}

#[cfg(test)]
mod tests;
