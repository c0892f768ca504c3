//! What all parts of a running gateway share.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use netstrata::{Failed, Host, Unreachable};
use services::Stop;
use services::gateway::{Cause, Counters, Flow, Flows, Policy, Protocol, Stations};

use super::own::OwnAddresses;

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
        let now = std::time::Instant::now();
        let is_hosts = |address| !self.host_addresses && self.own_addresses.contains(address);
        match self.policy.target(meant, is_hosts, now) {
            Ok(target) => Ok((flow, target)),
            Err(cause) => {
                self.count(cause, guest.ip(), protocol, meant);
                Err(cause)
            }
        }
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
        let holder = self.stations.holder(guest.ip());
        self.flows.enter(protocol, holder, guest, meant, std::time::Instant::now())
    }

    /// Counts what was not done.
    pub(crate) fn count(&self, cause: Cause, guest: IpAddr, protocol: Protocol, meant: SocketAddr) {
        self.counters.count(cause, Some(guest), format_args!("{protocol} to {meant}"));
    }

    /// Tells a guest that what it sent did not get there.
    pub(crate) fn tell(&self, failed: Failed, why: Unreachable) {
        self.host.with(|stack, now| stack.tell_unreachable(now, failed, why));
    }
}
