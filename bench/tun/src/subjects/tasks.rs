//! What the stacks for tokio have in common: the device as a byte stream of packets, and the services as tasks.

use super::descriptor;
use crate::traffic::{ECHO, PIECE, Pattern, SINK, SOURCE, Sink};
use std::fs::File;
use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

/// A runtime of two threads that goes on in the background.
pub fn spawn(main: impl Future<Output = anyhow::Result<()>> + Send + 'static) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    std::thread::spawn(move || {
        if let Err(error) = runtime.block_on(main) {
            eprintln!("{error:#}");
        }
    });
    Ok(())
}

/// The device: a read and a write is a packet.
pub struct Packets(AsyncFd<File>);

impl Packets {
    pub fn open() -> io::Result<Packets> {
        let file = descriptor::open(false)?;
        // SAFETY: the file owns its descriptor, and stays inside until it is closed.
        Ok(Packets(unsafe { AsyncFd::register(file) }?))
    }
}

impl AsyncRead for Packets {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let mut guard = ready!(self.0.poll_read_ready(context))?;
            let room = to.initialize_unfilled();
            if let Ok(result) = guard.try_io(|file| (&mut file.get_ref()).read(room)) {
                return Poll::Ready(result.map(|count| to.advance(count)));
            }
        }
    }
}

impl AsyncWrite for Packets {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            let mut guard = ready!(self.0.poll_write_ready(context))?;
            if let Ok(result) = guard.try_io(|file| (&mut file.get_ref()).write(from)) {
                return Poll::Ready(result);
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Holds one call to `port`.
pub async fn hold<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    port: u16,
    mut sink: Sink,
) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    match port {
        SINK => {
            while let count @ 1.. = stream.read(&mut piece).await? {
                sink.take(&piece[..count]);
            }
        }
        SOURCE => {
            let (pattern, mut position) = (Pattern::new(), 0);
            loop {
                position += stream.write(pattern.at(position)).await? as u64;
            }
        }
        ECHO => {
            while let count @ 1.. = stream.read(&mut piece).await? {
                stream.write_all(&piece[..count]).await?;
                stream.flush().await?;
            }
        }
        _ => {}
    }
    Ok(())
}
