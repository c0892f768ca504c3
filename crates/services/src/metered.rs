//! A call's stream as an engine for a protocol uses it: its bytes are counted, and a peer that does not read is not waited for for ever.

use std::future::Future;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use crate::service::Tally;

/// How long after its end a timer that somebody waits for is seen to be over, on the busiest machine.
const LATE: Duration = Duration::from_secs(1);

/// A stream with its tally.
pub(crate) struct Metered<'a, S> {
    stream: S,
    tally: &'a Tally,
    /// How long a write may stand still.
    patience: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<'a, S> Metered<'a, S> {
    pub(crate) fn new(stream: S, tally: &'a Tally, patience: Duration) -> Metered<'a, S> {
        Metered { stream, tally, patience, stalled: None }
    }

    /// What became of a write: counted, or waited for as long as the patience lasts.
    fn judge(&mut self, cx: &mut Context<'_>, outcome: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match outcome {
            Poll::Ready(result) => {
                self.stalled = None;
                self.tally.count_sent(*result.as_ref().unwrap_or(&0));
                Poll::Ready(result)
            }
            Poll::Pending => {
                let patience = self.patience;
                let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(patience)));
                // Nobody waited for it to end: its write was given up, and this is another one, which has its own time.
                if Instant::now() > stalled.deadline() + LATE {
                    stalled.as_mut().reset(Instant::now() + patience);
                }
                stalled
                    .as_mut()
                    .poll(cx)
                    .map(|()| Err(io::Error::new(ErrorKind::TimedOut, "the peer has stopped reading")))
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<'_, S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.tally.count_received(buf.filled().len() - before);
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<'_, S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.judge(cx, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.judge(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    #[tokio::test(start_paused = true)]
    async fn bytes_are_counted_and_a_peer_that_stops_reading_is_given_up() {
        let (near, mut far) = duplex(8);
        let tally = Tally::default();
        let mut metered = Metered::new(near, &tally, Duration::from_secs(60));
        far.write_all(b"abc").await.unwrap();
        assert_eq!(metered.read(&mut [0; 8]).await.unwrap(), 3);
        metered.write_all(b"12345678").await.unwrap();
        assert_eq!((tally.received(), tally.sent()), (3, 8));
        let begun = tokio::time::Instant::now();
        let error = metered.write_all(b"9").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(begun.elapsed() >= Duration::from_secs(60));
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_was_given_up_does_not_count_against_a_later_one() {
        let (near, mut far) = duplex(8);
        let tally = Tally::default();
        let mut metered = Metered::new(near, &tally, Duration::from_secs(60));
        metered.write_all(b"12345678").await.unwrap();
        let given_up = tokio::time::timeout(Duration::from_secs(10), metered.write_all(b"9")).await;
        assert!(given_up.is_err());
        tokio::time::sleep(Duration::from_secs(600)).await;
        let begun = Instant::now();
        let reader = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(30)).await;
            far.read_exact(&mut [0; 8]).await.unwrap();
            far
        });
        metered.write_all(b"9").await.unwrap();
        assert!(begun.elapsed() >= Duration::from_secs(30));
        let _far = reader.await.unwrap();
        // And its own time it has.
        metered.write_all(b"1234567").await.unwrap();
        let begun = Instant::now();
        assert_eq!(metered.write_all(b"8").await.unwrap_err().kind(), ErrorKind::TimedOut);
        assert!((60..62).contains(&begun.elapsed().as_secs()));
    }
}
