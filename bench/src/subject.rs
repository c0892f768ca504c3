//! Who is measured.

use crate::ours::Ours;
use crate::pair::{Failed, Pair};
use crate::setup::Setup;
use crate::smoltcp_peer::{Drive, Smoltcp};
use crate::work::Case;
use serde::Serialize;

/// A stack, or the way on which the kernel's is used.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// Netstrata.
    Ours,
    /// smoltcp, driven by `poll`.
    Smoltcp,
    /// smoltcp, driven in halves, so that its program acts between what came and what leaves.
    SmoltcpHalves,
    /// The kernel, over its loopback interface.
    Loopback,
    /// The kernel, over a veth pair between two network namespaces.
    Veth,
}

impl Subject {
    pub(crate) const ALL: [Subject; 5] =
        [Subject::Ours, Subject::Smoltcp, Subject::SmoltcpHalves, Subject::Loopback, Subject::Veth];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Subject::Ours => "ours",
            Subject::Smoltcp => "smoltcp",
            Subject::SmoltcpHalves => "smoltcp-halves",
            Subject::Loopback => "kernel-loopback",
            Subject::Veth => "kernel-veth",
        }
    }

    /// Whether this subject takes part in a case.
    pub(crate) fn takes_part(self, case: &Case) -> bool {
        match self {
            Subject::Ours => true,
            // It walks all sockets for each packet: 100 000 would take minutes to set up.
            Subject::Smoltcp => case.idle <= 10_000,
            Subject::SmoltcpHalves => case.checksums && case.idle == 0,
            // Its MTU is 65 536, and checksums are not its own to choose.
            Subject::Loopback => {
                case.checksums && case.idle <= 10_000 && (case.mtu == 65_535 || case.idle > 0)
            }
            Subject::Veth => case.checksums && case.idle == 0,
        }
    }

    /// Two hosts of this kind.
    pub(crate) fn pair(self, setup: &Setup) -> Result<Box<dyn Pair>, Failed> {
        match self {
            Subject::Ours => Ok(Box::new(Ours::new(setup)?)),
            Subject::Smoltcp => Ok(Box::new(Smoltcp::new(setup, Drive::Poll)?)),
            Subject::SmoltcpHalves => Ok(Box::new(Smoltcp::new(setup, Drive::Halves)?)),
            #[cfg(target_os = "linux")]
            Subject::Loopback => Ok(Box::new(crate::kernel::Kernel::over_loopback(setup)?)),
            #[cfg(target_os = "linux")]
            Subject::Veth => Ok(Box::new(crate::kernel::Kernel::over_veth(setup)?)),
            #[cfg(not(target_os = "linux"))]
            Subject::Loopback | Subject::Veth => Err(Failed::Refused("only Linux is measured".into())),
        }
    }
}
