//! What IPv6 does in its own way: fragments, there and back.

pub(crate) mod fragment;
mod reassembly;
