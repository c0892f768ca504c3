//! The sending half of a connection.

pub(crate) mod buffer;
mod in_flight;
mod pacing;
mod probe;
mod rack;
mod recovery;
mod segmenter;
pub(crate) mod sender;
mod window;
