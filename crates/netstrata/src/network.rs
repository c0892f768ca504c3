//! Plugging a host into a network that a line of text names.

mod kernels;
mod launch;
mod leased;
mod memory;
mod opening;
mod plug;
mod spec;

pub use kernels::is_kernels;
pub use leased::Leased;
pub use plug::{LAN_MTU, LAN_PROBING, Network};
pub use spec::{InvalidLinkSpec, LinkSpec};
