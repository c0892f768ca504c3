//! The sending half of a connection.

pub(crate) mod acknowledgment;
pub(crate) mod buffer;
pub(crate) mod expiry;
mod in_flight;
mod pacing;
mod probe;
mod rack;
mod recovery;
mod segmenter;
pub(crate) mod sender;
pub(crate) mod transmit;
mod window;
