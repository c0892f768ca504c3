//! The echo protocol, RFC 862.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};

use crate::pump::{Pump, TURNS};
use crate::service::{Card, How, Service, Tally};
use crate::stream::Stream;

/// Sends every byte back. Reads on while writing must wait, as far as its buffer goes; ends its direction once the
/// caller has ended the other and everything is back.
#[derive(Clone, Copy, Debug, Default)]
pub struct Echo;

impl Echo {
    /// What the command line and logs say of it. RFC 862 says 7, a system port; this is the page's advice to take one above 8000.
    pub const CARD: Card = Card {
        name: "echo",
        kind: "_netstrata-echo._tcp",
        port: 8002,
        about: "sends every byte back (RFC 862)",
    };
}

impl Service for Echo {
    fn name(&self) -> &'static str {
        Echo::CARD.name
    }

    fn port(&self) -> u16 {
        Echo::CARD.port
    }

    fn about(&self) -> &'static str {
        Echo::CARD.about
    }

    async fn run<S: Stream>(&self, stream: &mut S, tally: &Tally) -> How {
        let mut pump = Pump::default();
        poll_fn(|cx| poll(&mut pump, cx, stream, tally)).await.map(|()| How::Drained).into()
    }
}

fn poll<S: Stream>(
    pump: &mut Pump,
    cx: &mut Context<'_>,
    stream: &mut S,
    tally: &Tally,
) -> Poll<io::Result<()>> {
    for _ in 0..TURNS {
        let read = pump.poll_fill(cx, stream)?;
        tally.count_received(read.unwrap_or(0));
        let written = pump.poll_drain(cx, stream)?;
        tally.count_sent(written.unwrap_or(0));
        if pump.is_done() {
            return Poll::Ready(Ok(()));
        }
        if read.is_none() && written.is_none() {
            return Poll::Pending;
        }
    }
    cx.waker().wake_by_ref();
    Poll::Pending
}

#[cfg(test)]
mod tests;
