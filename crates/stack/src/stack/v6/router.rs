//! An interface's owner is a router for its link and says so (RFC 4861 6.2). What hosts send by it is the owner's concern.

use super::input::Arrival;
use crate::config::RouterAdvertisement;
use crate::dropped::Dropped;
use crate::interface::InterfaceId;
use crate::interface::v6::Advertiser;
use crate::stack::state::Stack;
use alloc::boxed::Box;
use basis::Instant;
use core::net::IpAddr;
use wire::Malformed;
use wire::ipv6::{ALL_NODES, ALL_ROUTERS};
use wire::ndp::{Message, Options};

impl Stack {
    /// Advertises this host as a router on an interface: now, when hosts ask, at most once in 3 s, and every few minutes; its own
    /// hardware address is told too. `None`: no more, which is said once with a lifetime of 0 (RFC 4861 6.2.5). False if the interface
    /// is unknown, no Ethernet, or without a link-local address by [`Stack::enable_ipv6`].
    pub fn advertise_router(
        &mut self,
        now: Instant,
        interface: InterfaceId,
        says: Option<RouterAdvertisement>,
    ) -> bool {
        let Some(entry) = self.interfaces.get_mut(interface.index()) else { return false };
        if entry.hardware().is_none() || entry.v6.setting.is_none() {
            return false;
        }
        match says {
            Some(says) => {
                let advertiser = Box::new(Advertiser::new(now, says));
                if entry.v6.advertiser.replace(advertiser).is_none()
                    && entry.groups.join(now, IpAddr::V6(ALL_ROUTERS)).is_none()
                {
                    entry.v6.advertiser = None;
                    return false;
                }
            }
            None => {
                let Some(mut last) = entry.v6.advertiser.take() else { return false };
                entry.groups.leave(now, IpAddr::V6(ALL_ROUTERS));
                last.says.router.lifetime = 0;
                self.send_router_advertisement(interface, &last.says);
            }
        }
        self.plan_upkeep(interface);
        true
    }

    /// RFC 4861 6.1.1 and 6.2.6.
    pub(super) fn on_router_solicitation(
        &mut self,
        arrival: Arrival,
        options: &Options,
    ) -> Result<(), Dropped> {
        let Arrival { now, interface: id, header, .. } = arrival;
        let interface = self.interfaces.get_mut(id.index()).ok_or(Dropped::NoSuchInterface)?;
        // It is for routers, and this one is none.
        let Some(advertiser) = &mut interface.v6.advertiser else { return Err(Dropped::IcmpIgnored) };
        if header.source.is_unspecified() && options.source.is_some() {
            return Err(Dropped::Malformed(Malformed::NdpFormat));
        }
        advertiser.on_solicitation(now, &mut self.random);
        if let (false, Some(station)) = (header.source.is_unspecified(), options.source) {
            self.meet(arrival, station);
        }
        self.plan_upkeep(id);
        Ok(())
    }

    /// Advertises when that is due.
    pub(super) fn advertise_router_due(&mut self, now: Instant, id: InterfaceId) {
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
        let ready = interface.v6.link_local().is_some() && interface.up;
        let Some(advertiser) = &mut interface.v6.advertiser else { return };
        if !advertiser.is_due(now) {
            return;
        }
        if !ready {
            return advertiser.postpone(now);
        }
        advertiser.sent(now, &mut self.random);
        let says = advertiser.says.clone();
        self.send_router_advertisement(id, &says);
    }

    fn send_router_advertisement(&mut self, id: InterfaceId, says: &RouterAdvertisement) {
        // The first shard speaks for all.
        if !self.config.shard.is_first() {
            return;
        }
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
        let (Some(source), Some(hardware)) = (interface.v6.link_local(), interface.hardware()) else {
            return;
        };
        let message = Message::RouterAdvertisement(says.router);
        let options = Options { source: Some(hardware), ..says.options.clone() };
        interface.push_to_group(&mut self.counters, &message, &options, (source, ALL_NODES));
    }
}
