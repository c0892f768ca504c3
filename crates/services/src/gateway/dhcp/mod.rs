//! A DHCP server for guests (RFC 2131): `message.rs` reads and answers, `leases.rs` remembers.

mod leases;
mod message;

pub use message::{Action, Answer, Server, Settings};
