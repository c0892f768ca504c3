//! How frames leave the process: memory, lan, tap, tun, packet, xdp, captures and impairments.
//!
//! A [`Link`] moves frames in batches and never blocks; an event loop watches its [`source`](Link::source). Wrappers
//! ([`Capture`], [`Impaired`]) are links around links. A new kind of link is one file that implements [`Link`].
//!
//! This crate touches the operating system, and TAP, TUN, packet and XDP sockets need system calls that no safe library
//! offers: `unsafe` is allowed in the files that make them, and in the one that shares memory with the kernel.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "links live in real time, outside of the core"
)]

#[cfg(target_os = "linux")]
mod arrival;
#[cfg(target_os = "linux")]
mod bpf;
mod capabilities;
pub mod capture;
#[cfg(unix)]
mod chunk;
mod cut;
#[cfg(target_os = "linux")]
mod departure;
#[cfg(target_os = "linux")]
mod gather;
pub mod impairment;
#[cfg(target_os = "linux")]
mod intake;
#[cfg(target_os = "linux")]
mod interface;
#[cfg(unix)]
pub mod lan;
pub mod loopback;
#[cfg(target_os = "linux")]
mod mapping;
pub mod memory;
#[cfg(target_os = "linux")]
pub mod packet;
pub mod sieve;
#[cfg(target_os = "linux")]
mod socket;
#[cfg(all(test, unix))]
mod testing;
#[cfg(target_os = "linux")]
pub mod tuntap;
#[cfg(target_os = "linux")]
mod vnet;
pub mod watch;
#[cfg(target_os = "linux")]
pub mod xdp;

pub use capabilities::{Capabilities, Link, Medium, RawFd, RawFdSource};
pub use capture::Capture;
pub use impairment::{Impaired, Impairment, ParseImpairmentError, Probability};
pub use loopback::Loopback;
pub use memory::MemoryLink;
pub use sieve::{Admit, Sieved};
pub use watch::{Watch, Watched};
