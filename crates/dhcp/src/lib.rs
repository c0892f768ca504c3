//! DHCP for IPv4 (RFC 2131), without I/O: messages go in and come out as bytes, time and randomness are arguments.
//!
//! [`Message`] is what both sides read and write; [`Client`] gets an address, and keeps it.
//!
//! ```
//! use basis::{Instant, Random};
//! use netstrata_dhcp::{Client, Kind, Message};
//! let mut client = Client::new(Instant::ZERO, [2, 0, 0, 0, 0, 1], Random::new([7; 32]));
//! let asked = client.poll_transmit(Instant::ZERO).expect("it asks at once");
//! assert_eq!(Message::read(&asked.bytes).and_then(|message| message.kind()), Some(Kind::Discover));
//! ```
#![forbid(unsafe_code)]

mod client;
mod lease;
mod message;
pub mod option;

pub use client::{Client, Event, Transmit};
pub use lease::Lease;
pub use message::{Kind, LONGEST, Message};

/// Where servers listen (RFC 2131 4.1).
pub const SERVER_PORT: u16 = 67;
/// Where clients listen.
pub const CLIENT_PORT: u16 = 68;
