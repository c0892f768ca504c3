//! Cutting a datagram into fragments (RFC 791 3.2).

use alloc::vec::Vec;
use basis::{Frame, frame::INLINE_PAYLOAD};
use bytes::Bytes;
use wire::ipv4::{HEADER_LENGTH, Header};

/// The fragments of `packet`, each of at most `mtu` bytes; `None` if it must not or cannot be cut.
pub(crate) fn fragments(packet: &Frame, mtu: usize) -> Option<Vec<Frame>> {
    let header = Header::parse(packet.first(), packet.len()).ok()?;
    if header.dont_fragment {
        return None;
    }
    // Every fragment but the last carries a multiple of 8 bytes.
    let room = mtu.checked_sub(HEADER_LENGTH)? / 8 * 8;
    if room == 0 {
        return None;
    }
    let payload = header.payload_length();
    let mut fragments = Vec::with_capacity(payload.div_ceil(room));
    let mut from = 0;
    while from < payload {
        let to = (from + room).min(payload);
        let mut fragment = slice(packet, header.header_length + from, header.header_length + to);
        Header {
            fragment_offset: header.fragment_offset + from as u16,
            more_fragments: header.more_fragments || to < payload,
            ..header
        }
        .prepend_to(&mut fragment);
        fragments.push(fragment);
        from = to;
    }
    Some(fragments)
}

/// Bytes `from..to` of `packet` as a frame; what lies in its body is shared, not copied.
pub(crate) fn slice(packet: &Frame, from: usize, to: usize) -> Frame {
    let [head, body] = packet.parts();
    let in_head = head.get(from.min(head.len())..to.min(head.len())).unwrap_or_default();
    let (from, to) = (from.saturating_sub(head.len()), to.saturating_sub(head.len()).min(body.len()));
    let mut frame = Frame::new();
    if in_head.len() <= INLINE_PAYLOAD {
        frame.append(in_head);
        if from < to {
            frame.set_body(packet.body().slice(from..to), packet.memory());
        }
    } else {
        let mut bytes = in_head.to_vec();
        bytes.extend_from_slice(body.get(from..to).unwrap_or_default());
        let memory = bytes.len();
        frame.set_body(Bytes::from(bytes), memory);
    }
    frame
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::protocol;

    fn packet(payload: &[u8], inline: usize, dont_fragment: bool) -> Frame {
        let mut frame = Frame::new();
        frame.append(&payload[..inline]);
        frame.set_body(Bytes::copy_from_slice(&payload[inline..]), payload.len() - inline);
        let header = Header::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into(), protocol::UDP);
        Header { dont_fragment, identification: 77, ..header }.prepend_to(&mut frame);
        frame
    }

    #[test]
    fn fragments_carry_every_byte_once_and_fit() {
        let payload: Vec<u8> = (0..4000_u32).map(|n| n as u8).collect();
        for (mtu, inline) in [(1500, 8), (68, 8), (576, 0), (1500, 64), (28, 64)] {
            let packet = packet(&payload, inline, false);
            let mut rebuilt = alloc::vec![0; payload.len()];
            let fragments = fragments(&packet, mtu).unwrap();
            for (index, fragment) in fragments.iter().enumerate() {
                assert!(fragment.len() <= mtu);
                let bytes = fragment.to_vec();
                let header = Header::parse(&bytes, bytes.len()).unwrap();
                assert_eq!(header.identification, 77);
                assert_eq!(header.more_fragments, index + 1 < fragments.len());
                let start = usize::from(header.fragment_offset);
                rebuilt[start..start + header.payload_length()].copy_from_slice(&bytes[20..]);
            }
            assert_eq!(rebuilt, payload);
            assert_eq!(fragments.len(), payload.len().div_ceil((mtu - 20) / 8 * 8));
        }
    }

    #[test]
    fn what_must_not_be_cut_is_not() {
        assert!(fragments(&packet(&[0; 2000], 0, true), 1500).is_none());
        assert!(fragments(&packet(&[0; 2000], 0, false), 27).is_none());
        assert!(fragments(&packet(&[0; 2000], 0, false), 10).is_none());
    }
}
