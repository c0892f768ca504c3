//! Which addresses this host has itself, which may change at any time.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use netstrata::network::is_kernels;

/// Answers that are remembered; when there are more, all are forgotten.
const MOST: usize = 4096;

/// Answers that hold until the operating system says that addresses, routes or their rules have changed.
pub(crate) struct OwnAddresses {
    known: Mutex<Known>,
}

struct Known {
    answers: BTreeMap<IpAddr, bool>,
    /// Without them nothing is remembered.
    changes: Option<changes::Changes>,
}

impl OwnAddresses {
    pub(crate) fn new() -> OwnAddresses {
        let changes = changes::Changes::watch();
        if let Err(error) = &changes {
            tracing::debug!(%error, "this host's addresses are asked for each flow anew");
        }
        OwnAddresses { known: Mutex::new(Known { answers: BTreeMap::new(), changes: changes.ok() }) }
    }

    /// Whether `address` is this host's.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        if address.is_loopback() {
            return true;
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Known { answers, changes } = &mut *known;
        let Some(changes) = changes else {
            drop(known);
            return is_kernels(address);
        };
        // They are told of before the change can be seen, so what is asked now is at least as new as what was read here.
        if changes.any() || answers.len() >= MOST {
            answers.clear();
        }
        *answers.entry(address).or_insert_with(|| is_kernels(address))
    }
}

/// What the kernel tells of changes (rtnetlink(7)).
#[cfg(target_os = "linux")]
mod changes {
    use nix::libc;
    use nix::sys::socket::{AddressFamily, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, socket};
    use socket2::Socket;
    use std::io::{self, ErrorKind, Read};
    use std::os::fd::{AsRawFd, OwnedFd};

    /// Links, addresses, routes and rules of both families. Their numbers are those of the old bit masks, as `bind` takes them.
    const GROUPS: [libc::c_int; 7] = [
        libc::RTMGRP_LINK,
        libc::RTMGRP_IPV4_IFADDR,
        libc::RTMGRP_IPV4_ROUTE,
        libc::RTMGRP_IPV4_RULE,
        libc::RTMGRP_IPV6_IFADDR,
        libc::RTMGRP_IPV6_ROUTE,
        1 << (libc::RTNLGRP_IPV6_RULE - 1),
    ];

    pub(super) struct Changes(Socket);

    impl Changes {
        pub(super) fn watch() -> io::Result<Changes> {
            let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
            let route = SockProtocol::NetlinkRoute;
            let watching: OwnedFd = socket(AddressFamily::Netlink, SockType::Raw, flags, route)?;
            let groups = GROUPS.iter().fold(0, |groups, group| groups | group.cast_unsigned());
            bind(watching.as_raw_fd(), &NetlinkAddr::new(0, groups))?;
            Ok(Changes(watching.into()))
        }

        /// Whether something has changed since this was last asked. When it cannot be told, yes.
        pub(super) fn any(&mut self) -> bool {
            // A message that does not fit is cut off: that there is one says all.
            let mut changed = false;
            loop {
                match self.0.read(&mut [0; 64]) {
                    Ok(_) => changed = true,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return changed,
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    // ENOBUFS: there were more than the socket holds, and they are gone.
                    Err(_) => return true,
                }
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod changes {
    use std::io::{self, ErrorKind};

    pub(super) struct Changes;

    impl Changes {
        pub(super) fn watch() -> io::Result<Changes> {
            Err(ErrorKind::Unsupported.into())
        }

        pub(super) fn any(&mut self) -> bool {
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    #[test]
    fn the_loopback_is_ours_and_what_nobody_may_have_is_not() {
        let own = OwnAddresses::new();
        // Asked, and then remembered.
        for _ in 0..2 {
            assert!(own.contains([127, 0, 0, 1].into()));
            assert!(own.contains([127, 3, 2, 1].into()));
            assert!(own.contains(Ipv6Addr::LOCALHOST.into()));
            assert!(!own.contains([198, 51, 100, 1].into()));
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let own = OwnAddresses::new();
        own.known.lock().unwrap().answers.extend((0..MOST as u32).map(|n| (Ipv4Addr::from(n).into(), false)));
        assert!(!own.contains([198, 51, 100, 1].into()));
        assert_eq!(own.known.lock().unwrap().answers.len(), usize::from(cfg!(target_os = "linux")));
    }
}
