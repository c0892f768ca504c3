//! One direction of a call: what arrives on one stream leaves on another, and its end with it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite};

use crate::buffer::Buffer;

/// After so many steps in a row a call lets the other calls of its thread have a turn.
pub(crate) const TURNS: u32 = 32;

/// Moves bytes in two independent steps, so that reading goes on while writing must wait.
#[derive(Default)]
pub(crate) struct Pump {
    buffer: Buffer,
    unflushed: bool,
    phase: Phase,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Carrying,
    /// The source has ended; what the buffer holds goes first, then the FIN.
    Ending,
    Done,
}

impl Pump {
    /// Whether the source's end has been passed on.
    #[inline]
    pub(crate) fn is_done(&self) -> bool {
        self.phase == Phase::Done
    }

    /// Reads once if there is room. Some(bytes): something happened; None: nothing to do now, or wait for `stream`.
    pub(crate) fn poll_fill<R: AsyncRead + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut R,
    ) -> io::Result<Option<usize>> {
        if self.phase != Phase::Carrying || !self.buffer.has_room() {
            return Ok(None);
        }
        match self.buffer.poll_fill(cx, Pin::new(stream))? {
            Poll::Pending => Ok(None),
            Poll::Ready(read) => {
                if read == 0 {
                    self.phase = Phase::Ending;
                }
                Ok(Some(read))
            }
        }
    }

    /// Writes, flushes or closes once, whichever is due. Meaning of the result as in [`Self::poll_fill`].
    pub(crate) fn poll_drain<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut W,
    ) -> io::Result<Option<usize>> {
        if !self.buffer.is_empty() {
            self.unflushed = true;
            return match self.buffer.poll_drain(cx, Pin::new(stream))? {
                Poll::Pending => Ok(None),
                Poll::Ready(written) => Ok(Some(written)),
            };
        }
        match self.phase {
            Phase::Carrying if self.unflushed => {
                let flushed = Pin::new(stream).poll_flush(cx)?.is_ready();
                self.unflushed = !flushed;
                Ok(None)
            }
            Phase::Ending => {
                if Pin::new(stream).poll_shutdown(cx)?.is_pending() {
                    return Ok(None);
                }
                self.buffer.clear();
                self.phase = Phase::Done;
                Ok(Some(0))
            }
            Phase::Carrying | Phase::Done => Ok(None),
        }
    }
}
