//! Who has which hardware address on an interface's link.

mod advertised;
mod cache;
mod entry;

pub(crate) use advertised::Advertisement;
pub(crate) use cache::{Cache, Due, Held, Resolution, Times};
pub use entry::NeighbourState;
