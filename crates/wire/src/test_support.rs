//! What the tests of several formats need.

use alloc::vec::Vec;
use basis::Frame;
use basis::frame::INLINE_PAYLOAD;
use bytes::Bytes;
use core::net::Ipv4Addr;
use proptest::prelude::*;

/// A frame whose payload lies with `split` bytes in the head and the rest in the body.
pub(crate) fn frame_of(payload: &[u8], split: usize) -> Frame {
    let (head, body) = payload.split_at(split.min(INLINE_PAYLOAD).min(payload.len()));
    let mut frame = Frame::new();
    frame.append(head);
    frame.set_body(Bytes::copy_from_slice(body), body.len());
    frame
}

/// Payloads, and where they are split between head and body.
pub(crate) fn payload() -> impl Strategy<Value = (Vec<u8>, usize)> {
    (prop::collection::vec(any::<u8>(), 0..300), 0..=INLINE_PAYLOAD)
}

/// Any IPv4 address.
pub(crate) fn address() -> impl Strategy<Value = Ipv4Addr> {
    any::<u32>().prop_map(Ipv4Addr::from_bits)
}

/// Changes to make to a valid packet: where (modulo its length) and what to.
pub(crate) fn mutations() -> impl Strategy<Value = Vec<(usize, u8)>> {
    prop::collection::vec((0..80_usize, any::<u8>()), 0..6)
}

/// Makes those changes and cuts the packet to `keep` bytes.
pub(crate) fn mutate(bytes: &mut Vec<u8>, mutations: &[(usize, u8)], keep: usize) {
    for (at, byte) in mutations {
        let length = bytes.len().max(1);
        if let Some(place) = bytes.get_mut(at % length) {
            *place = *byte;
        }
    }
    bytes.truncate(keep);
}
