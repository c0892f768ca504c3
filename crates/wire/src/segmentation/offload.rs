//! What a device must be told that cuts super-segments and completes checksums by itself.

use super::layout::{Family, Kind, Layout, put};
use basis::{Checksum, Frame};

/// The work that a frame leaves to the device. All places count in bytes from the front of the frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Offload {
    /// Where the bytes begin that the checksum covers: at the transport header.
    pub checksum_start: u16,
    /// Where the checksum goes, in bytes from `checksum_start`.
    pub checksum_offset: u16,
    /// Bytes of all headers.
    pub headers: u16,
    /// Payload bytes of each packet; 0 if the frame is one packet.
    pub segment_size: u16,
    /// Whether the frame goes by IPv6 and not by IPv4.
    pub ipv6: bool,
    /// Whether the frame is UDP's and not TCP's.
    pub udp: bool,
}

/// Makes `frame` ready for a device that completes checksums and, for a super-segment, cuts it: the checksum's field gets the
/// sum of the pseudo-header, over the length of the whole frame. `None` if nothing is left to do, or nothing can be done by
/// such a device: then the frame goes through [`Segments`](crate::segmentation::Segments).
///
/// ```
/// use basis::Frame;
/// use bytes::Bytes;
/// use core::net::{IpAddr, Ipv4Addr};
/// use netstrata_wire::{ipv4, protocol, segmentation, tcp};
/// let (here, there) = (Ipv4Addr::new(10, 7, 0, 2), Ipv4Addr::new(10, 7, 0, 3));
/// let mut frame = Frame::new();
/// frame.set_body(Bytes::from(vec![7; 3000]), 3000);
/// frame.segment_size = 1460;
/// tcp::Header::default().prepend_to(&mut frame, IpAddr::V4(here), IpAddr::V4(there));
/// ipv4::Header::new(here, there, protocol::TCP).prepend_to(&mut frame);
///
/// let offload = segmentation::prepare(&mut frame, 0).unwrap();
/// assert_eq!((offload.checksum_start, offload.checksum_offset, offload.headers), (20, 16, 40));
/// assert_eq!(offload.segment_size, 1460);
/// ```
#[inline]
pub fn prepare(frame: &mut Frame, link_header: usize) -> Option<Offload> {
    if frame.segment_size == 0 && frame.checksum != Checksum::Deferred {
        return None;
    }
    let layout = Layout::find(frame.parts()[0], link_header)?;
    let segment_size = usize::from(frame.segment_size);
    let is_super = segment_size != 0 && segment_size < frame.body().len();
    if is_super && !layout.can_cut(segment_size) {
        return None;
    }
    let length = (frame.len() - layout.transport) as u32;
    // Not inverted: what is summed on top of it by the device is.
    let sum = !layout.pseudo_header.add_u32(length).finish();
    put(frame.head_mut(), layout.transport + layout.kind.checksum_offset(), sum.to_be_bytes());
    frame.checksum = Checksum::Deferred;
    Some(Offload {
        checksum_start: layout.transport as u16,
        checksum_offset: layout.kind.checksum_offset() as u16,
        headers: layout.payload as u16,
        segment_size: if is_super && layout.kind == Kind::Tcp { segment_size as u16 } else { 0 },
        ipv6: layout.family == Family::V6,
        udp: layout.kind == Kind::Udp,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ipv4, ipv6, protocol, segmentation::Segments, tcp, udp};
    use alloc::vec::Vec;
    use bytes::Bytes;
    use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    fn frame(ipv6: bool, payload: usize, segment_size: u16) -> Frame {
        let mut frame = Frame::new();
        frame.set_body(Bytes::from((0..payload).map(|n| n as u8).collect::<Vec<_>>()), payload);
        frame.segment_size = segment_size;
        frame.checksum = Checksum::Deferred;
        if ipv6 {
            let (here, there) = (Ipv6Addr::new(0xfd07, 0, 0, 0, 0, 0, 0, 1), Ipv6Addr::LOCALHOST);
            tcp::Header::default().prepend_to(&mut frame, IpAddr::V6(here), IpAddr::V6(there));
            ipv6::Header::new(here, there, protocol::TCP).prepend_to(&mut frame);
        } else {
            let (here, there) = (Ipv4Addr::new(10, 7, 0, 2), Ipv4Addr::new(10, 7, 0, 3));
            tcp::Header::default().prepend_to(&mut frame, IpAddr::V4(here), IpAddr::V4(there));
            ipv4::Header::new(here, there, protocol::TCP).prepend_to(&mut frame);
        }
        frame
    }

    /// What a device does with one packet: it sums from the start that it was told, and puts the result where it was told.
    fn completed(frame: &Frame, offload: Offload) -> Vec<u8> {
        let mut bytes = frame.to_vec();
        let start = usize::from(offload.checksum_start);
        let sum = crate::checksum::Sum::ZERO.add_bytes(&bytes[start..]).finish();
        let at = start + usize::from(offload.checksum_offset);
        bytes[at..at + 2].copy_from_slice(&sum.to_be_bytes());
        bytes
    }

    #[test]
    fn a_device_that_sums_from_where_it_is_told_gets_what_we_would_have_sent() {
        for ipv6 in [false, true] {
            for payload in [1, 2, 1459, 1460] {
                let mut prepared = frame(ipv6, payload, 0);
                let ours = Segments::of(prepared.clone(), 0).next().unwrap();
                let offload = prepare(&mut prepared, 0).unwrap();
                assert_eq!((offload.segment_size, offload.ipv6), (0, ipv6));
                assert_eq!(completed(&prepared, offload), ours.to_vec(), "{payload} bytes, IPv6 {ipv6}");
            }
        }
    }

    #[test]
    fn a_super_segment_says_how_it_is_to_be_cut() {
        let mut both = [frame(false, 60_000, 1448), frame(true, 60_000, 1428)];
        let offloads = both.each_mut().map(|frame| prepare(frame, 0).unwrap());
        assert_eq!(offloads.map(|offload| offload.segment_size), [1448, 1428]);
        assert_eq!(offloads.map(|offload| offload.headers), [40, 60]);
        // A segment size that is not reached makes one packet.
        assert_eq!(prepare(&mut frame(false, 1448, 1448), 0).unwrap().segment_size, 0);
    }

    #[test]
    fn udp_leaves_its_checksum_too_and_what_is_neither_is_left_alone() {
        let (here, there) = (Ipv4Addr::new(10, 7, 0, 2), Ipv4Addr::new(10, 7, 0, 3));
        let mut datagram = Frame::copy_of(b"hello");
        datagram.checksum = Checksum::Deferred;
        datagram.prepend(udp::HEADER_LENGTH).copy_from_slice(&[0, 7, 0, 7, 0, 13, 0, 0]);
        ipv4::Header::new(here, there, protocol::UDP).prepend_to(&mut datagram);
        let offload = prepare(&mut datagram, 0).unwrap();
        assert_eq!((offload.checksum_start, offload.checksum_offset, offload.headers), (20, 6, 28));
        let mut strange = Frame::copy_of(&[0x45; 60]);
        strange.checksum = Checksum::Deferred;
        assert_eq!(prepare(&mut strange, 0), None);
        assert_eq!(prepare(&mut Frame::copy_of(b"complete"), 0), None);
    }
}
