//! Plugging a host into a network that a line of text names.

mod memory;
mod opening;
mod plug;
mod spec;

pub use plug::{LAN_MTU, LAN_PROBING, Network};
pub use spec::{InvalidLinkSpec, LinkSpec};
