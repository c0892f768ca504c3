//! Where the headers of a frame lie.

use crate::checksum::Sum;
use crate::ipv4;
use crate::ipv6;
use crate::protocol;
use crate::tcp;
use crate::udp;

/// Where the headers lie in the head of a frame, in bytes from its front.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) network: usize,
    pub(super) transport: usize,
    pub(super) payload: usize,
    pub(super) head: usize,
    pub(super) kind: Kind,
    pub(super) family: Family,
    /// The pseudo-header but for its length.
    pub(super) pseudo_header: Sum,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Tcp,
    Udp,
}

impl Kind {
    /// Where the checksum lies, in bytes from the front of the transport header.
    pub(super) const fn checksum_offset(self) -> usize {
        match self {
            Kind::Tcp => 16,
            Kind::Udp => 6,
        }
    }
}

/// Which network header the packets have. That of IPv6 has no identification and no checksum.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Family {
    V4,
    V6,
}

impl Layout {
    pub(super) fn find(head: &[u8], network: usize) -> Option<Layout> {
        let packet = head.get(network..)?;
        let fixed = packet.first_chunk::<{ ipv4::HEADER_LENGTH }>()?;
        let (family, protocol, network_length, addresses) = match fixed[0] >> 4 {
            // A fragment's bytes are not those of a transport header, or not all that its checksum covers.
            4 if u16::from_be_bytes([fixed[6], fixed[7]]) & 0x3fff == 0 => {
                (Family::V4, fixed[9], usize::from(fixed[0] & 0x0f) * 4, &fixed[12..20])
            }
            6 => (Family::V6, fixed[6], ipv6::HEADER_LENGTH, packet.get(8..ipv6::HEADER_LENGTH)?),
            _ => return None,
        };
        if network_length < ipv4::HEADER_LENGTH {
            return None;
        }
        let segment = packet.get(network_length..)?;
        let (kind, transport_length) = match protocol {
            protocol::TCP => (Kind::Tcp, usize::from(*segment.get(12)? >> 4) * 4),
            protocol::UDP => (Kind::Udp, udp::HEADER_LENGTH),
            _ => return None,
        };
        let transport = network + network_length;
        let payload = transport + transport_length;
        if payload > head.len() || (kind == Kind::Tcp && transport_length < tcp::HEADER_LENGTH) {
            return None;
        }
        let pseudo_header = Sum::ZERO.add_bytes(addresses).add_u32(u32::from(protocol));
        Some(Layout { network, transport, payload, head: head.len(), kind, family, pseudo_header })
    }

    /// Bytes of the packet from its IP header on, as that header in `bytes` says.
    pub(super) fn length(&self, bytes: &[u8]) -> usize {
        match self.family {
            Family::V4 => usize::from(u16::from_be_bytes(take(bytes, self.network + 2))),
            Family::V6 => {
                ipv6::HEADER_LENGTH + usize::from(u16::from_be_bytes(take(bytes, self.network + 4)))
            }
        }
    }

    /// Whether the packet is TCP's, the body its payload, all of it, and packets of that size possible.
    pub(super) fn can_cut(&self, segment_size: usize) -> bool {
        let packet = match self.family {
            Family::V4 => self.payload - self.network + segment_size,
            Family::V6 => self.payload - self.transport + segment_size,
        };
        self.kind == Kind::Tcp
            && self.payload == self.head
            && segment_size > 0
            && packet <= ipv4::MAXIMUM_LENGTH
    }
}

/// Writes a field at `at`; beyond the end, nothing.
#[inline]
pub(super) fn put<const N: usize>(head: &mut [u8], at: usize, field: [u8; N]) {
    if let Some(place) = head.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
        *place = field;
    }
}

/// Reads a field at `at`; beyond the end, zeros.
#[inline]
pub(super) fn take<const N: usize>(head: &[u8], at: usize) -> [u8; N] {
    head.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
}
