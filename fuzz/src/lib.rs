//! Hostile bytes for every parser, every buffer and whole connections.
//!
//! Each target is a function of bytes that panics when something that must hold does not. `fuzz_targets/` gives each of them to
//! cargo-fuzz; the tests below give each its seeds and some thousand broken ones, on any toolchain.

pub mod connection;
pub mod dhcp;
pub mod formats;
pub mod fragments;
pub mod frames;
mod input;
pub mod names;
pub mod segmentation;
pub mod segments;
mod stream;
pub mod texts;

/// Something to be fed with bytes.
#[derive(Clone, Copy)]
pub struct Target {
    /// What cargo-fuzz calls it.
    pub name: &'static str,
    /// Panics when something that must hold does not.
    pub run: fn(&[u8]),
    /// Inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "ethernet", run: formats::ethernet, seeds: formats::seeds },
    Target { name: "arp", run: formats::arp, seeds: formats::seeds },
    Target { name: "ipv4", run: formats::ipv4, seeds: formats::seeds },
    Target { name: "ipv6", run: formats::ipv6, seeds: formats::seeds },
    Target { name: "icmpv4", run: formats::icmpv4, seeds: formats::seeds },
    Target { name: "icmpv6", run: formats::icmpv6, seeds: formats::seeds },
    Target { name: "ndp", run: formats::ndp, seeds: formats::seeds },
    Target { name: "groups", run: formats::groups, seeds: formats::seeds },
    Target { name: "udp", run: formats::udp, seeds: formats::seeds },
    Target { name: "dhcp", run: dhcp::run, seeds: dhcp::seeds },
    Target { name: "names", run: names::run, seeds: names::seeds },
    Target { name: "tcp", run: formats::tcp, seeds: formats::seeds },
    Target { name: "segmentation", run: segmentation::run, seeds: input::noise },
    Target { name: "fragments", run: fragments::run, seeds: input::noise },
    Target { name: "frames", run: frames::run, seeds: input::noise },
    Target { name: "segments", run: segments::run, seeds: input::noise },
    Target { name: "connection", run: connection::run, seeds: input::noise },
    Target { name: "texts", run: texts::run, seeds: texts::seeds },
];

#[cfg(test)]
mod tests;
