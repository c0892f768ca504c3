//! Measurements of this stack beside its peers: the same works, in turn, in one run on one machine.
//!
//! [`run`] does what the `bench` program and `netstrata bench` are asked for. In memory both hosts live in one thread and a
//! queue is the cable; super-segments are cut into packets on the way and every checksum is computed and verified, unless a
//! case says otherwise. The kernel is driven by sockets that never block, both ends in one thread as well.

mod arguments;
mod clock;
pub mod flood;
#[cfg(target_os = "linux")]
pub mod goodput;
#[cfg(target_os = "linux")]
mod kernel;
mod machine;
mod measure;
pub mod memory;
mod ours;
mod pair;
mod pattern;
mod progress;
mod report;
mod run;
mod setup;
pub mod shards;
mod smoltcp_peer;
mod statistics;
mod subject;
mod work;

pub use arguments::Arguments;
pub use run::run;
pub use subject::Subject;
pub use work::Work;
