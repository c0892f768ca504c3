//! Who sends to a published UDP port, and as whom the guest sees it: what the guest answers goes back where it came from.

use ipnet::IpNet;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

/// Callers of one published port that are remembered at once.
const MOST_CALLERS: usize = 1024;
/// The least port that stands for a caller: those below may be the gateway's own.
const LEAST_PORT: u16 = 1024;

/// The callers of one published port.
///
/// The guest sees a caller's own address where its answer to that comes by the gateway. Others, such as this host's loopback and callers of
/// the other family, are seen at the gateway's address, each at a port that stands for it there.
#[derive(Debug)]
pub struct Callers {
    gateway: IpAddr,
    own: Vec<IpNet>,
    idle: Duration,
    by_address: BTreeMap<SocketAddr, Caller>,
    by_seen: BTreeMap<SocketAddr, SocketAddr>,
}

#[derive(Debug)]
struct Caller {
    seen: SocketAddr,
    heard: Instant,
    answered: bool,
}

impl Callers {
    /// For a port of a guest that knows the gateway as `gateway`, in the networks `own`.
    pub fn new(gateway: IpAddr, own: Vec<IpNet>, idle: Duration) -> Callers {
        Callers { gateway, own, idle, by_address: BTreeMap::new(), by_seen: BTreeMap::new() }
    }

    /// A datagram came from `caller`: as whom the guest sees it. None if there is no port left to stand for it.
    pub fn calls(&mut self, caller: SocketAddr, now: Instant) -> Option<SocketAddr> {
        if let Some(known) = self.by_address.get_mut(&caller) {
            known.heard = now;
            return Some(known.seen);
        }
        self.make_room(now);
        let seen = match self.is_reached_through(caller.ip()) {
            true => SocketAddr::new(caller.ip(), caller.port()),
            false => self.stand_in(caller.port())?,
        };
        self.by_address.insert(caller, Caller { seen, heard: now, answered: false });
        self.by_seen.insert(seen, caller);
        Some(seen)
    }

    /// As whom the guest sees a caller that is remembered.
    pub fn seen(&self, caller: SocketAddr) -> Option<SocketAddr> {
        self.by_address.get(&caller).map(|caller| caller.seen)
    }

    /// The guest sends to `seen`: the caller whom that reaches, if it is one not long ago.
    pub fn answers(&mut self, seen: SocketAddr, now: Instant) -> Option<SocketAddr> {
        let caller = *self.by_seen.get(&seen)?;
        let known = self.by_address.get_mut(&caller)?;
        if now.duration_since(known.heard) >= self.idle {
            self.forget(caller);
            return None;
        }
        (known.heard, known.answered) = (now, true);
        Some(caller)
    }

    /// Whether what the guest sends to `address` comes to the gateway, which can speak as it.
    fn is_reached_through(&self, address: IpAddr) -> bool {
        let far = match address {
            IpAddr::V4(address) => !address.is_loopback() && !address.is_link_local(),
            IpAddr::V6(address) => !address.is_loopback() && !address.is_unicast_link_local(),
        };
        far && address.is_ipv4() == self.gateway.is_ipv4()
            && !self.own.iter().any(|own| own.contains(&address))
    }

    /// The caller's own port at the gateway's address, or the next one that stands for nobody.
    fn stand_in(&self, port: u16) -> Option<SocketAddr> {
        let first = port.max(LEAST_PORT);
        let ports = (first..=u16::MAX).chain(LEAST_PORT..first);
        let mut places = ports.map(|port| SocketAddr::new(self.gateway, port));
        places.find(|place| !self.by_seen.contains_key(place))
    }

    /// One that was never answered goes before all others, so that a flood of them displaces no conversation.
    fn make_room(&mut self, now: Instant) {
        if self.by_address.len() < MOST_CALLERS {
            return;
        }
        let worth = |caller: &Caller| {
            let over = now.duration_since(caller.heard) >= self.idle;
            (caller.answered && !over, caller.heard)
        };
        let least = self.by_address.iter().min_by_key(|(_, caller)| worth(caller));
        if let Some(caller) = least.map(|(caller, _)| *caller) {
            self.forget(caller);
        }
    }

    fn forget(&mut self, caller: SocketAddr) {
        if let Some(known) = self.by_address.remove(&caller) {
            self.by_seen.remove(&known.seen);
        }
    }
}

#[cfg(test)]
mod tests;
