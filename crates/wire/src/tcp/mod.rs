//! TCP segments (RFC 9293 3.1).

mod flags;
mod header;
mod options;
mod seq;

pub use flags::Flags;
pub use header::{HEADER_LENGTH, Header, verify};
pub use options::{FastOpen, MAXIMUM_OPTIONS_LENGTH, MAXIMUM_WINDOW_SCALE, Options, SackBlock, Timestamps};
pub use seq::Seq;
