//! What all parts of a running gateway share.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use netstrata::{Failed, Host, Unreachable};
use services::Stop;
use services::gateway::{Cause, Counters, Flow, Flows, Policy, Protocol, Stations};

use super::notice::Notice;
use super::own::OwnAddresses;
use crate::values::exposure::{Exposure, Transport};

/// A running gateway.
pub(crate) struct Engine {
    /// The stack that guests have for their router.
    pub(crate) host: Host,
    /// Its addresses.
    pub(crate) own: Vec<IpAddr>,
    /// Where guests may go.
    pub(crate) policy: Arc<Policy>,
    /// Whether they may go to all addresses of this host but its loopback.
    pub(crate) host_addresses: bool,
    /// Those.
    pub(crate) own_addresses: OwnAddresses,
    /// Guests' ports that are reachable outside.
    pub(crate) published: Vec<Exposure>,
    /// Who has which address.
    pub(crate) stations: Arc<Stations>,
    /// What they have.
    pub(crate) flows: Arc<Flows>,
    /// What was refused.
    pub(crate) counters: Arc<Counters>,
    /// How many calls may wait for their decision or their handshake.
    pub(crate) backlog: u32,
    /// How long a UDP flow may be silent.
    pub(crate) udp_idle: Duration,
    /// When to stop.
    pub(crate) stop: Stop,
}

impl Engine {
    /// Enters a flow and finds where it goes.
    pub(crate) fn admit(
        &self,
        protocol: Protocol,
        guest: SocketAddr,
        meant: SocketAddr,
    ) -> Result<(Flow, SocketAddr), Cause> {
        let flow = self.enter(protocol, guest, meant)?;
        Ok((flow, self.allow(protocol, guest, meant)?))
    }

    /// Finds where what a guest sends goes, if it may go there.
    pub(crate) fn allow(
        &self,
        protocol: Protocol,
        guest: SocketAddr,
        meant: SocketAddr,
    ) -> Result<SocketAddr, Cause> {
        let now = std::time::Instant::now();
        // What is published is there for everybody, and so for guests: a packet turns round at the gateway (RFC 4787 REQ-9, RFC 5382 REQ-8).
        let open = self.host_addresses || self.is_published(protocol, meant.ip(), Some(meant.port()));
        let is_hosts = |address| !open && self.own_addresses.contains(address);
        let target = self.policy.target(meant, is_hosts, now);
        target.inspect_err(|cause| self.count(*cause, guest.ip(), protocol, meant))
    }

    /// Whether a guest's port, or this one, is published for others than this host at `address`.
    pub(crate) fn is_published(&self, protocol: Protocol, address: IpAddr, port: Option<u16>) -> bool {
        let address = address.to_canonical();
        self.published.iter().any(|Exposure { outside, transport, .. }| {
            let at = outside.ip();
            let is_there = at == address || at.is_unspecified() && at.is_ipv4() == address.is_ipv4();
            let is_of = match transport {
                Transport::Tcp => protocol == Protocol::Tcp,
                Transport::Udp => protocol == Protocol::Udp,
            };
            is_there && is_of && !address.is_loopback() && port.is_none_or(|port| port == outside.port())
        })
    }

    /// Enters a flow of a guest. Other sources are forged, and take no guest's place.
    pub(crate) fn enter(
        &self,
        protocol: Protocol,
        guest: SocketAddr,
        meant: SocketAddr,
    ) -> Result<Flow, Cause> {
        if !self.policy.is_guest(guest.ip()) {
            self.count(Cause::Foreign, guest.ip(), protocol, meant);
            return Err(Cause::Foreign);
        }
        let (holder, now) = (self.stations.holder(guest.ip()), std::time::Instant::now());
        let flow = self.flows.enter(protocol, holder, guest, meant, now)?;
        self.stations.engage(guest.ip(), now);
        Ok(flow)
    }

    /// Counts what was not done.
    pub(crate) fn count(&self, cause: Cause, guest: IpAddr, protocol: Protocol, meant: SocketAddr) {
        self.counters.count(cause, Some(guest), format_args!("{protocol} to {meant}"));
    }

    /// Tells a guest that what it sent did not get there, in the name of `teller` if another one said so.
    pub(crate) fn tell(&self, failed: Failed<'_>, why: Unreachable, teller: Option<IpAddr>) {
        self.host.with(|stack, now| stack.tell_unreachable(now, failed, why, teller));
    }

    /// In whose name a guest is told of what became of a datagram for `meant`: of who said so, if it can have heard of that one.
    pub(crate) fn teller(&self, notice: &Notice, meant: IpAddr) -> Option<IpAddr> {
        let teller = notice.teller.map(|teller| self.policy.seen(teller))?;
        let far = match teller {
            IpAddr::V4(teller) => !teller.is_loopback() && !teller.is_link_local(),
            IpAddr::V6(teller) => !teller.is_loopback() && !teller.is_unicast_link_local(),
        };
        (far || teller == meant).then_some(teller)
    }
}
