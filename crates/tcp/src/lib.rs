//! TCP (RFC 9293) as plain data: one connection, and a host's many of them.
//!
//! [`Host`] is the way in: segments arrive by [`Host::on_segment`], the application speaks by [`Host::connect`],
//! [`Host::listen`], [`Host::read`], [`Host::write`] and their like, and whatever is due is pulled by
//! [`Host::poll_transmit`], [`Host::poll_timeout`] and [`Host::poll_event`]. Nothing here knows routes, sockets or clocks.
//!
//! A reader finds each concern of TCP as a file: `connection/open.rs` follows RFC 9293 3.10.7.4 step by step,
//! `send/` and `receive/` are the two halves of a connection, `host/` finds the connection of a segment.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod config;
pub mod congestion;
mod connection;
mod counters;
mod environment;
mod error;
mod event;
mod host;
mod info;
mod inspection;
mod memory;
mod negotiation;
mod odometer;
mod receive;
mod rtt;
mod segment;
mod send;
mod settings;
mod sizes;
mod spell;
mod timers;

pub use config::{BufferBounds, EcnMode, FastOpenClient, FastOpenServer, HostConfig, MtuProbing, SynCookies};
pub use counters::Counters;
pub use error::{
    AcceptError, ConnectError, DecideError, Dropped, Failure, IcmpError, ListenError, ReadError,
    ShutdownError, WriteError,
};
pub use event::{ConnectionId, Event, ListenerId, Readiness, RequestId};
pub use host::{Decision, Host, Request};
pub use info::{Info, ListenerSummary, State, Summary, Trust};
pub use inspection::Inspection;
pub use segment::{FourTuple, Outgoing, Path, Shutdown};
pub use send::marks::WriteMarks;
pub use settings::{Keepalive, SocketOptions};
pub use timers::Timer;
