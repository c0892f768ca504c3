//! What a service needs of a byte stream.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::TcpStream;

/// A two-way byte stream whose directions close one by one: `poll_shutdown` sends the FIN.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {
    /// Makes the coming drop a reset (RST) instead of an orderly close, where the stream can tell the two apart.
    fn abort(&mut self) {}

    /// Its two ends, where it has addresses.
    fn ends(&self) -> Option<Ends> {
        None
    }
}

/// The addresses of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// This side's.
    pub local: SocketAddr,
    /// The peer's.
    pub peer: SocketAddr,
}

impl Stream for DuplexStream {}

impl Stream for TcpStream {
    fn abort(&mut self) {
        // A socket that the operating system has already given up needs no reset.
        let _ = self.set_zero_linger();
    }

    fn ends(&self) -> Option<Ends> {
        Some(Ends { local: self.local_addr().ok()?, peer: self.peer_addr().ok()? })
    }
}

/// How long a call that quit is still listened to, so that the peer's last bytes do not turn our FIN into a reset
/// (RFC 1122 4.2.2.13 resets a connection closed with unread data).
pub(crate) const LINGER: Duration = Duration::from_secs(1);
