//! Completing a checksum that was deferred.

use super::layout::{Kind, Layout, put};
use crate::udp;
use basis::{Checksum, Frame};

/// Computes the transport checksum of a frame that is one packet.
pub(super) fn complete(frame: &mut Frame, layout: Layout) {
    let field = layout.transport + layout.kind.checksum_offset();
    put(frame.head_mut(), field, [0, 0]);
    let [first, second] = frame.parts();
    let Some(first) = first.get(layout.transport..) else { return };
    let length = (first.len() + second.len()) as u32;
    let checksum = layout.pseudo_header.add_u32(length).add_bytes(first).add_bytes(second).finish();
    let checksum = match layout.kind {
        Kind::Tcp => checksum,
        Kind::Udp => udp::sent(checksum),
    };
    put(frame.head_mut(), field, checksum.to_be_bytes());
    frame.checksum = Checksum::Complete;
    frame.segment_size = 0;
}
