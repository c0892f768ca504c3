//! What is measured.

use anyhow::anyhow;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A kind of work.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// From the kernel's sockets to the stack's, as fast as it goes.
    ToUser,
    /// From the stack's sockets to the kernel's.
    ToKernel,
    /// 64 bytes to the stack and back.
    RoundTrip,
}

/// What the device is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Device {
    /// Packets of 1500 bytes with their checksums.
    Plain,
    /// The same MTU; super-segments and unfinished checksums pass.
    Offload,
    /// Packets of 65 535 bytes with their checksums.
    Large,
}

impl Device {
    /// Bytes of the largest packet.
    pub const fn mtu(self) -> usize {
        match self {
            Device::Plain | Device::Offload => 1_500,
            Device::Large => 65_535,
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Device::Plain => "1500",
            Device::Offload => "1500-offload",
            Device::Large => "65535",
        })
    }
}

/// A work and what it is done under.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Case {
    pub work: Work,
    pub device: Device,
    /// Connections at once.
    pub connections: usize,
}

impl Case {
    /// All cases of a run.
    pub fn all() -> Vec<Case> {
        let mut cases = Vec::new();
        for device in [Device::Plain, Device::Offload, Device::Large] {
            for work in [Work::ToUser, Work::ToKernel] {
                cases.extend([1, 16, 256].map(|connections| Case { work, device, connections }));
            }
        }
        for device in [Device::Plain, Device::Offload] {
            cases.push(Case { work: Work::RoundTrip, device, connections: 1 });
        }
        cases
    }

    /// The unit of its figures.
    pub fn unit(self) -> &'static str {
        match self.work {
            Work::ToUser | Work::ToKernel => "Gbit/s",
            Work::RoundTrip => "us",
        }
    }

    pub fn lower_is_better(self) -> bool {
        self.work == Work::RoundTrip
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let work = match self.work {
            Work::ToUser => "to-user",
            Work::ToKernel => "to-kernel",
            Work::RoundTrip => "round-trip",
        };
        write!(f, "{work}/{}/{}", self.device, self.connections)
    }
}

impl FromStr for Case {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Case> {
        Case::all()
            .into_iter()
            .find(|case| case.to_string() == text)
            .ok_or_else(|| anyhow!("no case is called {text}"))
    }
}
