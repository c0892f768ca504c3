//! Sockets for tasks, with the names and semantics of `tokio::net`.
//!
//! They need no reactor: a host's own thread wakes the tasks, so they work on every executor. On tokio's own they spend the budget of
//! the task as tokio's sockets do, so that one that always finds its socket ready lets others run.
//!
//! Where `tokio::net` takes its own `ToSocketAddrs`, these take the one of `std::net`: a host name, as opposed to an address, is
//! looked up by a call that blocks.
//!
//! With the feature `axum`, [`TcpListener`] is what `axum::serve` (0.8) takes.

#[cfg(feature = "axum")]
mod axum;
mod ready;
mod send_file;
mod tcp_into_split;
mod tcp_listener;
mod tcp_options;
mod tcp_readiness;
mod tcp_split;
mod tcp_stream;
mod udp_peek;
mod udp_socket;
mod zero_copy;

pub use ready::{Interest, Ready};
pub use tcp_into_split::{OwnedReadHalf, OwnedWriteHalf, ReuniteError};
pub use tcp_listener::TcpListener;
pub use tcp_split::{ReadHalf, WriteHalf};
pub use tcp_stream::TcpStream;
pub use udp_socket::UdpSocket;
