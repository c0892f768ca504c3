//! Who has which hardware address on an interface's link.

mod advertised;
mod cache;
mod contest;
mod entry;

pub(crate) use advertised::Advertisement;
pub(crate) use cache::{Cache, Due, Held, Resolution, Times};
pub(crate) use contest::Contest;
pub use entry::NeighbourState;
