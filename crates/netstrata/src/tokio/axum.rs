//! Listeners that `axum::serve` takes.

use super::tcp_listener::TcpListener;
use super::tcp_stream::TcpStream;
use std::future::pending;
use std::io;
use std::net::SocketAddr;

impl axum::serve::Listener for TcpListener {
    type Io = TcpStream;
    type Addr = SocketAddr;

    /// The next connection. A host that was shut down has none: it is waited for without end, as axum wants it.
    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        match TcpListener::accept(self).await {
            Ok(accepted) => accepted,
            Err(_) => pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        TcpListener::local_addr(self)
    }
}
