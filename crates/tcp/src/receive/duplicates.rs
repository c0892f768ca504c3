//! What came twice (RFC 2883): the peer learns that it has sent something again for nothing.

use super::ack::AckState;
use wire::tcp::SackBlock;

/// Something came twice: it is told in an acknowledgment of its own, together with what came twice just before it.
#[cold]
pub(super) fn note_twice(twice: &mut SackBlock, acks: &mut AckState, block: Option<SackBlock>) {
    let Some(block) = block else { return };
    if twice.left != twice.right && block.left == twice.right {
        twice.right = block.right;
    } else {
        *twice = block;
    }
    acks.report();
}
