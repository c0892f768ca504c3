//! Cutting an IPv6 packet of ours into fragments (RFC 8200 4.5).

use crate::ip::fragment::slice;
use alloc::vec::Vec;
use basis::Frame;
use wire::ipv6::extension::{FRAGMENT_LENGTH, Fragment};
use wire::ipv6::{HEADER_LENGTH, Header};
use wire::protocol;

/// The fragments of `packet`, each of at most `mtu` bytes; `None` if it cannot be cut. Packets that are cut are those of UDP
/// and ICMPv6, which this host sends without extension headers.
pub(crate) fn fragments(packet: &Frame, mtu: usize, identification: u32) -> Option<Vec<Frame>> {
    let header = Header::parse(packet.first(), packet.len()).ok()?;
    // Every fragment but the last carries a multiple of 8 bytes.
    let room = mtu.checked_sub(HEADER_LENGTH + FRAGMENT_LENGTH)? / 8 * 8;
    if room == 0 {
        return None;
    }
    let mut fragments = Vec::with_capacity(header.payload_length.div_ceil(room));
    let mut from = 0;
    while from < header.payload_length {
        let to = (from + room).min(header.payload_length);
        let mut fragment = slice(packet, HEADER_LENGTH + from, HEADER_LENGTH + to);
        Fragment {
            next_header: header.next_header,
            offset: from as u16,
            more: to < header.payload_length,
            identification,
        }
        .prepend_to(&mut fragment);
        Header { next_header: protocol::FRAGMENT, ..header }.prepend_to(&mut fragment);
        fragments.push(fragment);
        from = to;
    }
    Some(fragments)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use core::net::Ipv6Addr;
    use wire::ipv6::extension::Chain;

    #[test]
    fn fragments_carry_every_byte_once_and_fit() {
        let payload: Vec<u8> = (0..65_535_u32).map(|n| (n * 7) as u8).collect();
        for (mtu, inline) in [(1500, 8), (1280, 0), (9000, 64)] {
            let mut packet = Frame::new();
            packet.append(&payload[..inline]);
            packet.set_body(Bytes::copy_from_slice(&payload[inline..]), payload.len() - inline);
            Header::new(Ipv6Addr::LOCALHOST, Ipv6Addr::LOCALHOST, protocol::UDP).prepend_to(&mut packet);
            let mut rebuilt = alloc::vec![0; payload.len()];
            let pieces = fragments(&packet, mtu, 77).unwrap();
            for (index, piece) in pieces.iter().enumerate() {
                assert!(piece.len() <= mtu);
                let bytes = piece.to_vec();
                let header = Header::parse(&bytes, bytes.len()).unwrap();
                let chain = Chain::walk(&bytes, &header).unwrap();
                let fragment = chain.fragment.unwrap();
                assert_eq!((fragment.identification, chain.protocol), (77, protocol::UDP));
                assert_eq!(fragment.more, index + 1 < pieces.len());
                let start = usize::from(fragment.offset);
                rebuilt[start..start + bytes.len() - 48].copy_from_slice(&bytes[48..]);
            }
            assert_eq!(rebuilt, payload);
        }
        let mut packet = Frame::new();
        Header::new(Ipv6Addr::LOCALHOST, Ipv6Addr::LOCALHOST, protocol::UDP).prepend_to(&mut packet);
        assert!(fragments(&packet, 47, 1).is_none());
    }
}
