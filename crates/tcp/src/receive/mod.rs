//! The receiving half of a connection.

mod ack;
pub(crate) mod buffer;
mod duplicates;
mod limit;
mod options;
mod piece;
mod reassembly;
pub(crate) mod receiver;
pub(crate) mod timestamps;
mod tuning;
pub(crate) mod window;
