//! Packet scripts in packetdrill's notation, run against one [`stack::Stack`] in virtual time.
//!
//! A script says what the application does, what the network brings, and what must leave, each with its time:
//!
//! ```text
//! +0   socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
//! +0   bind(3, ..., ...) = 0
//! +0   listen(3, 1) = 0
//! +0   < S 0:0(0) win 32792 <mss 1000>
//! +0   > S. 0:0(0) ack 1 <mss 1460>
//! +.1  < . 1:1(0) ack 1 win 32792
//! +0   accept(3, ..., ...) = 4
//! ```
//!
//! What differs from packetdrill, because time is virtual and the stack is ours:
//! - Times hold to a millisecond, and every packet that leaves must be expected, also at the end of the script.
//! - Payloads are a known stream: what is read and what leaves is compared byte for byte.
//! - The peer's sequence numbers are shifted, so that every script can also be run where they wrap.
//! - Readiness that was never announced by an event fails the script.
//! - `(2)` before the flags names the second peer of a script: `< (2) S 0:0(0) win 1000`.
//! - No script names an address, so each is also played by IPv6, on a path wider by the longer header, and by mapped addresses.
//! - `%{ assert ... }%` takes comparisons of `tcpi_...` values, of the host's counters and of its tables' sizes.

mod arguments;
mod calls;
#[cfg(test)]
mod chaos;
mod check;
mod cursor;
mod expression;
mod failure;
mod family;
mod icmp;
mod machine;
mod notation;
mod observed;
mod options;
mod parse;
mod parse_call;
mod parse_packet;
mod peer;
mod poll;
mod runner;
mod settings;
mod socket_options;
mod sockets;
#[cfg(test)]
mod tests;
mod values;

pub use failure::Failure;
pub use family::Family;
pub use notation::Script;
pub use runner::{Report, Setup, run};

use std::path::Path;

/// Reads the script at `path`.
///
/// # Errors
/// The file cannot be read, or the line that is not understood.
pub fn read_file(path: &Path) -> Result<Script, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::at(0, error.to_string()))?;
    Script::parse(&text)
}

/// Reads and runs the script at `path`.
///
/// # Errors
/// The line that failed, and why: the file cannot be read, the notation is not understood, or the stack did otherwise.
pub fn run_file(path: &Path, setup: Setup) -> Result<Report, Failure> {
    run(&read_file(path)?, setup)
}
