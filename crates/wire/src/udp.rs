//! UDP headers (RFC 768).

use crate::checksum;
use crate::malformed::Malformed;
use crate::protocol;
use basis::{Checksum, Frame};
use core::net::IpAddr;

/// Bytes of a header.
pub const HEADER_LENGTH: usize = 8;

/// A UDP header.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Header {
    /// Port of the sender; 0 if no answer is expected.
    pub source_port: u16,
    /// Port of the receiver.
    pub destination_port: u16,
    /// Bytes of header and payload. When written: computed from the frame, whatever stands here.
    pub length: usize,
}

impl Header {
    /// Reads the header at the front of `first`, of an IP payload that has `datagram_length` bytes in all. Bytes beyond
    /// [`Header::length`] are padding.
    ///
    /// # Errors
    /// [`Malformed::UdpTooShort`], [`Malformed::UdpLength`]. The checksum is [`verify`]'s.
    #[inline]
    pub fn parse(first: &[u8], datagram_length: usize) -> Result<Header, Malformed> {
        let Some(&[a, b, c, d, e, f, ..]) = first.first_chunk::<HEADER_LENGTH>() else {
            return Err(Malformed::UdpTooShort);
        };
        let length = usize::from(u16::from_be_bytes([e, f]));
        if length < HEADER_LENGTH || length > datagram_length {
            return Err(Malformed::UdpLength);
        }
        Ok(Header {
            source_port: u16::from_be_bytes([a, b]),
            destination_port: u16::from_be_bytes([c, d]),
            length,
        })
    }

    /// Writes the header in front of `frame`, whose bytes are the payload. Its checksum is left to
    /// [`crate::segmentation`] when the frame says [`Checksum::Deferred`].
    #[inline]
    pub fn prepend_to(&self, frame: &mut Frame, source: IpAddr, destination: IpAddr) {
        // A payload too long for the field is the caller's fault; what is sent is then at least not torn.
        let length = (frame.len() + HEADER_LENGTH).min(usize::from(u16::MAX)) as u16;
        let [a, b] = self.source_port.to_be_bytes();
        let [c, d] = self.destination_port.to_be_bytes();
        let [e, f] = length.to_be_bytes();
        frame.prepend(HEADER_LENGTH).copy_from_slice(&[a, b, c, d, e, f, 0, 0]);
        if frame.checksum != Checksum::Deferred {
            let sum = checksum::transport(source, destination, protocol::UDP, frame.parts());
            frame.head_mut()[6..8].copy_from_slice(&sent(sum).to_be_bytes());
        }
    }
}

/// What is sent for a checksum: 0 would mean that there is none (RFC 768).
#[inline]
pub(crate) const fn sent(checksum: u16) -> u16 {
    if checksum == 0 { 0xffff } else { checksum }
}

/// Verifies the checksum of the datagram in `parts`, which may be padded. A checksum of 0 is none: right with IPv4 (RFC 768),
/// wrong with IPv6 (RFC 8200 8.1).
///
/// # Errors
/// [`Malformed::UdpChecksum`], [`Malformed::UdpTooShort`], [`Malformed::UdpLength`].
#[inline]
pub fn verify(source: IpAddr, destination: IpAddr, parts: [&[u8]; 2]) -> Result<(), Malformed> {
    let [first, second] = parts;
    let Header { length, .. } = Header::parse(first, first.len() + second.len())?;
    if let Some(&[.., 0, 0]) = first.first_chunk::<HEADER_LENGTH>() {
        return if source.is_ipv4() { Ok(()) } else { Err(Malformed::UdpChecksum) };
    }
    let first = first.get(..length).unwrap_or(first);
    let second = second.get(..length - first.len()).unwrap_or(second);
    match checksum::transport(source, destination, protocol::UDP, [first, second]) {
        0 => Ok(()),
        _ => Err(Malformed::UdpChecksum),
    }
}

#[cfg(test)]
mod tests;
