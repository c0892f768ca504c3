//! The receiving half of a connection.

mod ack;
pub(crate) mod buffer;
mod closing;
mod duplicates;
mod end;
mod limit;
mod options;
mod piece;
mod prediction;
mod rare;
mod reassembly;
pub(crate) mod receiver;
mod report;
mod short_path;
pub(crate) mod timestamps;
mod tuning;
pub(crate) mod window;
