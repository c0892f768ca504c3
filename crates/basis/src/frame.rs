//! Packet memory: one frame on its way in or out.

use bytes::{Buf, Bytes};

/// Bytes before the payload in the head: room for every header from the device's (12) over Ethernet (14) and IPv6 (40)
/// to TCP with options (60).
pub const HEADROOM: usize = 128;
/// Payload of at most this many bytes travels in the head and needs no other memory.
pub const INLINE_PAYLOAD: usize = 64;
const HEAD: usize = HEADROOM + INLINE_PAYLOAD;

/// Who has seen to a frame's transport checksum.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Checksum {
    /// The bytes carry it; whoever receives the frame verifies it.
    #[default]
    Complete,
    /// Sending: the field holds nothing yet; segmentation or the device fills it in.
    Deferred,
    /// Receiving: the device or the memory between two hosts vouches for it.
    Verified,
}

/// What the IP header of a packet says of congestion (RFC 3168 5): the lower two bits of its traffic class.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
pub enum Ecn {
    /// The sender does not understand marks.
    #[default]
    NotCapable = 0,
    /// ECT(1): marked instead of dropped, for experiments (RFC 8311).
    Capable1 = 1,
    /// ECT(0): marked instead of dropped.
    Capable0 = 2,
    /// CE: a router on the path is congested.
    Experienced = 3,
}

impl Ecn {
    /// The meaning of a traffic class.
    #[inline]
    pub const fn of_traffic_class(traffic_class: u8) -> Ecn {
        match traffic_class & 3 {
            0 => Ecn::NotCapable,
            1 => Ecn::Capable1,
            2 => Ecn::Capable0,
            _ => Ecn::Experienced,
        }
    }
}

/// One frame: a head of its own and a body that may be shared.
///
/// Headers are written backwards into the head's headroom, so a payload is never moved to make place for them. The body is
/// reference-counted memory: a sender's queue and the frame share it, and a receiver keeps it until the application reads.
/// A frame from a device lies in the body alone. All headers lie in the first part, never across both.
///
/// ```
/// use netstrata_basis::Frame;
/// let mut frame = Frame::new();
/// frame.append(b"payload");
/// frame.prepend(3).copy_from_slice(b"hd:");
/// assert_eq!(frame.first(), b"hd:payload");
/// frame.strip(3);
/// assert_eq!(frame.len(), 7);
/// ```
///
/// What every layer looks at comes first, in one cache line and within reach of short instructions: hence `repr(C)`.
#[derive(Clone)]
#[repr(C)]
pub struct Frame {
    start: u8,
    end: u8,
    /// What was known of the transport checksum.
    pub checksum: Checksum,
    /// What its IP header says, or is to say, of congestion: for the transport, which does not see that header.
    pub ecn: Ecn,
    /// Payload bytes of each packet that a super-segment is to be cut into; 0 when the frame is one packet.
    pub segment_size: u16,
    /// Bytes of memory that the body keeps from being used again; at least the body's length.
    memory: u32,
    body: Bytes,
    head: [u8; HEAD],
}

impl Frame {
    /// An empty frame with all its headroom.
    #[inline]
    pub const fn new() -> Frame {
        Frame {
            start: HEADROOM as u8,
            end: HEADROOM as u8,
            checksum: Checksum::Complete,
            ecn: Ecn::NotCapable,
            segment_size: 0,
            memory: 0,
            body: Bytes::new(),
            head: [0; HEAD],
        }
    }

    /// Makes it an empty frame with all its headroom again. The old bytes stay in the head, unseen.
    #[inline]
    pub fn reset(&mut self) {
        (self.start, self.end) = (HEADROOM as u8, HEADROOM as u8);
        (self.checksum, self.segment_size, self.memory) = (Checksum::Complete, 0, 0);
        self.ecn = Ecn::NotCapable;
        self.drop_body();
    }

    #[inline(always)]
    fn drop_body(&mut self) {
        if !self.body.is_empty() {
            release(&mut self.body);
        }
    }

    /// A frame whose bytes lie in `body`, which keeps `memory` bytes from being used again.
    pub fn from_device(body: Bytes, memory: usize) -> Frame {
        let mut frame = Frame::new();
        frame.set_body(body, memory);
        frame
    }

    /// A frame that holds a copy of `bytes`.
    pub fn copy_of(bytes: &[u8]) -> Frame {
        let mut frame = Frame::new();
        if bytes.len() <= INLINE_PAYLOAD {
            frame.append(bytes);
        } else {
            frame.set_body(Bytes::copy_from_slice(bytes), bytes.len());
        }
        frame
    }

    /// Bytes of the whole frame.
    #[inline]
    pub fn len(&self) -> usize {
        self.head_len() + self.body.len()
    }

    /// Whether the frame has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline]
    fn head_len(&self) -> usize {
        (self.end - self.start) as usize
    }

    /// The part in which the next header lies: the head, or the body once the head is used up.
    #[inline(always)]
    pub fn first(&self) -> &[u8] {
        if self.start == self.end { &self.body } else { &self.head[self.start as usize..self.end as usize] }
    }

    /// Both parts in order; either may be empty.
    #[inline(always)]
    pub fn parts(&self) -> [&[u8]; 2] {
        [&self.head[self.start as usize..self.end as usize], &self.body]
    }

    /// The head, to mend a header in it. Empty for a frame from a device.
    #[inline]
    pub fn head_mut(&mut self) -> &mut [u8] {
        &mut self.head[self.start as usize..self.end as usize]
    }

    /// Makes room for a header of `length` bytes in front and returns it, zeroed or not.
    ///
    /// # Panics
    /// When more than [`HEADROOM`] bytes of headers are written: headers have known sizes, so that is a fault of the caller.
    #[inline]
    pub fn prepend(&mut self, length: usize) -> &mut [u8] {
        assert!(length <= self.start as usize, "headroom of {HEADROOM} bytes exhausted");
        self.start -= length as u8;
        &mut self.head[self.start as usize..self.start as usize + length]
    }

    /// [`Frame::prepend`] for a header of a length that is known beforehand.
    ///
    /// # Panics
    /// As [`Frame::prepend`].
    #[inline]
    pub fn prepend_array<const LENGTH: usize>(&mut self) -> &mut [u8; LENGTH] {
        let start = (self.start as usize).checked_sub(LENGTH);
        let header =
            start.and_then(|start| Some((start, self.head.get_mut(start..)?.first_chunk_mut::<LENGTH>()?)));
        let (start, header) = header.expect("the headroom is exhausted");
        self.start = start as u8;
        header
    }

    /// Appends `bytes` to the head.
    ///
    /// # Panics
    /// When the head has no room left; up to [`INLINE_PAYLOAD`] bytes always fit in a new frame.
    #[inline]
    pub fn append(&mut self, bytes: &[u8]) {
        let end = self.end as usize + bytes.len();
        self.head[self.end as usize..end].copy_from_slice(bytes);
        self.end = end as u8;
    }

    /// Lays `body` behind the head; it keeps `memory` bytes from being used again.
    #[inline]
    pub fn set_body(&mut self, body: Bytes, memory: usize) {
        self.memory = memory.max(body.len()).min(u32::MAX as usize) as u32;
        self.body = body;
    }

    /// The body, behind the head.
    #[inline]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Takes the body out, leaving the head.
    #[inline]
    pub fn take_body(&mut self) -> Bytes {
        core::mem::take(&mut self.body)
    }

    /// Bytes of memory that the body keeps from being used again.
    #[inline]
    pub fn memory(&self) -> usize {
        self.memory as usize
    }

    /// Drops up to `length` bytes from the front: a header that has been read.
    #[inline(always)]
    pub fn strip(&mut self, length: usize) {
        let from_head = length.min(self.head_len());
        self.start += from_head as u8;
        let rest = length - from_head;
        if rest > 0 {
            strip_body(&mut self.body, rest);
        }
    }

    /// Keeps up to `length` bytes from `begin` on: drops headers that have been read, and padding.
    #[inline(always)]
    pub fn narrow(&mut self, begin: usize, length: usize) {
        if begin + length <= self.head_len() {
            self.start += begin as u8;
            self.end = self.start + length as u8;
            self.drop_body();
        } else {
            self.narrow_to_body(begin, length);
        }
    }

    /// [`Frame::narrow`] where the body holds some of what is kept.
    #[inline(never)]
    fn narrow_to_body(&mut self, begin: usize, length: usize) {
        self.strip(begin);
        self.truncate(length);
    }

    /// Drops everything behind the first `length` bytes: padding, or what lies beyond a window.
    #[inline]
    pub fn truncate(&mut self, length: usize) {
        let head = self.head_len();
        if length < head {
            self.end = self.start + length as u8;
        }
        let rest = length.saturating_sub(head);
        if rest < self.body.len() {
            self.body.truncate(rest);
        }
    }

    /// Appends all bytes of the frame to `out`.
    pub fn copy_to(&self, out: &mut alloc::vec::Vec<u8>) {
        let [head, body] = self.parts();
        out.extend_from_slice(head);
        out.extend_from_slice(body);
    }

    /// A copy of all bytes of the frame in one piece.
    pub fn to_vec(&self) -> alloc::vec::Vec<u8> {
        let mut bytes = alloc::vec::Vec::with_capacity(self.len());
        self.copy_to(&mut bytes);
        bytes
    }
}

/// Out of line, as what follows: most frames have no body, and headers lie in the head.
#[inline(never)]
fn release(body: &mut Bytes) {
    *body = Bytes::new();
}

#[inline(never)]
fn strip_body(body: &mut Bytes, length: usize) {
    body.advance(length.min(body.len()));
}

impl Default for Frame {
    fn default() -> Self {
        Frame::new()
    }
}

impl core::fmt::Debug for Frame {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Frame")
            .field("length", &self.len())
            .field("segment_size", &self.segment_size)
            .field("checksum", &self.checksum)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strip_and_truncate_cross_from_head_to_body() {
        let mut frame = Frame::new();
        frame.append(b"abc");
        frame.set_body(Bytes::from_static(b"defgh"), 5);
        frame.strip(4);
        assert_eq!(frame.to_vec(), b"efgh");
        frame.truncate(2);
        assert_eq!((frame.first(), frame.len()), (&b"ef"[..], 2));
        frame.strip(9);
        assert!(frame.is_empty());
    }

    #[test]
    fn narrowing_is_stripping_and_truncating() {
        for begin in 0..12 {
            for length in 0..12 {
                let mut frame = Frame::new();
                frame.append(b"abc");
                frame.set_body(Bytes::from_static(b"defgh"), 5);
                let mut same = frame.clone();
                frame.narrow(begin, length);
                same.strip(begin);
                same.truncate(length);
                assert_eq!(frame.to_vec(), same.to_vec(), "{length} bytes from {begin}");
            }
        }
    }

    #[test]
    fn truncating_into_the_head_drops_the_body() {
        let mut frame = Frame::new();
        frame.append(b"abc");
        frame.set_body(Bytes::from_static(b"def"), 3);
        frame.truncate(2);
        assert_eq!(frame.to_vec(), b"ab");
    }

    #[test]
    fn all_headers_fit_the_headroom_to_the_byte() {
        let mut frame = Frame::new();
        frame.append(&[1; INLINE_PAYLOAD]);
        for header in [60, 40] {
            frame.prepend(header).fill(2);
        }
        *frame.prepend_array::<14>() = [3; 14];
        *frame.prepend_array() = [4; 14];
        assert_eq!(frame.len(), HEADROOM + INLINE_PAYLOAD);
        assert_eq!((frame.first()[13], frame.first()[14], frame.first()[28]), (4, 3, 2));
    }

    #[test]
    #[should_panic(expected = "headroom")]
    fn a_header_too_many_is_a_fault_that_shows() {
        let mut frame = Frame::new();
        frame.prepend(HEADROOM - 13);
        frame.prepend_array::<14>();
    }
}
