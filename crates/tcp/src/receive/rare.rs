//! What a receiver has only once something was unusual.

use wire::tcp::SackBlock;

/// From the first segment on that came twice or before its turn, or the first four gigabytes.
#[derive(Clone, Debug, Default)]
pub(super) struct Rare {
    /// What came twice, and the peer is not told yet (RFC 2883); empty if nothing did.
    pub(super) twice: SackBlock,
    /// Segments that came before their turn.
    pub(super) early: u32,
    /// How often the sum of bytes received came round.
    pub(super) turns: u32,
}

impl Rare {
    /// Whether the peer is to be told that something came twice.
    #[inline]
    pub(super) fn owes(&self) -> bool {
        self.twice.left != self.twice.right
    }
}
