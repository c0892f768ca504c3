//! The sending half of a connection.
//!
//! | When | Where |
//! |---|---|
//! | the application writes | `sender.rs` (`Sender::write`), `buffer.rs` |
//! | a segment may leave | `transmit.rs`; how much: `segmenter.rs`; not before its time: `pacing.rs`; whether it is pushed: `push.rs` |
//! | an acknowledgment comes | `acknowledgment.rs`; how far the peer lets us go: `window.rs` |
//! | one tells that something is missing, as the third duplicate acknowledgment does | `losses.rs`, with `scoreboard.rs` and `rack.rs`; from a peer that does not report selectively `duplicates.rs` |
//! | what is lost goes again | `repair.rs`; how much at once: `rate.rs` |
//! | a timer expires | `expiry.rs`: retransmission, tail loss probe, closed window (`probe.rs`) |
//! | a repair turns out to have been for nothing | `spurious.rs`, `undoing.rs` |
//! | the path carries less, or more | `path_mtu.rs`, `path_probing.rs` |

mod account;
pub(crate) mod acknowledgment;
pub(crate) mod buffer;
mod counting;
mod delivered;
mod duplicates;
pub(crate) mod expiry;
mod in_flight;
mod losses;
mod lost;
pub(crate) mod marks;
mod pacing;
pub(crate) mod path_mtu;
mod path_probing;
mod prediction;
mod probe;
mod push;
mod rack;
mod rare;
mod rate;
mod recovery;
mod repair;
mod report;
mod sampling;
mod scoreboard;
mod segmenter;
pub(crate) mod sender;
mod spurious;
pub(crate) mod transmit;
mod undoing;
pub(crate) mod window;
