//! Carries a call from one stream to another, for published ports.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};

use crate::pump::{Pump, TURNS};
use crate::service::{How, Tally};
use crate::stream::Stream;

/// Carries the bytes of both directions between `caller` and `called` until both have ended.
///
/// Each direction ends by itself: a FIN on one side becomes a FIN on the other, and the opposite direction goes on. A
/// failure of one side, such as a reset, becomes a reset of the other. Counts what the caller sends and gets.
pub async fn relay<A: Stream, B: Stream>(caller: &mut A, called: &mut B, tally: &Tally) -> How {
    let mut relay = Relay::default();
    match poll_fn(|cx| relay.poll(cx, caller, called, tally)).await {
        Ok(()) => How::Drained,
        Err(error) => {
            caller.abort();
            called.abort();
            How::Error(error)
        }
    }
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
    ) -> Poll<io::Result<()>> {
        for _ in 0..TURNS {
            let received = self.forth.poll_fill(cx, caller)?;
            let passed_on = self.forth.poll_drain(cx, called)?;
            let answered = self.back.poll_fill(cx, called)?;
            let sent = self.back.poll_drain(cx, caller)?;
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
