//! The interfaces of a host: their addresses, and what leaves by them.

pub(crate) mod address;
mod discovery;
pub(crate) mod groups;
mod id;
mod owner;
mod recent;
mod state;
pub(crate) mod v6;

pub use address::{AddressState, Claim};
pub(crate) use groups::Groups;
pub use id::InterfaceId;
pub(crate) use owner::Owner;
pub(crate) use state::{Context, Interface, Sending, Waiting, cut, is_v6};
