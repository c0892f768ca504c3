//! Sockets beside the one that a call came by, for protocols that need more than one connection.

use std::future::{Future, ready};
use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::accept::Accept;
use crate::stream::Ends;

/// A place to open sockets at: a host of our own stack, or the operating system.
pub trait Sockets: Clone + Send + Sync + 'static {
    /// A listening socket.
    type Listener: Accept;

    /// Listens for one caller at `at`.
    ///
    /// # Errors
    /// [`AddrInUse`](io::ErrorKind::AddrInUse), and those of the socket.
    fn listen(&self, at: SocketAddr) -> io::Result<Self::Listener>;

    /// Calls `to` from the address `from`.
    fn call(
        &self,
        from: IpAddr,
        to: SocketAddr,
    ) -> impl Future<Output = io::Result<<Self::Listener as Accept>::Stream>> + Send;

    /// The address of who calls by a connection with these ends: the peer's own, unless calls of others are carried from there.
    /// None: it is carried, and nobody says for whom.
    fn caller(&self, ends: Ends) -> impl Future<Output = Option<IpAddr>> + Send {
        ready(Some(ends.peer.ip().to_canonical()))
    }
}

/// The operating system's sockets. They need a tokio runtime.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemSockets;

impl Sockets for SystemSockets {
    type Listener = TcpListener;

    fn listen(&self, at: SocketAddr) -> io::Result<TcpListener> {
        let socket = socket(at)?;
        // Earlier connections in TIME-WAIT keep nobody from listening; another listener does.
        socket.set_reuseaddr(true)?;
        socket.bind(at)?;
        socket.listen(1)
    }

    async fn call(&self, from: IpAddr, to: SocketAddr) -> io::Result<TcpStream> {
        let socket = socket(to)?;
        socket.bind(SocketAddr::new(from, 0))?;
        let stream = socket.connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

fn socket(at: SocketAddr) -> io::Result<TcpSocket> {
    if at.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }
}
