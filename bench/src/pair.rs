//! What every subject of the measurements can do: two hosts in one thread, a cable between them, and some work.

use std::fmt;

/// Bytes of a message of the ping-pong.
pub(crate) const MESSAGE: usize = 64;

/// Two hosts that are connected and ready to work.
pub(crate) trait Pair {
    /// Sends `bytes` one way; writes and reads are of up to 64 KiB. Returns when all have been read.
    fn transfer(&mut self, bytes: u64) -> Result<(), Failed>;

    /// Sends a message of 64 bytes there and back, `count` times.
    fn exchange(&mut self, count: u64) -> Result<(), Failed>;

    /// Opens a connection, sends one byte each way and closes it at both ends, `count` times, one after the other.
    fn call(&mut self, count: u64) -> Result<(), Failed>;
}

/// Why a work could not be done.
#[derive(Debug)]
pub(crate) enum Failed {
    /// Nothing moves any more.
    Stalled(&'static str),
    /// Other bytes arrived than were sent.
    Corrupted,
    /// The subject said no.
    Refused(String),
}

impl Failed {
    pub(crate) fn refused(error: impl fmt::Debug) -> Failed {
        Failed::Refused(format!("{error:?}"))
    }
}

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Failed {
        Failed::Refused(error.to_string())
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failed::Stalled(place) => write!(f, "nothing moves any more while it should {place}"),
            Failed::Corrupted => f.write_str("other bytes arrived than were sent"),
            Failed::Refused(reason) => write!(f, "refused: {reason}"),
        }
    }
}

impl std::error::Error for Failed {}

/// Counts rounds without progress, so that a bug ends a measurement instead of hanging it.
#[derive(Default)]
pub(crate) struct Patience(u32);

impl Patience {
    /// Rounds in which nothing needs to move: a retransmission or a delayed acknowledgment may be awaited by the real clock.
    const ROUNDS: u32 = 50_000_000;

    #[inline]
    pub(crate) fn after(&mut self, progress: bool, what: &'static str) -> Result<(), Failed> {
        if progress {
            self.0 = 0;
            return Ok(());
        }
        self.0 += 1;
        if self.0 > Patience::ROUNDS { Err(Failed::Stalled(what)) } else { Ok(()) }
    }
}
