//! smoltcp, the stack that Rust programs use today.

mod cable;
mod pair;

pub(crate) use pair::{Drive, Smoltcp};
