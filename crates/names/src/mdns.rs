//! Multicast DNS (RFC 6762) and service discovery by it (RFC 6763).

mod answering;
pub mod browser;
mod cache;
mod claim;
mod link;
pub mod responder;

pub use link::{GROUP_V4, GROUP_V6, LONGEST, PORT, To, Transmit};
