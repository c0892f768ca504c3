//! Many hosts on impaired cables in virtual time, and packet scripts.
//!
//! [`network`] joins production stacks by cables that lose, delay, repeat and damage frames; [`script`] runs one stack
//! against a written conversation.

pub mod network;
pub mod script;

pub use network::Network;
