//! What is sent, and what becomes of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where each kind of work is offered by the subject.
pub const SINK: u16 = 5001;
pub const SOURCE: u16 = 5002;
pub const ECHO: u16 = 5003;
/// Bytes of a write, and of the memory for a read.
pub const PIECE: usize = 256 * 1024;
/// Bytes of a message of the round trips.
pub const MESSAGE: usize = 64;

/// Its period is prime, so that pieces that are lost or swapped show.
const PERIOD: usize = 251;

/// The bytes of every stream, from any position on.
#[derive(Clone)]
pub struct Pattern(Arc<[u8]>);

impl Pattern {
    pub fn new() -> Pattern {
        Pattern((0..PIECE + PERIOD).map(|n| (n % PERIOD) as u8).collect())
    }

    /// Up to [`PIECE`] bytes from `position` on.
    #[inline]
    pub fn at(&self, position: u64) -> &[u8] {
        let begin = (position % PERIOD as u64) as usize;
        &self.0[begin..begin + PIECE]
    }
}

/// The end of one stream: it counts, and compares if it is told to.
#[derive(Clone)]
pub struct Sink {
    pattern: Option<Pattern>,
    position: u64,
    received: Arc<AtomicU64>,
}

impl Sink {
    pub fn new(received: &Arc<AtomicU64>, verify: bool) -> Sink {
        Sink { pattern: verify.then(Pattern::new), position: 0, received: Arc::clone(received) }
    }

    /// # Panics
    /// When the bytes are not those that were sent.
    #[inline]
    pub fn take(&mut self, bytes: &[u8]) {
        if let Some(pattern) = &self.pattern {
            for piece in bytes.chunks(PIECE) {
                assert!(
                    piece == &pattern.at(self.position)[..piece.len()],
                    "corrupted near byte {}",
                    self.position
                );
                self.position += piece.len() as u64;
            }
        }
        self.received.fetch_add(bytes.len() as u64, Ordering::Relaxed);
    }
}
