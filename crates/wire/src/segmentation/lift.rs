//! Headers of a frame from a device, brought to where they can be mended.

use super::layout::Layout;
use basis::{Checksum, Frame};
use bytes::Bytes;

/// The frame with its headers in the head and its payload, without what pads it, in the body, as [`Segments`](super::Segments) wants
/// it to be. A frame from a device lies in one piece; one that is no packet of TCP or UDP, or whose length is not what its headers say,
/// is left as it is. Frames that a device vouches for get their checksums.
///
/// ```
/// use basis::{Checksum, Frame};
/// use netstrata_wire::segmentation::lift;
/// let strange = Frame::copy_of(b"no packet");
/// assert_eq!(lift(strange, 0).to_vec(), b"no packet");
/// ```
pub fn lift(mut frame: Frame, link_header: usize) -> Frame {
    let first = frame.first();
    let Some(layout) = Layout::find(first, link_header) else { return frame };
    let end = layout.network + layout.length(first);
    if end < layout.payload || end > frame.len() || layout.payload > basis::frame::HEADROOM {
        return frame;
    }
    if frame.checksum == Checksum::Verified {
        frame.checksum = Checksum::Deferred;
    }
    let [head, body] = frame.parts();
    if head.len() == layout.payload && end == frame.len() {
        return frame;
    }
    let mut lifted = Frame::new();
    (lifted.checksum, lifted.segment_size) = (frame.checksum, frame.segment_size);
    if head.is_empty() {
        lifted.set_body(frame.body().slice(layout.payload..end), frame.memory());
        lifted.prepend(layout.payload).copy_from_slice(body.get(..layout.payload).unwrap_or_default());
    } else {
        let bytes = frame.to_vec();
        let payload = Bytes::copy_from_slice(bytes.get(layout.payload..end).unwrap_or_default());
        let memory = payload.len();
        lifted.set_body(payload, memory);
        lifted.prepend(layout.payload).copy_from_slice(bytes.get(..layout.payload).unwrap_or_default());
    }
    lifted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segmentation::Segments;
    use crate::test_support::frame_of;
    use crate::{ipv4, protocol, tcp};
    use alloc::vec::Vec;
    use core::net::{IpAddr, Ipv4Addr};

    #[test]
    fn what_a_device_brought_in_one_piece_is_cut_as_what_was_made_here() {
        let (here, there) = (Ipv4Addr::new(10, 7, 0, 2), Ipv4Addr::new(10, 7, 0, 3));
        for (payload, padding) in [(0, 0), (1, 5), (100, 0), (3000, 0), (3000, 7)] {
            let mut made = frame_of(&(0..payload).map(|n| n as u8).collect::<Vec<_>>(), 0);
            (made.segment_size, made.checksum) = (1000, Checksum::Deferred);
            tcp::Header::default().prepend_to(&mut made, IpAddr::V4(here), IpAddr::V4(there));
            ipv4::Header::new(here, there, protocol::TCP).prepend_to(&mut made);
            let mut bytes = made.to_vec();
            bytes.extend((0..padding).map(|_| 9));
            let mut whole = Frame::from_device(Bytes::from(bytes.clone()), bytes.len());
            let mut torn = frame_of(&bytes[60.min(bytes.len())..], 0);
            torn.prepend(60.min(bytes.len())).copy_from_slice(&bytes[..60.min(bytes.len())]);
            for frame in [&mut whole, &mut torn] {
                (frame.segment_size, frame.checksum) = (1000, Checksum::Verified);
                let packets =
                    |frame| Segments::of(frame, 0).map(|packet| packet.to_vec()).collect::<Vec<_>>();
                assert_eq!(packets(lift(frame.clone(), 0)), packets(made.clone()), "{payload} {padding}");
            }
        }
    }

    #[test]
    fn what_its_headers_belie_is_left_as_it_is() {
        let (here, there) = (Ipv4Addr::new(10, 7, 0, 2), Ipv4Addr::new(10, 7, 0, 3));
        let mut made = frame_of(&[1; 100], 0);
        tcp::Header::default().prepend_to(&mut made, IpAddr::V4(here), IpAddr::V4(there));
        ipv4::Header::new(here, there, protocol::TCP).prepend_to(&mut made);
        for length in [0_u16, 20, 39, 141, 0xffff] {
            let mut bytes = made.to_vec();
            bytes[2..4].copy_from_slice(&length.to_be_bytes());
            let frame = Frame::from_device(Bytes::from(bytes.clone()), bytes.len());
            assert_eq!(lift(frame, 0).parts()[1], bytes, "{length}");
        }
    }
}
