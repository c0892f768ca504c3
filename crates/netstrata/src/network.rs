//! Plugging a host into a network that a line of text names.

mod leased;
mod memory;
mod opening;
mod plug;
mod spec;

pub use leased::Leased;
pub use plug::{LAN_MTU, LAN_PROBING, Network};
pub use spec::{InvalidLinkSpec, LinkSpec};
