//! What came twice (RFC 2883): the peer learns that it has sent something again for nothing.

use super::ack::AckState;
use super::rare::Rare;
use alloc::boxed::Box;
use wire::tcp::SackBlock;

/// Something came twice: it is told in an acknowledgment of its own, together with what came twice just before it.
#[cold]
pub(super) fn note_twice(rare: &mut Option<Box<Rare>>, acks: &mut AckState, block: Option<SackBlock>) {
    let Some(block) = block else { return };
    let rare = rare.get_or_insert_default();
    if rare.owes() && block.left == rare.twice.right {
        rare.twice.right = block.right;
    } else {
        rare.twice = block;
    }
    acks.report();
}
