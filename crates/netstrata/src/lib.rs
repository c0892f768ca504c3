//! Sockets of a user-space TCP/IP stack, shaped like `std::net` and `tokio::net`.
//!
//! A [`Host`] is a whole network host inside this process: a stack, its links and a thread that drives it. [`Network`] starts one
//! on a link that a line of text names. Sockets are made on a host and otherwise have the names, semantics and error kinds of
//! `std::net` ([`TcpListener`], [`TcpStream`], [`UdpSocket`]) and of `tokio::net` (in [`tokio`]).
//!
//! ```
//! use netstrata::{Host, TcpListener, TcpStream};
//! use std::io::{Read, Write};
//! let host = Host::builder().start()?;
//! let listener = TcpListener::bind(&host, "127.0.0.1:0")?;
//! let mut client = TcpStream::connect(&host, listener.local_addr()?)?;
//! let (mut server, _) = listener.accept()?;
//! client.write_all(b"over seven layers")?;
//! drop(client);
//! let mut text = String::new();
//! server.read_to_string(&mut text)?;
//! assert_eq!(text, "over seven layers");
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # The end of a program
//! A socket's drop returns at once and the host delivers what was written. That takes a running process: call
//! [`Host::shutdown`] before leaving `main`.
//!
//! # What `std::net` and `tokio::net` offer and these sockets do not
#![doc = include_str!("absent.md")]
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "sockets live in real time")]

mod address;
mod admission;
mod budget;
mod connection;
mod datagrams;
mod error;
mod file_memory;
mod listening;
pub mod network;
mod patience;
mod ping;
mod send_file;
mod tcp_listener;
mod tcp_options;
mod tcp_sending;
mod tcp_stream;
pub mod tokio;
mod ttl;
mod udp_groups;
mod udp_socket;
mod zero_copy;

pub use admission::Request;
pub use network::{LinkSpec, Network};
pub use ping::PingSocket;
pub use runtime::{Host, InterfaceSetup, Statistics};
pub use tcp_listener::{Incoming, IntoIncoming, TcpListener};
pub use tcp_stream::TcpStream;
pub use udp_socket::UdpSocket;

/// Requests for strangers, and what to tell who sent what did not get there.
pub use stack::{EchoRequest, Failed, Unreachable};

/// The options of TCP sockets.
pub use tcp::{Keepalive, SocketOptions, SynCookies, WriteMarks};

/// The crates below, for reports and for what sockets do not show.
pub use {basis, dhcp, link, runtime, stack, tcp, wire};
