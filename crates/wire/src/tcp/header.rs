//! The header of a segment.

use super::flags::Flags;
use super::options::{ALIGNED_TIMESTAMPS_LENGTH, Options, SYN_LENGTH, Timestamps};
use super::seq::Seq;
use crate::checksum::{self, Sum};
use crate::malformed::Malformed;
use crate::protocol;
use crate::words::{Words, pair};
use basis::{Checksum, Frame};
use core::net::IpAddr;

/// Bytes of a header without options.
pub const HEADER_LENGTH: usize = 20;

/// A TCP header (RFC 9293 3.1).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Header {
    /// Port of the sender.
    pub source_port: u16,
    /// Port of the receiver.
    pub destination_port: u16,
    /// Number of the first byte, or of the SYN. // SEG.SEQ
    pub sequence: Seq,
    /// The next number that the sender expects; of no meaning without [`Flags::ACK`]. // SEG.ACK
    pub acknowledgment: Seq,
    /// Control bits.
    pub flags: Flags,
    /// The sender's window, not scaled. // SEG.WND
    pub window: u16,
    /// Where urgent data ends, counted from `sequence`; of no meaning without [`Flags::URG`]. // SEG.UP
    pub urgent: u16,
    /// Options.
    pub options: Options,
}

impl Header {
    /// Reads the header at the front of `bytes`; its length in bytes, options included, is the second value.
    ///
    /// # Errors
    /// [`Malformed::TcpTooShort`], [`Malformed::TcpOffset`], [`Malformed::TcpOption`]. The checksum is [`verify`]'s.
    #[inline]
    pub fn parse(bytes: &[u8]) -> Result<(Header, usize), Malformed> {
        let mut header = Header::default();
        let length = header.read(bytes)?;
        Ok((header, length))
    }

    /// [`Header::parse`] into a new header, which is written where it stays; returns its length in bytes, options included.
    ///
    /// # Errors
    /// As [`Header::parse`]; the header is then of no use.
    #[inline(always)]
    pub fn read(&mut self, bytes: &[u8]) -> Result<usize, Malformed> {
        let Some(fixed) = bytes.first_chunk::<HEADER_LENGTH>() else { return Err(Malformed::TcpTooShort) };
        let length = usize::from(fixed[12] >> 4) * 4;
        let Some(options) = bytes.get(HEADER_LENGTH..length) else { return Err(Malformed::TcpOffset) };
        self.source_port = u16::from_be_bytes([fixed[0], fixed[1]]);
        self.destination_port = u16::from_be_bytes([fixed[2], fixed[3]]);
        self.sequence = Seq(u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]));
        self.acknowledgment = Seq(u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]));
        self.flags = Flags(fixed[13]);
        self.window = u16::from_be_bytes([fixed[14], fixed[15]]);
        self.urgent = u16::from_be_bytes([fixed[18], fixed[19]]);
        self.options.read(options)?;
        Ok(length)
    }

    /// Bytes of the header with its options.
    #[inline]
    pub fn length(&self) -> usize {
        HEADER_LENGTH + self.options.encoded_length()
    }

    /// Writes the header in front of `frame`, whose bytes are the payload, with the checksum over both. For a super-segment
    /// and where the frame says [`Checksum::Deferred`], the checksum is left to [`crate::segmentation`] or to the device;
    /// the frame then says so.
    #[inline(never)]
    pub fn prepend_to(&self, frame: &mut Frame, source: IpAddr, destination: IpAddr) {
        let addresses = checksum::addresses(source, destination);
        match self.options.aligned_timestamps() {
            Some(timestamps) => self.prepend_with(timestamps, frame, addresses),
            None => match self.options.usual_syn() {
                Some(options) => self.prepend_syn(options, frame, addresses),
                None => self.prepend_any(frame, addresses),
            },
        }
    }

    /// [`Header::prepend_to`] where `timestamps` are known to be the one option, and `addresses` is [`checksum::addresses`] of both.
    /// It is compiled in where it is called: for the one place by which almost every segment goes.
    #[inline(always)]
    pub fn prepend_with(&self, timestamps: Timestamps, frame: &mut Frame, addresses: Sum) {
        const LENGTH: usize = HEADER_LENGTH + ALIGNED_TIMESTAMPS_LENGTH;
        self.prepend_fixed::<LENGTH>(frame, addresses, |words| timestamps.write_aligned(words));
    }

    /// [`Header::prepend_to`] for the SYN that almost every connection begins with.
    #[inline(always)]
    fn prepend_syn(&self, options: [u32; SYN_LENGTH / 4], frame: &mut Frame, addresses: Sum) {
        const LENGTH: usize = HEADER_LENGTH + SYN_LENGTH;
        self.prepend_fixed::<LENGTH>(frame, addresses, |words| {
            options.into_iter().for_each(|word| words.push(word));
        });
    }

    /// [`Header::prepend_to`] for a header whose length is known beforehand.
    #[inline(always)]
    fn prepend_fixed<const LENGTH: usize>(
        &self,
        frame: &mut Frame,
        addresses: Sum,
        write_options: impl FnOnce(&mut Words<'_>),
    ) {
        let payload = sum_of_payload(frame);
        let length = frame.len();
        let header = frame.prepend_array::<LENGTH>();
        let mut words = Words::new(header);
        self.write_fixed(&mut words, LENGTH);
        write_options(&mut words);
        if let Some(payload) = payload {
            let rest = u32::from(protocol::TCP) + (LENGTH + length) as u32;
            let sum = addresses.join(words.sum_with(rest)).join(payload);
            // With what stands beside it, as it will be read: see `Words::push_two`.
            if let Some(eight) = header[16..].first_chunk_mut() {
                let unsummed = u64::from_be_bytes(*eight);
                *eight = (u64::from(sum.finish()) << 48 | unsummed).to_be_bytes();
            }
        }
    }

    #[inline(never)]
    fn prepend_any(&self, frame: &mut Frame, addresses: Sum) {
        let payload = sum_of_payload(frame);
        let (length, payload_length) = (self.length(), frame.len());
        let header = frame.prepend(length);
        let mut words = Words::new(header);
        self.write_fixed(&mut words, length);
        self.options.write(&mut words);
        if let Some(payload) = payload {
            let sum = addresses.add_rest(protocol::TCP, length + payload_length);
            let checksum = sum.join(words.sum()).join(payload).finish();
            header[16..18].copy_from_slice(&checksum.to_be_bytes());
        }
    }

    /// Writes the part that every header has, with a checksum of zero.
    #[inline(always)]
    fn write_fixed(&self, words: &mut Words<'_>, length: usize) {
        let offset = (length / 4) as u8;
        words.push(pair(self.source_port, self.destination_port));
        words.push(self.sequence.0);
        words.push(self.acknowledgment.0);
        words.push(pair(u16::from_be_bytes([offset << 4, self.flags.0]), self.window));
        words.push(pair(0, self.urgent));
    }
}

/// The sum of the bytes in `frame`; nothing if the checksum is left to others, which the frame then says. A header is a whole number
/// of 16-bit words, so the payload may be summed before it is there.
#[inline(always)]
fn sum_of_payload(frame: &mut Frame) -> Option<Sum> {
    if frame.segment_size != 0 || frame.checksum == Checksum::Deferred {
        frame.checksum = Checksum::Deferred;
        return None;
    }
    let [first, second] = frame.parts();
    let sum = Sum::ZERO.add_bytes(first);
    Some(if second.is_empty() { sum } else { sum.add_payload(second) })
}

/// Verifies the checksum of the segment in `parts`: header and payload, without padding.
///
/// # Errors
/// [`Malformed::TcpChecksum`].
#[inline(always)]
pub fn verify(source: IpAddr, destination: IpAddr, parts: [&[u8]; 2]) -> Result<(), Malformed> {
    match checksum::transport(source, destination, protocol::TCP, parts) {
        0 => Ok(()),
        _ => Err(Malformed::TcpChecksum),
    }
}

#[cfg(test)]
mod tests;
