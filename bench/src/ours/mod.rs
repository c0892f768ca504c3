//! Our own stack.

mod pair;

pub(crate) use pair::{MAX_TIME_WAIT, Ours};
