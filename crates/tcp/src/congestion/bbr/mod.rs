//! BBR, version 3 (draft-ietf-ccwg-bbr-06): a model of the path, which tells how fast to send and how much may be under way.
//!
//! | File | Concern | Section |
//! |---|---|---|
//! | `flow.rs` | What one connection knows; the steps of an acknowledgment in their order | 5.2 |
//! | `parts.rs` | The same by concern | 2 |
//! | `stage.rs` | The states with their gains | 5.6.1 |
//! | `startup.rs` | Startup and Drain, and whether the pipe is full | 5.3.1, 5.3.2 |
//! | `probe_bw.rs` | The cycle that probes for bandwidth | 5.3.3 |
//! | `probe_rtt.rs` | The shortest round trip, and the pause that finds it; restart from idle | 5.3.4, 5.4 |
//! | `model.rs` | Rounds, bandwidth, aggregation | 5.5.1 to 5.5.9 |
//! | `losses.rs` | What losses do to the model, and undo | 5.5.10, 5.5.11 |
//! | `output.rs` | Pacing rate and congestion window | 5.6 |
//! | `filter.rs` | Windowed maxima | 5.5.3, 5.5.9 |
//!
//! Windows and amounts are bytes, rates bytes a second, round trips microseconds, gains per cent.

mod filter;
mod flow;
mod losses;
mod model;
mod output;
mod parts;
mod probe_bw;
mod probe_rtt;
mod stage;
mod startup;

pub(crate) use flow::{Bbr, Context};
pub use stage::Stage;
