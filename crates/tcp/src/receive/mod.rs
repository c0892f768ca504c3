//! The receiving half of a connection.
//!
//! | When | Where |
//! |---|---|
//! | a segment brings text | `receiver.rs`; the one that almost always comes: `prediction.rs` |
//! | it is an old one, by its timestamp | `timestamps.rs` |
//! | it comes before its turn | `reassembly.rs`; what came twice: `duplicates.rs` |
//! | it is acknowledged, at once or later | `ack.rs`; what the answer carries: `options.rs` |
//! | the application reads | `buffer.rs`, `piece.rs` |
//! | a window is offered | `window.rs`; how much there may be at all: `limit.rs`; how much is needed: `tuning.rs` |
//! | the peer's FIN comes, or nobody reads any more | `closing.rs`, `end.rs` |

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
pub(crate) mod timestamps;
mod tuning;
pub(crate) mod window;
