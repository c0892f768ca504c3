//! Where a sender keeps what it counts of itself.

use crate::odometer::Odometer;

/// Sums of one sender.
#[derive(Clone, Copy, Debug)]
pub(super) struct Account {
    /// Payload sent, each byte once.
    pub(super) bytes: Odometer,
    /// How long data or a FIN was under way or waited for the peer's window, in [`TICK`]s.
    pub(super) busy: Odometer,
    /// Segments sent, those of the handshake included (tcpEStatsPerfSegsOut).
    pub(super) segments: u32,
    /// Those of them with data (tcpEStatsPerfDataSegsOut).
    pub(super) data_segments: u32,
}

impl Account {
    pub(super) const NOTHING: Account =
        Account { bytes: Odometer::ZERO, busy: Odometer::ZERO, segments: 0, data_segments: 0 };
}

/// What holds a sender back, and whether its application would write more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Held(pub(super) u8);

impl Held {
    pub(super) const FREE: Held = Held(0);
    /// The last write did not fit.
    pub(super) const REFUSED: Held = Held(1);
    /// The peer's window is full.
    pub(super) const WINDOW: Held = Held(2);
    /// All is sent, and there is more that the buffer has no room for.
    pub(super) const BUFFER: Held = Held(4);

    #[inline]
    pub(super) fn has(self, other: Held) -> bool {
        self.0 & other.0 != 0
    }
}
