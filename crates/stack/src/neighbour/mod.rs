//! Who has which hardware address on an interface's link.

mod cache;
mod entry;

pub(crate) use cache::{Cache, Due, Held, Resolution};
pub use entry::NeighbourState;
