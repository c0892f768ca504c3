//! The gateway between real programs: a guest in a namespace of a user without rights, and servers of the system it runs on.
#![cfg(target_os = "linux")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "tests of real processes live in real time"
)]

#[path = "../common/mod.rs"]
mod common;

mod addresses;
mod calls;
mod datagrams;
mod endurance;
mod hops;
mod machine;
mod published;
mod rules;
