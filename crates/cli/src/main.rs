//! The `netstrata` command.
fn main() {}
