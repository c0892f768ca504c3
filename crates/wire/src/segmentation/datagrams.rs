//! Super-datagrams: many UDP datagrams of one flow under one header, as Linux exchanges them with a device (UDP_SEGMENT, `USO`).

use super::complete::complete;
use super::layout::{Family, Kind, Layout, put, take};
use super::lift::lift;
use super::offload::Offload;
use crate::checksum::Sum;
use crate::ipv6;
use crate::udp;
use basis::{Checksum, Frame};
use bytes::Bytes;

/// Datagrams that travel together at most: what every kernel that knows super-datagrams takes.
pub const MOST_DATAGRAMS: usize = 64;
/// Bytes of a packet at most, its IP header included.
const MOST_BYTES: usize = u16::MAX as usize;

/// The datagrams of a super-datagram that a device brought, each in memory of its own.
#[derive(Clone, Debug)]
pub struct Datagrams {
    /// The headers of all.
    template: Frame,
    payload: Bytes,
    size: usize,
    layout: Layout,
    identification: u16,
    sums: bool,
}

impl Datagrams {
    /// Of a frame that begins with `link_header` bytes that are not IP's. Each datagram has as many bytes of payload as the frame's
    /// `segment_size` says, the last one what is left. With `sums` their checksums are computed; else they come out as
    /// [`Checksum::Verified`], since they have never left this machine.
    ///
    /// `None` if this is no datagram of UDP right behind IPv4 or IPv6, or if its length is not what its headers say.
    pub fn of(frame: Frame, link_header: usize, sums: bool) -> Option<Datagrams> {
        let size = usize::from(frame.segment_size);
        let mut template = lift(frame, link_header);
        let head = template.parts()[0];
        let layout = Layout::find(head, link_header).filter(|layout| layout.kind == Kind::Udp)?;
        let is_whole = layout.network + layout.length(head) == template.len() && head.len() == layout.payload;
        if size == 0 || !is_whole {
            return None;
        }
        let identification = u16::from_be_bytes(take(head, layout.network + 4));
        let payload = template.take_body();
        template.set_body(Bytes::new(), 0);
        template.segment_size = 0;
        template.checksum = Checksum::Verified;
        Some(Datagrams { template, payload, size, layout, identification, sums })
    }
}

impl Iterator for Datagrams {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        if self.payload.is_empty() {
            return None;
        }
        let payload = self.payload.split_to(self.size.min(self.payload.len()));
        let mut frame = self.template.clone();
        // A part of the memory would pin all of it, and nobody knows which part is the last.
        frame.set_body(Bytes::copy_from_slice(&payload), payload.len());
        set_lengths(frame.head_mut(), &self.layout, payload.len());
        if self.layout.family == Family::V4 {
            set_identification(frame.head_mut(), &self.layout, self.identification);
            self.identification = self.identification.wrapping_add(1);
        }
        if self.sums {
            complete(&mut frame, self.layout);
        }
        Some(frame)
    }
}

/// Datagrams that follow each other and may leave under one header: of one flow, with headers that differ only as those differ into
/// which a device cuts a super-datagram.
#[derive(Clone, Debug)]
pub struct Train {
    layout: Layout,
    size: usize,
    /// Of the payload.
    bytes: usize,
    count: usize,
    identification: u16,
    ended: bool,
}

impl Train {
    /// A train that `first` may lead; its headers, and `link_header` bytes before them, lie in its head.
    ///
    /// `None` if it is no datagram, has no payload or no checksum, or one that is wrong: that would not be seen any more.
    pub fn new(first: &Frame, link_header: usize) -> Option<Train> {
        let layout = datagram(first, link_header)?;
        let size = first.len() - layout.payload;
        let identification = u16::from_be_bytes(take(first.parts()[0], layout.network + 4));
        Some(Train { layout, size, bytes: size, count: 1, identification, ended: false })
    }

    /// Whether `next` belongs behind those that the train has, of which `first` is the first; then the train has it.
    pub fn takes(&mut self, first: &Frame, next: &Frame) -> bool {
        let [head, other] = [first.parts()[0], next.parts()[0]];
        let size = next.len().wrapping_sub(self.layout.payload);
        let fits = self.count < MOST_DATAGRAMS
            && !self.ended
            && (1..=self.size).contains(&size)
            && self.layout.payload - self.layout.network + self.bytes + size <= MOST_BYTES;
        let follows = |other: &[u8]| match self.layout.family {
            Family::V4 => {
                let count = self.count as u16;
                take(other, self.layout.network + 4) == self.identification.wrapping_add(count).to_be_bytes()
            }
            Family::V6 => true,
        };
        if !fits || !self.is_of_one_flow(head, other) || !follows(other) {
            return false;
        }
        if datagram(next, self.layout.network).is_none_or(|layout| layout.payload != self.layout.payload) {
            return false;
        }
        // A shorter one is the last.
        (self.ended, self.bytes, self.count) = (size < self.size, self.bytes + size, self.count + 1);
        true
    }

    /// Whether the headers are alike but for what is each datagram's own: lengths, the identification, checksums.
    fn is_of_one_flow(&self, head: &[u8], other: &[u8]) -> bool {
        let Layout { network, transport, payload, family, .. } = self.layout;
        let alike =
            |from: usize, to: usize| head.get(from..to).is_some_and(|part| other.get(from..to) == Some(part));
        let network_alike = match family {
            Family::V4 => {
                alike(0, network + 2) && alike(network + 6, network + 10) && alike(network + 12, transport)
            }
            Family::V6 => alike(0, network + 4) && alike(network + 6, transport),
        };
        network_alike && alike(transport, transport + 4) && payload == transport + udp::HEADER_LENGTH
    }

    /// How many datagrams the train has.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Bytes of headers at the front of each datagram of the train: only those of the first one are sent.
    pub fn headers(&self) -> usize {
        self.layout.payload
    }

    /// Makes the headers of `first` those of the whole train, and says what is left to the device.
    pub fn seal(self, first: &mut Frame) -> Offload {
        let layout = self.layout;
        set_lengths(first.head_mut(), &layout, self.bytes);
        if layout.family == Family::V4 {
            set_identification(first.head_mut(), &layout, self.identification);
        }
        let length = (udp::HEADER_LENGTH + self.bytes) as u32;
        // Not inverted: what is summed on top of it by the device is.
        let sum = layout.pseudo_header.add_u32(length).fold();
        put(first.head_mut(), layout.transport + layout.kind.checksum_offset(), sum.to_be_bytes());
        first.checksum = Checksum::Deferred;
        Offload {
            checksum_start: layout.transport as u16,
            checksum_offset: layout.kind.checksum_offset() as u16,
            headers: layout.payload as u16,
            segment_size: if self.count > 1 { self.size as u16 } else { 0 },
            ipv6: layout.family == Family::V6,
            udp: true,
        }
    }
}

/// Where the headers of a datagram lie that may travel with others.
fn datagram(frame: &Frame, link_header: usize) -> Option<Layout> {
    let [head, body] = frame.parts();
    let layout = Layout::find(head, link_header).filter(|layout| layout.kind == Kind::Udp)?;
    let transport = head.get(layout.transport..)?;
    let length = transport.len() + body.len();
    let is_whole = layout.network + layout.length(head) == frame.len()
        && usize::from(u16::from_be_bytes(take(transport, 4))) == length
        && frame.len() > layout.payload
        && frame.segment_size == 0;
    if !is_whole {
        return None;
    }
    match frame.checksum {
        Checksum::Deferred => Some(layout),
        // One damaged on its way here must arrive damaged.
        _ => {
            let sum =
                layout.pseudo_header.add_u32(length as u32).add_bytes(transport).add_bytes(body).finish();
            (sum == 0 && take(transport, 6) != [0, 0]).then_some(layout)
        }
    }
}

/// Writes the lengths of a datagram with `payload` bytes of payload; of IPv4 the header's checksum is left to [`set_identification`].
fn set_lengths(head: &mut [u8], layout: &Layout, payload: usize) {
    let network = match layout.family {
        Family::V4 => (layout.network + 2, layout.payload - layout.network + payload),
        Family::V6 => (layout.network + 4, layout.payload - layout.network - ipv6::HEADER_LENGTH + payload),
    };
    put(head, network.0, (network.1 as u16).to_be_bytes());
    put(head, layout.transport + 4, ((udp::HEADER_LENGTH + payload) as u16).to_be_bytes());
}

/// Writes the identification of a packet of IPv4, and its header's checksum.
fn set_identification(head: &mut [u8], layout: &Layout, identification: u16) {
    put(head, layout.network + 4, identification.to_be_bytes());
    put(head, layout.network + 10, [0; 2]);
    let sum = Sum::ZERO.add_bytes(head.get(layout.network..layout.transport).unwrap_or_default()).finish();
    put(head, layout.network + 10, sum.to_be_bytes());
}

/// Whether the checksum of the frame in `bytes` was left undone by its sender: the field of TCP or UDP holds the sum of the
/// pseudo-header alone. So leave frames a Linux host that believes the interface would do the rest, as over a veth pair.
///
/// A complete checksum looks like that once in 65,535 times, as often as any damage goes unseen.
pub fn is_unsummed(bytes: &[u8], link_header: usize) -> bool {
    let Some(layout) = Layout::find(bytes, link_header) else { return false };
    let Some(length) = layout.length(bytes).checked_sub(layout.transport - layout.network) else {
        return false;
    };
    let field: [u8; 2] = take(bytes, layout.transport + layout.kind.checksum_offset());
    field == layout.pseudo_header.add_u32(length as u32).fold().to_be_bytes()
}

#[cfg(test)]
mod tests;
