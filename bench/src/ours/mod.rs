//! Our own stack.

mod arrived;
mod pair;

pub(crate) use arrived::Arrived;
pub(crate) use pair::{MAX_TIME_WAIT, Ours};
