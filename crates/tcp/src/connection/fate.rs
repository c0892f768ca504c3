//! What a segment, a time-out or the application does to a connection's life.

use crate::error::Failure;
use wire::tcp::Seq;

/// What becomes of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    /// It goes on.
    Live,
    /// Both FINs are through and this side's was first: TIME-WAIT.
    TimeWait,
    /// It is over without error.
    Closed,
    /// It has failed; the peer knows or cannot be told.
    Failed(Failure),
    /// It has failed; the peer gets a RST.
    Reset(Failure),
    /// It is over because nobody is here to take what has come; the peer gets a RST with its own acknowledgment's number.
    Deserted(Seq),
}
