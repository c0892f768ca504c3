//! A virtual Ethernet segment on a Unix stream socket.
//!
//! Every frame is preceded by its length, as QEMU's `-netdev stream` does it, so a virtual machine can be a station. The
//! first [`Nic`] that finds nobody at the address embeds the [`Switch`] in a thread of its own.

mod address;
mod claim;
mod embedded;
mod framing;
mod nic;
mod outgoing;
mod port;
mod statistics;
mod switch;
mod table;

pub use address::LanAddress;
pub use nic::Nic;
pub use statistics::PortStatistics;
pub use switch::{Switch, SwitchHandle};

#[cfg(test)]
mod tests;
