//! User-mode networking for guests: the parts of a gateway that decide. What carries bytes and datagrams is its owner's.
//!
//! `policy.rs` says where a guest may go, by `rules.rs` and the names in `names.rs`; `stations.rs` says who sent what, `flows.rs` counts what each guest
//! has and holds it to `limits.rs`, `turns.rs` has them wait in rows of their own, `ranks.rs` says which mapping of a guest ends for a new one; `mapping.rs` and `callers.rs` say who
//! outside may send to it by UDP; `counters.rs` counts what was refused and tells of each cause once; `dhcp/` gives addresses; `dns/` forwards
//! questions. Time is an argument, but for what waits for the operating system's sockets.

mod callers;
mod closed;
mod counters;
pub mod dhcp;
pub mod dns;
mod flows;
mod frame;
mod holder;
mod limits;
mod mapping;
mod names;
mod policy;
mod ranks;
mod rules;
mod stations;
mod turns;
mod verdict;

pub use callers::Callers;
pub use counters::{Cause, Counters};
pub use flows::{Flow, FlowReport, Flows, GuestReport, Protocol};
pub use holder::{Holder, Standing, Station};
pub use limits::{LEAST_BUFFERS, Limits};
pub use mapping::Mapping;
pub use names::Pattern;
pub use policy::{HostLoopback, Policy};
pub use ranks::{Rank, Ranks};
pub use rules::{Rules, Subject};
pub use stations::Stations;
pub use turns::Turns;
pub use verdict::Verdict;
