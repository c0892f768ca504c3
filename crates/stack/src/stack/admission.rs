//! Which IPv4 packets may come in, by their addresses (RFC 1122 3.2.1.3). IPv6 has its own in `v6/input.rs`.

use super::interception::takes;
use super::state::Stack;
use crate::config::Medium;
use crate::dropped::Dropped;
use crate::interface::address::Relation;
use crate::interface::{Interface, InterfaceId};
use core::net::{IpAddr, Ipv4Addr};

impl Stack {
    /// Whether a packet with these addresses may come in by this interface; if so, whether it is for more hosts than this one.
    #[inline(always)]
    pub(super) fn admit(
        &self,
        id: InterfaceId,
        source: Ipv4Addr,
        destination: Ipv4Addr,
        time_to_live: u8,
    ) -> Result<bool, Dropped> {
        let interface = self.interfaces.get(id.index()).ok_or(Dropped::NoSuchInterface)?;
        if is_far_host(source)
            && interface.medium != Medium::Loopback
            && interface.addresses.is_plainly_ours(source, destination)
        {
            return Ok(false);
        }
        self.admit_other(interface, source, destination, time_to_live)
    }

    /// [`Stack::admit`] for a packet that is not plainly for this host.
    #[inline(never)]
    fn admit_other(
        &self,
        interface: &Interface,
        source: Ipv4Addr,
        destination: Ipv4Addr,
        time_to_live: u8,
    ) -> Result<bool, Dropped> {
        if interface.medium == Medium::Loopback || !is_far_host(source) {
            return self.admit_odd(interface, source, destination);
        }
        match interface.addresses.relation(source, destination) {
            Relation::Own => Ok(false),
            Relation::Broadcast => Ok(true),
            Relation::ForgedSource => Err(Dropped::MartianSource),
            Relation::Other if interface.groups.contains(IpAddr::V4(destination)) => Ok(true),
            Relation::Other if takes(interface, IpAddr::V4(destination)) => match time_to_live {
                0 | 1 => Err(Dropped::NoHopLeft),
                _ => Ok(false),
            },
            Relation::Other if destination.is_loopback() => Err(Dropped::MartianDestination),
            Relation::Other => Err(Dropped::OtherHost),
        }
    }

    /// A packet that never left this host, or says so, or of a source that no host has.
    #[cold]
    fn admit_odd(
        &self,
        interface: &Interface,
        source: Ipv4Addr,
        destination: Ipv4Addr,
    ) -> Result<bool, Dropped> {
        if !super::routing::is_host(source) {
            return from_nobody(interface, source, destination);
        }
        if interface.medium != Medium::Loopback {
            return Err(Dropped::MartianSource);
        }
        match self.is_own(IpAddr::V4(destination)) && self.is_own(IpAddr::V4(source)) {
            true => Ok(false),
            false => Err(Dropped::OtherHost),
        }
    }
}

/// Whether a host on some link can have `source`.
#[inline(always)]
fn is_far_host(source: Ipv4Addr) -> bool {
    super::routing::is_host(source) && !source.is_loopback()
}

/// Who has no address yet may ask all hosts of the link for one (RFC 1122 3.2.1.3 a, RFC 2131 4.1), and do nothing else.
fn from_nobody(interface: &Interface, source: Ipv4Addr, destination: Ipv4Addr) -> Result<bool, Dropped> {
    let asks = source.is_unspecified() && destination.is_broadcast();
    if asks && interface.medium != Medium::Loopback { Ok(true) } else { Err(Dropped::MartianSource) }
}
