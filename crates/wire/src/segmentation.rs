//! Cutting super-segments into packets, and completing checksums that were deferred.
//!
//! TCP emits one frame of up to 64 KiB with a `segment_size`. A link that cannot hand it on whole passes it through
//! [`Segments`], so that all layers above are run through once and not once for each packet.

mod complete;
mod datagrams;
mod layout;
mod lift;
mod offload;

use crate::checksum::Sum;
use crate::ipv6;
use crate::tcp::{self, Flags};
use basis::{Checksum, Frame};
use bytes::Bytes;
use complete::complete;
use core::iter::FusedIterator;
use layout::{Family, Layout, put, take};

pub use datagrams::{Datagrams, MOST_DATAGRAMS, Train, is_unsummed};
pub use lift::lift;
pub use offload::{Offload, prepare};

/// Whether `frame` may have to be cut: it is marked as a super-segment.
#[inline]
pub const fn is_super(frame: &Frame) -> bool {
    frame.segment_size != 0
}

/// Whether `frame` can go out as it is: one packet, with all its checksums.
#[inline]
pub fn is_finished(frame: &Frame) -> bool {
    !is_super(frame) && frame.checksum != Checksum::Deferred
}

/// The packets of a frame, in order.
///
/// - A frame that [`is_finished`] comes out as it is.
/// - One whose checksum is deferred comes out with the checksum of its TCP or UDP header completed.
/// - A super-segment is cut: each packet gets a copy of the headers and up to `segment_size` bytes of the body, whose memory
///   they share. Lengths, the IPv4 identification, sequence numbers and checksums are each packet's own; FIN and PSH stay on
///   the last packet alone, CWR on the first alone (RFC 3168 6.1.2). A super-segment carries no urgent data.
/// - What is none of these (its headers do not lie in the head, or are not those of TCP right behind IPv4 or IPv6) comes out as it is.
///
/// ```
/// use basis::Frame;
/// use bytes::Bytes;
/// use core::net::{IpAddr, Ipv4Addr};
/// use netstrata_wire::{ipv4, protocol, segmentation::Segments, tcp};
///
/// let (here, there) = (Ipv4Addr::new(10, 7, 0, 2), Ipv4Addr::new(10, 7, 0, 3));
/// let mut frame = Frame::new();
/// frame.set_body(Bytes::from(vec![7; 3000]), 3000);
/// frame.segment_size = 1460;
/// tcp::Header::default().prepend_to(&mut frame, IpAddr::V4(here), IpAddr::V4(there));
/// ipv4::Header::new(here, there, protocol::TCP).prepend_to(&mut frame);
///
/// let packets = Segments::of(frame, 0); // no link header: TUN
/// assert_eq!(packets.map(|packet| packet.len()).collect::<Vec<_>>(), [1500, 1500, 120]);
/// ```
#[derive(Clone, Debug)]
pub struct Segments {
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Done,
    Whole(Frame),
    Cut(Cut),
}

impl Segments {
    /// The packets of `frame`, which begins with `link_header` bytes that are not IP's: 14 on Ethernet, 0 without link header.
    #[inline]
    pub fn of(mut frame: Frame, link_header: usize) -> Segments {
        if is_finished(&frame) {
            return Segments { state: State::Whole(frame) };
        }
        let layout = Layout::find(frame.parts()[0], link_header);
        let segment_size = usize::from(frame.segment_size);
        let state = match layout {
            Some(layout) if layout.can_cut(segment_size) && segment_size < frame.body().len() => {
                State::Cut(Cut::new(frame, layout, segment_size))
            }
            Some(layout) => {
                complete(&mut frame, layout);
                State::Whole(frame)
            }
            None => State::Whole(frame),
        };
        Segments { state }
    }
}

impl Iterator for Segments {
    type Item = Frame;

    #[inline]
    fn next(&mut self) -> Option<Frame> {
        if let State::Cut(cut) = &mut self.state {
            let packet = cut.next();
            if cut.body.is_empty() {
                self.state = State::Done;
            }
            return Some(packet);
        }
        match core::mem::replace(&mut self.state, State::Done) {
            State::Whole(frame) => Some(frame),
            State::Done | State::Cut(_) => None,
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let count = match &self.state {
            State::Done => 0,
            State::Whole(_) => 1,
            State::Cut(cut) => cut.body.len().div_ceil(cut.segment_size),
        };
        (count, Some(count))
    }
}

impl ExactSizeIterator for Segments {}
impl FusedIterator for Segments {}

/// A super-segment that is being cut. What is the same in all packets is in the template and has been summed.
#[derive(Clone, Debug)]
struct Cut {
    /// The headers of the next packet but for what [`Cut::next`] writes.
    template: Frame,
    /// What is still to be sent.
    body: Bytes,
    segment_size: usize,
    /// Each full packet's share of the memory that the body holds.
    memory: usize,
    /// Bytes from the front of the head.
    network: usize,
    transport: usize,
    /// Network and transport header together, in bytes.
    headers: usize,
    family: Family,
    /// The network header but for total length, identification and checksum.
    network_sum: Sum,
    /// Pseudo-header and transport header but for length, sequence number, data offset and flags, and checksum.
    transport_sum: Sum,
    identification: u16,
    sequence: tcp::Seq,
    offset: u8,
    flags: Flags,
    /// Flags that only the last packet carries.
    last_flags: Flags,
}

impl Cut {
    fn new(mut template: Frame, layout: Layout, segment_size: usize) -> Cut {
        let memory = template.memory();
        let body = template.take_body();
        template.set_body(Bytes::new(), 0);
        template.segment_size = 0;
        template.checksum = Checksum::Complete;
        let Layout { network, transport, payload, pseudo_header, family, .. } = layout;
        let head = template.head_mut();
        let identification = u16::from_be_bytes(take(head, network + 4));
        if family == Family::V4 {
            put(head, network + 2, [0; 4]);
            put(head, network + 10, [0; 2]);
        }
        let sequence = tcp::Seq(u32::from_be_bytes(take(head, transport + 4)));
        let [offset, flags] = take(head, transport + 12);
        put(head, transport + 4, [0; 4]);
        put(head, transport + 12, [0; 2]);
        put(head, transport + 16, [0; 2]);
        let network_sum = Sum::ZERO.add_bytes(head.get(network..transport).unwrap_or_default());
        let transport_sum = pseudo_header.add_bytes(head.get(transport..payload).unwrap_or_default());
        let at_the_end = Flags::FIN | Flags::PSH;
        Cut {
            template,
            segment_size,
            memory: (memory as u64 * segment_size as u64 / body.len().max(1) as u64) as usize,
            body,
            network,
            transport,
            headers: payload - network,
            family,
            network_sum,
            transport_sum,
            identification,
            sequence,
            offset,
            flags: Flags(flags).without(at_the_end),
            last_flags: Flags(flags & at_the_end.0),
        }
    }

    #[inline]
    fn next(&mut self) -> Frame {
        let (payload, flags) = if self.body.len() > self.segment_size {
            (self.body.split_to(self.segment_size), self.flags)
        } else {
            (core::mem::take(&mut self.body), self.flags | self.last_flags)
        };
        let length = payload.len();
        let mut packet = self.template.clone();
        let head = packet.head_mut();
        self.write_network(head, length);
        self.write_transport(head, flags, &payload);
        packet.set_body(payload, self.memory);
        self.identification = self.identification.wrapping_add(1);
        self.sequence += length as u32;
        self.flags = self.flags.without(Flags::CWR);
        packet
    }

    #[inline]
    fn write_network(&self, head: &mut [u8], payload: usize) {
        if self.family == Family::V6 {
            let payload_length = (self.headers - ipv6::HEADER_LENGTH + payload) as u16;
            return put(head, self.network + 4, payload_length.to_be_bytes());
        }
        let total_length = (self.headers + payload) as u16;
        let checksum = self.network_sum.add_u16(total_length).add_u16(self.identification).finish();
        let ([a, b], [c, d]) = (total_length.to_be_bytes(), self.identification.to_be_bytes());
        put(head, self.network + 2, [a, b, c, d]);
        put(head, self.network + 10, checksum.to_be_bytes());
    }

    #[inline]
    fn write_transport(&self, head: &mut [u8], flags: Flags, payload: &[u8]) {
        let length = self.headers - (self.transport - self.network) + payload.len();
        let checksum = self
            .transport_sum
            .add_u16(length as u16)
            .add_u32(self.sequence.0)
            .add_u16(u16::from_be_bytes([self.offset, flags.0]))
            .add_bytes(payload)
            .finish();
        put(head, self.transport + 4, self.sequence.0.to_be_bytes());
        put(head, self.transport + 12, [self.offset, flags.0]);
        put(head, self.transport + 16, checksum.to_be_bytes());
    }
}

#[cfg(test)]
mod tests;
