//! How frames leave the process: memory, lan, tap, tun, captures and impairments.
//!
//! A [`Link`] moves frames in batches and never blocks; an event loop watches its [`source`](Link::source). Wrappers
//! ([`Capture`], [`Impaired`]) are links around links. A new kind of link is one file that implements [`Link`].
//!
//! This crate touches the operating system, and TAP and TUN need system calls that no safe library offers: `unsafe` is
//! allowed in that module alone.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "links live in real time, outside of the core"
)]

mod capabilities;
pub mod capture;
#[cfg(unix)]
mod chunk;
mod cut;
#[cfg(target_os = "linux")]
mod gather;
pub mod impairment;
#[cfg(unix)]
pub mod lan;
pub mod loopback;
pub mod memory;
pub mod sieve;
#[cfg(all(test, unix))]
mod testing;
#[cfg(target_os = "linux")]
pub mod tuntap;
pub mod watch;

pub use capabilities::{Capabilities, Link, Medium, RawFd, RawFdSource};
pub use capture::Capture;
pub use impairment::{Impaired, Impairment, ParseImpairmentError, Probability};
pub use loopback::Loopback;
pub use memory::MemoryLink;
pub use sieve::{Admit, Sieved};
pub use watch::{Watch, Watched};
