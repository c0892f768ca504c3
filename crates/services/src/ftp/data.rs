//! Data connections: how they come about, and what goes over them.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWrite, AsyncWriteExt, SeekFrom};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;

use super::command::Kind;
use super::control::HANDSHAKE_PATIENCE;
use super::server::{Ftp, READ_PATIENCE};
use super::shares::Share;
use crate::accept::Accept;
use crate::metered::Metered;
use crate::service::Tally;
use crate::sockets::Sockets;
use crate::stream::Ends;

/// How long a data connection may take to come about.
pub(super) const DATA_PATIENCE: Duration = Duration::from_secs(30);
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
        ends: Ends,
    ) -> io::Result<<N::Listener as Accept>::Stream> {
        match way {
            Way::Active(to) => {
                let calling = self.sockets.call(ends.local.ip(), to);
                timeout(DATA_PATIENCE, calling).await.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
            }
            Way::Passive { listener, until, .. } => {
                let caller = self.sockets.caller(ends.peer).await;
                loop {
                    let call = timeout_at(until, listener.accept()).await;
                    let call = call.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))?;
                    if self.sockets.caller(call.peer).await == caller {
                        return Ok(call.stream);
                    }
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
    use crate::ftp::shares::Shares;
    use crate::sockets::SystemSockets;
    use crate::stop::Stopper;
    use crate::tree::Tree;
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};
    use tokio::net::{TcpListener, TcpStream};

    #[test]
    fn lines_end_once_even_where_chunks_meet() {
        let mut lines = LineEnds::default();
        let parts = [b"a\nb\r".as_slice(), b"\nc\n\n", b"\n"];
        let text: Vec<u8> = parts.iter().flat_map(|part| lines.ended(part)).collect();
        assert_eq!(text, b"a\r\nb\r\nc\r\n\r\n\r\n");
    }

    /// Sockets at which all come from one address, by whom others' calls are carried.
    #[derive(Clone, Default)]
    struct Carrying(Arc<Mutex<BTreeMap<SocketAddr, IpAddr>>>);

    impl Sockets for Carrying {
        type Listener = TcpListener;

        fn listen(&self, at: SocketAddr) -> io::Result<TcpListener> {
            SystemSockets.listen(at)
        }

        async fn call(&self, from: IpAddr, to: SocketAddr) -> io::Result<TcpStream> {
            SystemSockets.call(from, to).await
        }

        async fn caller(&self, peer: SocketAddr) -> IpAddr {
            let known = self.0.lock().unwrap().get(&peer).copied();
            known.unwrap_or(peer.ip())
        }
    }

    #[tokio::test]
    async fn of_callers_that_are_carried_a_stranger_is_waited_past() {
        let directory = tempfile::tempdir().unwrap();
        let sockets = Carrying::default();
        let (_stopper, stop) = Stopper::new();
        let ftp = Ftp::new(Tree::open(directory.path()).unwrap(), sockets.clone(), 1..=2, None, stop);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let control = SocketAddr::from(([127, 0, 0, 1], 1));
        let is = |peer: SocketAddr, caller: [u8; 4]| sockets.0.lock().unwrap().insert(peer, caller.into());
        is(control, [192, 0, 2, 1]);
        let stranger = TcpStream::connect(at).await.unwrap();
        is(stranger.local_addr().unwrap(), [192, 0, 2, 66]);
        let own = TcpStream::connect(at).await.unwrap();
        is(own.local_addr().unwrap(), [192, 0, 2, 1]);
        let share = Shares::new(1).take(control.ip()).unwrap();
        let way = Way::Passive { listener, until: Instant::now() + DATA_PATIENCE, _share: share };
        let data = ftp.connect(way, Ends { local: at, peer: control }).await.unwrap();
        assert_eq!(data.peer_addr().unwrap(), own.local_addr().unwrap());
    }
}
