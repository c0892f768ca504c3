//! Where what a guest sends is carried to, if it may go there.

use super::counters::Cause;
use super::rules::Rules;
use super::verdict::Verdict;
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What guests reach at the gateway's own addresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HostLoopback {
    /// The gateway's own services alone.
    Closed,
    /// What this host's loopback has, too.
    Open,
}

/// Decides about each flow.
#[derive(Debug)]
pub struct Policy {
    own: Vec<IpNet>,
    host_loopback: HostLoopback,
    rules: Mutex<Rules>,
}

impl Policy {
    /// For a gateway with these addresses in their networks.
    pub fn new(own: Vec<IpNet>, host_loopback: HostLoopback, rules: Rules) -> Policy {
        Policy { own, host_loopback, rules: Mutex::new(rules) }
    }

    /// As whom a guest sees what comes from `address` on the operating system's side; where [`Policy::target`] leads, led back.
    pub fn seen(&self, address: IpAddr) -> IpAddr {
        let address = address.to_canonical();
        let loopback = match address {
            IpAddr::V4(address) => address == Ipv4Addr::LOCALHOST,
            IpAddr::V6(address) => address == Ipv6Addr::LOCALHOST,
        };
        let own = || self.own.iter().map(IpNet::addr).find(|own| own.is_ipv4() == address.is_ipv4());
        if loopback { own().unwrap_or(address) } else { address }
    }

    /// Where a flow to `meant` goes that has already been let go there.
    pub fn outside(&self, meant: SocketAddr) -> SocketAddr {
        let address = meant.ip().to_canonical();
        let outside = match self.own.iter().any(|own| own.addr() == address) {
            true => loopback(address),
            false => address,
        };
        SocketAddr::new(outside, meant.port())
    }

    /// Where on the operating system's side a flow to `meant` goes. `is_hosts` says of an address whether this host has it itself.
    ///
    /// # Errors
    /// [`Cause::Denied`] if it may not go there; [`Cause::Refused`] if it is for the gateway itself, which has nothing there.
    pub fn target(
        &self,
        meant: SocketAddr,
        is_hosts: impl FnOnce(IpAddr) -> bool,
        now: Instant,
    ) -> Result<SocketAddr, Cause> {
        let address = meant.ip().to_canonical();
        if self.own.iter().any(|own| own.addr() == address) {
            return match self.host_loopback {
                HostLoopback::Open => Ok(SocketAddr::new(loopback(address), meant.port())),
                HostLoopback::Closed => Err(Cause::Refused),
            };
        }
        // Who is on the guest's own link is not out there, whoever may have the same address here.
        let on_link = self.own.iter().any(|own| own.contains(&address));
        match self.rules().verdict(address, is_hosts(address), now) {
            Verdict::Allow if !on_link => Ok(SocketAddr::new(address, meant.port())),
            _ => Err(Cause::Denied),
        }
    }

    /// Whether `address` is in one of the gateway's own networks, as guests are. Nothing could be answered to others.
    pub fn is_guest(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.own.iter().any(|own| own.contains(&address) && own.addr() != address)
    }

    /// Whether `address` stands for many hosts: a group, or all on a link.
    pub fn is_for_many(&self, address: IpAddr) -> bool {
        match address.to_canonical() {
            IpAddr::V4(v4) => {
                let all = |own: &IpNet| own.prefix_len() < 31 && own.broadcast() == IpAddr::V4(v4);
                v4.is_multicast() || v4.is_broadcast() || self.own.iter().any(all)
            }
            IpAddr::V6(v6) => v6.is_multicast(),
        }
    }

    /// Whether a name may be asked for.
    pub fn may_ask(&self, name: &str) -> bool {
        self.rules().may_ask(name)
    }

    /// Whether a name may come of another that was asked for.
    pub fn may_lead_to(&self, name: &str) -> bool {
        self.rules().name_verdict(name) != Some(Verdict::Deny)
    }

    /// An answer said that these names are at `address`.
    pub fn learn<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
        address: IpAddr,
        time_to_live: Duration,
        now: Instant,
    ) {
        let mut rules = self.rules();
        names.into_iter().for_each(|name| rules.learn(name, address, time_to_live, now));
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The loopback address of a family.
fn loopback(family: IpAddr) -> IpAddr {
    match family {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::disallowed_methods, reason = "any time will do")]
    fn the_gateways_own_address_is_this_host_only_if_asked_and_its_link_is_not_outside() {
        let own = || vec!["10.7.0.1/24".parse().unwrap(), "fd07::1/64".parse().unwrap()];
        let target = |policy: &Policy, to: &str| {
            policy.target(
                to.parse().unwrap(),
                |address| address == IpAddr::from([192, 0, 2, 7]),
                Instant::now(),
            )
        };
        let closed = Policy::new(own(), HostLoopback::Closed, Rules::new(&[], &[]));
        let open = Policy::new(own(), HostLoopback::Open, Rules::new(&[], &[]));
        assert_eq!(target(&closed, "10.7.0.1:80"), Err(Cause::Refused));
        assert_eq!(target(&open, "10.7.0.1:80"), Ok("127.0.0.1:80".parse().unwrap()));
        assert_eq!(target(&open, "[fd07::1]:80"), Ok("[::1]:80".parse().unwrap()));
        for (meant, outside) in
            [("10.7.0.1:80", "127.0.0.1:80"), ("[fd07::1]:80", "[::1]:80"), ("192.0.2.1:80", "192.0.2.1:80")]
        {
            let (meant, outside): (SocketAddr, SocketAddr) =
                (meant.parse().unwrap(), outside.parse().unwrap());
            assert_eq!((open.outside(meant), open.seen(outside.ip())), (outside, meant.ip()));
        }
        assert_eq!(open.seen([127, 0, 0, 2].into()), IpAddr::from([127, 0, 0, 2]));
        for policy in [&closed, &open] {
            assert_eq!(target(policy, "192.0.2.1:80"), Ok("192.0.2.1:80".parse().unwrap()));
            for denied in [
                "10.7.0.2:80",
                "10.7.0.255:80",
                "[fd07::9]:80",
                "127.0.0.1:80",
                "169.254.169.254:80",
                "192.0.2.7:80",
            ] {
                assert_eq!(target(policy, denied), Err(Cause::Denied), "{denied}");
            }
        }
        assert!(closed.may_ask("example.org"));
        for guest in ["10.7.0.2", "::ffff:10.7.0.254", "fd07::1:2"] {
            assert!(closed.is_guest(guest.parse().unwrap()), "{guest}");
        }
        for other in ["10.7.0.1", "10.7.1.2", "192.0.2.1", "0.0.0.0", "fd07::1", "fd07:0:0:1::2", "::1"] {
            assert!(!closed.is_guest(other.parse().unwrap()), "{other}");
        }
        for many in ["224.0.0.251", "255.255.255.255", "10.7.0.255", "ff02::fb"] {
            assert!(closed.is_for_many(many.parse().unwrap()), "{many}");
        }
        assert!(!closed.is_for_many([10, 7, 1, 255].into()));
    }
}
