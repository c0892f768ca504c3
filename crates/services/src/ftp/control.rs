//! The control connection: lines in, replies out, in the open or inside of TLS.

use std::io::{self, ErrorKind};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::lines::{Line, Lines};

/// How long a handshake of TLS may take.
pub(super) const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(15);

/// The connection over a stream `S`.
pub(super) struct Control<S> {
    channel: Channel<S>,
    lines: Lines,
}

enum Channel<S> {
    Open(S),
    Secure(Box<TlsStream<S>>),
    /// A handshake failed.
    Gone,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Control<S> {
    pub(super) fn new(stream: S) -> Control<S> {
        Control { channel: Channel::Open(stream), lines: Lines::default() }
    }

    pub(super) fn is_secure(&self) -> bool {
        matches!(self.channel, Channel::Secure(_))
    }

    /// The next line; none at the end of the stream. Nothing is lost if the future is dropped.
    pub(super) async fn line(&mut self) -> io::Result<Option<Line>> {
        loop {
            if let Some(line) = self.lines.next() {
                return Ok(Some(line));
            }
            let mut room = [0; 1024];
            let read = match &mut self.channel {
                Channel::Open(stream) => stream.read(&mut room).await?,
                Channel::Secure(stream) => stream.read(&mut room).await?,
                Channel::Gone => 0,
            };
            match room.get(..read) {
                None | Some([]) => return Ok(None),
                Some(bytes) => self.lines.extend(bytes),
            }
        }
    }

    /// Sends a reply, which is whole.
    pub(super) async fn send(&mut self, reply: &str) -> io::Result<()> {
        match &mut self.channel {
            Channel::Open(stream) => {
                stream.write_all(reply.as_bytes()).await?;
                stream.flush().await
            }
            Channel::Secure(stream) => {
                stream.write_all(reply.as_bytes()).await?;
                stream.flush().await
            }
            Channel::Gone => Err(ErrorKind::NotConnected.into()),
        }
    }

    /// Goes on inside of TLS. What came in the open and is still unread must not count as said inside: it ends the call.
    pub(super) async fn secure(&mut self, acceptor: &TlsAcceptor) -> io::Result<()> {
        if !self.lines.is_empty() {
            return Err(io::Error::new(ErrorKind::InvalidData, "commands in the open followed AUTH"));
        }
        let Channel::Open(stream) = std::mem::replace(&mut self.channel, Channel::Gone) else {
            return Err(ErrorKind::NotConnected.into());
        };
        let handshake = timeout(HANDSHAKE_PATIENCE, acceptor.accept(stream));
        let secure = handshake.await.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))?;
        self.channel = Channel::Secure(Box::new(secure));
        Ok(())
    }

    /// Ends our direction.
    pub(super) async fn end(&mut self) -> io::Result<()> {
        match &mut self.channel {
            Channel::Open(stream) => stream.shutdown().await,
            Channel::Secure(stream) => stream.shutdown().await,
            Channel::Gone => Ok(()),
        }
    }
}
