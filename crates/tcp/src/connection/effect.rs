//! What a connection tells its host: what comes of a segment or of being asked for one, and where it stands.

use super::fate::Fate;
use super::syn_data::Lesson;
use crate::event::Readiness;
use alloc::boxed::Box;
use basis::Instant;
use wire::tcp::Seq;

/// Where a connection stands: see `ControlBlock::standing`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    pub(crate) may_transmit: bool,
    pub(crate) deadline: Instant,
    pub(crate) ready: Readiness,
}

/// What came of asking a connection for a segment: see `ControlBlock::poll_transmit`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Transmission {
    pub(crate) sent: bool,
    /// Asking once more is worth it.
    pub(crate) may_transmit: bool,
    pub(crate) deadline: Instant,
}

/// A segment's effect: what becomes of the connection, and what else.
#[derive(Debug)]
pub(crate) struct Effect {
    pub(crate) fate: Fate,
    pub(crate) aside: Aside,
}

/// What seldom follows from a segment.
#[derive(Debug)]
pub(crate) enum Aside {
    Nothing,
    /// A RST with this number answers it.
    Stray(Seq),
    /// The host knows more of the peer.
    Lesson(Box<Lesson>),
}

impl From<Fate> for Effect {
    fn from(fate: Fate) -> Effect {
        Effect { fate, aside: Aside::Nothing }
    }
}
