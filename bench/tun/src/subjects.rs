//! Who is measured. Each offers the three services of [`crate::traffic`] at [`crate::namespace::STACK`].

mod descriptor;
pub mod gvisor;
mod ipstack;
mod netstack_smoltcp;
mod ours;
mod raw;
mod smoltcp;
mod tasks;
mod veth;

use crate::case::{Case, Device, Work};
use crate::namespace;
use anyhow::anyhow;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// A stack, or what bounds them all.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// Netstrata.
    Ours,
    /// Netstrata with two shards, over a device with two queues.
    OursTwoShards,
    /// No stack at all: the device's own speed, with just enough of TCP for the kernel to go on.
    Raw,
    /// smoltcp, one packet a call.
    Smoltcp,
    /// smoltcp, with super-segments cut and gathered by tun-rs.
    SmoltcpTunRs,
    /// ipstack.
    Ipstack,
    /// netstack-smoltcp.
    NetstackSmoltcp,
    /// gVisor's netstack, if its sources and Go are there.
    Gvisor,
    /// The kernel over a veth pair.
    KernelVeth,
}

impl Subject {
    pub const ALL: [Subject; 9] = [
        Subject::Ours,
        Subject::OursTwoShards,
        Subject::Raw,
        Subject::Smoltcp,
        Subject::SmoltcpTunRs,
        Subject::Ipstack,
        Subject::NetstackSmoltcp,
        Subject::Gvisor,
        Subject::KernelVeth,
    ];

    /// Whether it is no stack beside ours: what bounds them all, and the kernel.
    pub fn bounds(self) -> bool {
        matches!(self, Subject::Raw | Subject::KernelVeth)
    }

    /// Whether this subject takes part in a case.
    pub fn takes_part(self, case: Case) -> bool {
        match self {
            Subject::Ours | Subject::Gvisor => true,
            // One connection has one shard.
            Subject::OursTwoShards => case.device == Device::Offload && case.connections > 1,
            Subject::Raw => case.connections == 1 && case.work != Work::RoundTrip,
            Subject::Smoltcp => case.device != Device::Offload,
            Subject::SmoltcpTunRs => case.device == Device::Offload,
            Subject::Ipstack | Subject::NetstackSmoltcp => case.device == Device::Plain,
            // Its segments are cut nowhere on the way: what it does with packets of 1500 bytes, this pair does not show.
            Subject::KernelVeth => case.device != Device::Plain,
        }
    }

    /// Starts the subject; it runs until the process ends. `received` counts what its sinks have read.
    pub fn start(self, case: Case, received: &Arc<AtomicU64>, verify: bool) -> anyhow::Result<()> {
        if self != Subject::KernelVeth {
            namespace::make_tun(case.device, self == Subject::OursTwoShards)?;
        }
        match self {
            Subject::Ours => ours::start(case, received, verify),
            Subject::OursTwoShards => ours::start_two_shards(received, verify),
            Subject::Raw => raw::start(case, received),
            Subject::Smoltcp | Subject::SmoltcpTunRs => smoltcp::start(case, received, verify),
            Subject::Ipstack => ipstack::start(case, received, verify),
            Subject::NetstackSmoltcp => netstack_smoltcp::start(case, received, verify),
            Subject::Gvisor => gvisor::start(case, received),
            Subject::KernelVeth => veth::start(case, received, verify),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Subject::Ours => "ours",
            Subject::OursTwoShards => "ours-two-shards",
            Subject::Raw => "raw",
            Subject::Smoltcp => "smoltcp",
            Subject::SmoltcpTunRs => "smoltcp-tun-rs",
            Subject::Ipstack => "ipstack",
            Subject::NetstackSmoltcp => "netstack-smoltcp",
            Subject::Gvisor => "gvisor",
            Subject::KernelVeth => "kernel-veth",
        })
    }
}

impl FromStr for Subject {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Subject> {
        Subject::ALL
            .into_iter()
            .find(|subject| subject.to_string() == text)
            .ok_or_else(|| anyhow!("nobody is called {text}"))
    }
}
