//! Drives a [`stack::Stack`] over its links in real time.
//!
//! A [`Host`] is one stack, the links it is plugged into and a thread that moves frames between them. Application threads and
//! tasks use the stack under a lock, and wait for it by [`Host::wait`] and [`Host::until`]: one table of wakers serves both. The
//! thread sleeps until a link is ready, a timer is due or an application has made work for it; it never spins. A host of several shards
//! has a stack, a lock and a thread for each of them.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this is where real time and threads begin"
)]

mod builder;
mod clock;
mod delay;
mod drain;
mod driver;
mod exchange;
mod failures;
mod follow;
mod host;
mod lead;
mod parker;
mod polling;
mod port;
mod shards;
mod state;
mod until;
mod wakers;

pub use builder::{Builder, InterfaceSetup, entropy};
pub use clock::Clock;
pub use host::{Host, Statistics};
pub use parker::block_on;
pub use until::Until;
pub use wakers::Awaited;
