//! Data connections: how they come about, and what goes over them.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWrite, AsyncWriteExt, SeekFrom};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;

use super::command::Kind;
use super::control::HANDSHAKE_PATIENCE;
use super::origin::Origin;
use super::server::{Ftp, READ_PATIENCE};
use super::shares::Share;
use crate::accept::{Accept, Accepted};
use crate::metered::Metered;
use crate::service::Tally;
use crate::sockets::Sockets;
use crate::stream::Ends;

/// How long a data connection may take to come about.
pub(super) const DATA_PATIENCE: Duration = Duration::from_secs(30);
/// Calls at a port for data of which it is asked at once from whom they are.
pub(super) const ASKED: usize = 8;
/// Bytes read of a file at once.
const CHUNK: usize = 64 << 10;

/// How the next data connection is to come about.
pub(super) enum Way<L> {
    /// The caller opens it.
    Passive {
        listener: L,
        until: Instant,
        /// Its port, counted to the caller's address.
        _share: Share,
    },
    /// It is opened to the caller.
    Active(SocketAddr),
}

/// What is to be given.
pub(super) enum Load {
    /// A file from an offset on.
    File { file: std::fs::File, offset: u64, kind: Kind },
    /// Lines.
    Text(String),
}

impl<N: Sockets> Ftp<N> {
    /// Listens at a free port for data. None: all are in use.
    pub(super) fn listen(&self, at: IpAddr) -> Option<(N::Listener, u16)> {
        self.ports_in_turn().find_map(|port| {
            let listener = self.sockets.listen(SocketAddr::new(at, port)).ok()?;
            Some((listener, port))
        })
    }

    /// The data connection. A stranger who calls first is let go, and waited past.
    pub(super) async fn connect(
        &self,
        way: Way<N::Listener>,
        origin: Origin,
    ) -> io::Result<<N::Listener as Accept>::Stream> {
        match way {
            Way::Active(to) => {
                let calling = self.sockets.call(origin.ends.local.ip(), to);
                timeout(DATA_PATIENCE, calling).await.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
            }
            Way::Passive { listener, until, .. } => {
                let accepting = self.accept_from(&listener, origin.caller);
                timeout_at(until, accepting).await.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
            }
        }
    }

    /// The first call that is from `caller`. From whom a call is may take its time to be known, and others are taken meanwhile.
    async fn accept_from(
        &self,
        listener: &N::Listener,
        caller: IpAddr,
    ) -> io::Result<<N::Listener as Accept>::Stream> {
        let mut asked = VecDeque::with_capacity(ASKED);
        loop {
            tokio::select! {
                biased;
                (stream, found) = first_known(&mut asked) => {
                    if found == Some(caller) {
                        return Ok(stream);
                    }
                }
                call = listener.accept() => {
                    let Accepted { stream, local, peer } = call?;
                    // Of a caller who is there it is known at once: the one that came first has had the most time.
                    if asked.len() == ASKED {
                        asked.pop_front();
                    }
                    let asking = self.sockets.caller(Ends { local, peer });
                    let asking: Asking<'_, _> = Box::pin(async move { (stream, asking.await) });
                    asked.push_back(asking);
                }
            }
        }
    }

    /// Sends `load` over `stream`, inside of TLS if there is an acceptor, and ends it.
    pub(super) async fn give(
        &self,
        stream: <N::Listener as Accept>::Stream,
        tls: Option<&TlsAcceptor>,
        load: Load,
        tally: &Tally,
    ) -> io::Result<()> {
        let mut stream = Metered::new(stream, tally, READ_PATIENCE);
        let Some(acceptor) = tls else { return send(&mut stream, load).await };
        let handshake = timeout(HANDSHAKE_PATIENCE, acceptor.accept(stream));
        let mut secure = handshake.await.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))?;
        send(&mut secure, load).await
    }
}

/// A call, and from whom it is once that is known, or will not be.
type Asking<'a, S> = Pin<Box<dyn Future<Output = (S, Option<IpAddr>)> + Send + 'a>>;

/// The first call of which it is known from whom it is, or that it will not be.
async fn first_known<S>(asked: &mut VecDeque<Asking<'_, S>>) -> (S, Option<IpAddr>) {
    poll_fn(|context| {
        let known =
            asked.iter_mut().enumerate().find_map(|(place, asking)| match asking.as_mut().poll(context) {
                Poll::Ready(known) => Some((place, known)),
                Poll::Pending => None,
            });
        let Some((place, known)) = known else { return Poll::Pending };
        drop(asked.remove(place));
        Poll::Ready(known)
    })
    .await
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), load: Load) -> io::Result<()> {
    match load {
        Load::Text(text) => stream.write_all(text.as_bytes()).await?,
        Load::File { file, offset, kind } => {
            let mut file = File::from_std(file);
            if offset > 0 {
                file.seek(SeekFrom::Start(offset)).await?;
            }
            let mut chunk = vec![0; CHUNK];
            let mut lines = LineEnds::default();
            loop {
                let read = file.read(&mut chunk).await?;
                let Some(bytes) = chunk.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
                match kind {
                    Kind::Binary => stream.write_all(bytes).await?,
                    Kind::Text => stream.write_all(&lines.ended(bytes)).await?,
                }
            }
        }
    }
    stream.shutdown().await
}

/// Makes lines end as the network has them (RFC 959 3.1.1.1), across chunks.
#[derive(Default)]
struct LineEnds {
    after_return: bool,
}

impl LineEnds {
    fn ended(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut text = Vec::with_capacity(bytes.len() + bytes.len() / 16);
        for byte in bytes {
            if *byte == b'\n' && !self.after_return {
                text.push(b'\r');
            }
            text.push(*byte);
            self.after_return = *byte == b'\r';
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_once_even_where_chunks_meet() {
        let mut lines = LineEnds::default();
        let parts = [b"a\nb\r".as_slice(), b"\nc\n\n", b"\n"];
        let text: Vec<u8> = parts.iter().flat_map(|part| lines.ended(part)).collect();
        assert_eq!(text, b"a\r\nb\r\nc\r\n\r\n\r\n");
    }
}
