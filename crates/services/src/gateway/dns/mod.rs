//! A forwarder of guests' questions to the operating system's name servers: `message.rs` reads and judges, `forwarder.rs` asks,
//! `resolver.rs` knows whom.

mod forwarder;
mod message;
mod resolver;

pub use forwarder::{Forwarder, LONGEST_QUESTION, Transport};
pub use resolver::{MOST_SERVERS, servers};
