//! What `std::net` and `tokio::net` offer, these sockets offer, or the documentation says that they do not.
//!
//! Each block of uses is compiled twice: once against the original's type and once against ours. A method that is missing here,
//! or has another type than the original's, does not compile. Nothing of it runs.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    deprecated,
    reason = "it is about std's types"
)]

mod absent;
mod of_std;
mod of_tokio;

/// Both have the traits.
fn has<T: Send + Sync + Unpin + std::fmt::Debug>() {}
