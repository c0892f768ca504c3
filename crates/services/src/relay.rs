//! Carries a call from one stream to another, for published ports.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};

use crate::pump::{Pump, TURNS};
use crate::service::{How, Tally};
use crate::stream::Stream;

/// A side of a call that is carried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// Who has called.
    Caller,
    /// Who was called.
    Called,
}

/// Why a call that was carried broke off.
#[derive(Debug)]
pub struct Broken {
    /// Whose stream has failed.
    pub side: Side,
    /// How.
    pub error: io::Error,
}

/// Carries the bytes of both directions between `caller` and `called` until both have ended.
///
/// Each direction ends by itself: a FIN on one side becomes a FIN on the other, and the opposite direction goes on. A
/// failure of one side, such as a reset, becomes a reset of the other. Dropped before its end it resets both: neither may take
/// what it got for the whole. Counts what the caller sends and gets.
pub async fn relay<A: Stream, B: Stream>(caller: &mut A, called: &mut B, tally: &Tally) -> How {
    match carry(caller, called, tally).await {
        Ok(()) => How::Drained,
        Err(Broken { error, .. }) => How::Error(error),
    }
}

/// As [`relay`].
///
/// # Errors
/// Those of either stream, with whose it was.
pub async fn carry<A: Stream, B: Stream>(
    caller: &mut A,
    called: &mut B,
    tally: &Tally,
) -> Result<(), Broken> {
    let mut relay = Relay::default();
    let mut sides = Sides { caller, called, is_whole: false };
    let carried = poll_fn(|cx| relay.poll(cx, sides.caller, sides.called, tally)).await;
    sides.is_whole = carried.is_ok();
    carried
}

/// Both streams of a call, which are reset unless all has been carried.
struct Sides<'a, A: Stream, B: Stream> {
    caller: &'a mut A,
    called: &'a mut B,
    is_whole: bool,
}

impl<A: Stream, B: Stream> Drop for Sides<'_, A, B> {
    fn drop(&mut self) {
        if !self.is_whole {
            self.caller.abort();
            self.called.abort();
        }
    }
}

fn broken(side: Side) -> impl Fn(io::Error) -> Broken {
    move |error| Broken { side, error }
}

#[derive(Default)]
struct Relay {
    forth: Pump,
    back: Pump,
}

impl Relay {
    fn poll<A: Stream, B: Stream>(
        &mut self,
        cx: &mut Context<'_>,
        caller: &mut A,
        called: &mut B,
        tally: &Tally,
    ) -> Poll<Result<(), Broken>> {
        for _ in 0..TURNS {
            let received = self.forth.poll_fill(cx, caller).map_err(broken(Side::Caller))?;
            let passed_on = self.forth.poll_drain(cx, called).map_err(broken(Side::Called))?;
            let answered = self.back.poll_fill(cx, called).map_err(broken(Side::Called))?;
            let sent = self.back.poll_drain(cx, caller).map_err(broken(Side::Caller))?;
            tally.count_received(received.unwrap_or(0));
            tally.count_sent(sent.unwrap_or(0));
            if self.forth.is_done() && self.back.is_done() {
                return Poll::Ready(Ok(()));
            }
            if [received, passed_on, answered, sent].iter().all(Option::is_none) {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

#[cfg(test)]
mod tests;
