//! Where calls come from.

use std::future::Future;
use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};

use crate::stream::Stream;

/// A call that has just come in.
#[derive(Debug)]
pub struct Accepted<S> {
    /// Its byte stream.
    pub stream: S,
    /// The address it was made to.
    pub local: SocketAddr,
    /// The address it came from.
    pub peer: SocketAddr,
}

/// A listening socket.
pub trait Accept: Send + Sync + 'static {
    /// The stream of a call.
    type Stream: Stream + 'static;

    /// Waits for the next call. Dropping the future must lose none.
    fn accept(&self) -> impl Future<Output = io::Result<Accepted<Self::Stream>>> + Send;
}

impl Accept for TcpListener {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<Accepted<TcpStream>> {
        let (stream, peer) = TcpListener::accept(self).await?;
        // A message goes out when it is written, not when the one before has been acknowledged (RFC 896 the other way).
        stream.set_nodelay(true)?;
        Ok(Accepted { local: stream.local_addr()?, stream, peer })
    }
}
