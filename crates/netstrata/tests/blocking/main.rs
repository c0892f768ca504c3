//! The blocking sockets behave as those of `std::net` do.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests live in real time, and a failure is a failed test"
)]

#[path = "../common/mod.rs"]
mod common;
mod ends;
mod hosts;
mod opening;
mod settings;
mod sharing;
mod transfer;
mod zero_copy;

use std::time::Duration;

/// Longer than any of these tests takes.
const LIMIT: Duration = Duration::from_secs(60);
