//! The conversation of the page: what one read returns is sent back, until one of the two has had enough.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::ready;

use tokio::io::AsyncWriteExt;

use crate::buffer::Buffer;
use crate::service::{Card, How, Service, Tally};
use crate::stream::Stream;

/// Sends back what one read returned, as it came, and only then reads again.
///
/// A read that is just `q`, `q\n` or `q\r\n` ends the call, and so does the end of the stream. Bytes are not
/// interpreted otherwise, so a character that two reads cut in half reaches the caller whole.
#[derive(Clone, Copy, Debug, Default)]
pub struct Talk;

impl Talk {
    /// What the command line and logs say of it.
    pub const CARD: Card = Card {
        name: "talk",
        kind: "_netstrata-talk._tcp",
        port: 9528,
        about: "sends each message back; `q` ends the call",
    };
}

impl Service for Talk {
    fn name(&self) -> &'static str {
        Talk::CARD.name
    }

    fn port(&self) -> u16 {
        Talk::CARD.port
    }

    fn about(&self) -> &'static str {
        Talk::CARD.about
    }

    async fn run<S: Stream>(&self, stream: &mut S, tally: &Tally) -> How {
        converse(stream, tally).await.into()
    }
}

async fn converse<S: Stream>(stream: &mut S, tally: &Tally) -> io::Result<How> {
    let mut buffer = Buffer::default();
    loop {
        let read = poll_fn(|cx| buffer.poll_fill(cx, Pin::new(&mut *stream))).await?;
        tally.count_received(read);
        // The end of the stream is the end of the call: reading again would return nothing for ever.
        let farewell = if read == 0 {
            Some(How::PeerClosed)
        } else if matches!(buffer.bytes(), b"q" | b"q\n" | b"q\r\n") {
            Some(How::Quit)
        } else {
            None
        };
        if let Some(how) = farewell {
            buffer.clear();
            stream.shutdown().await?;
            return Ok(how);
        }
        poll_fn(|cx| {
            while !buffer.is_empty() {
                let written = ready!(buffer.poll_drain(cx, Pin::new(&mut *stream)))?;
                tally.count_sent(written);
            }
            Pin::new(&mut *stream).poll_flush(cx)
        })
        .await?;
        tokio::task::consume_budget().await;
    }
}

#[cfg(test)]
mod tests;
