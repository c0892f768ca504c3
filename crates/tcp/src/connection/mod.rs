//! One connection: its phases from the first SYN to TIME-WAIT.
//!
//! | When | Where |
//! |---|---|
//! | it is opened | `handshake.rs`, then `established.rs`; with data on SYNs: `fast_open.rs`, `syn_data.rs`, `syn_ack.rs` |
//! | a segment comes | `open.rs`, step by step; the one that almost always comes: `prediction.rs`; doubtful ones: `throttle.rs` |
//! | routers speak: by marks, by errors | `marks.rs`; `path.rs` |
//! | a segment may leave | `transmit.rs`; data: `send/` |
//! | a timer expires | `timeouts.rs`; a silent peer: `keepalive.rs` |
//! | the application does something | `application.rs`; it closes or goes: `ending.rs` |
//! | FINs are exchanged | `closing.rs`; then `time_wait.rs`, `finished.rs` |

mod application;
mod closing;
pub(crate) mod control_block;
pub(crate) mod effect;
mod ending;
pub(crate) mod established;
mod fast_open;
pub(crate) mod fate;
mod finished;
pub(crate) mod handshake;
mod keepalive;
mod marks;
pub(crate) mod open;
mod path;
mod prediction;
mod report;
pub(crate) mod syn_ack;
pub(crate) mod syn_data;
pub(crate) mod throttle;
pub(crate) mod time_wait;
mod timeouts;
mod transmit;
