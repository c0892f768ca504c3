//! What time brings to an interface's addresses, routers and groups.

use crate::interface::InterfaceId;
use crate::stack::state::Stack;
use crate::timers::Timer;
use basis::Instant;
use core::net::Ipv6Addr;
use wire::ipv6::ALL_ROUTERS;
use wire::ndp::{Message, Options};

impl Stack {
    /// Arms the interface's timer for what is due next, or disarms it.
    pub(crate) fn plan_upkeep(&mut self, id: InterfaceId) {
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
        let due = [interface.v6.next(), interface.groups.next()].into_iter().flatten().min();
        match due {
            Some(due) => {
                let timer = Timer::Upkeep { interface: id.number() };
                self.timers.arm(&mut interface.upkeep, due, timer);
            }
            None => self.timers.cancel(&mut interface.upkeep),
        }
    }

    pub(crate) fn on_upkeep(&mut self, now: Instant, id: InterfaceId) {
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
        interface.upkeep = None;
        let mut at = 0;
        while let Some(own) =
            self.interfaces.get_mut(id.index()).and_then(|entry| entry.v6.addresses.get_mut(at))
        {
            let address = own.address;
            at += 1;
            if let Some(action) = own.on_timeout(now) {
                self.act_v6(now, id, address, action);
            }
        }
        self.expire_v6(now, id);
        self.report_groups(now, id);
        self.solicit_due(now, id);
        self.advertise_router_due(now, id);
        self.plan_upkeep(id);
    }

    fn solicit_due(&mut self, now: Instant, id: InterfaceId) {
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
        if !interface.v6.take_solicitation(now) {
            return;
        }
        let Some(hardware) = interface.hardware() else { return };
        let source = interface.v6.link_local().unwrap_or(Ipv6Addr::UNSPECIFIED);
        // RFC 4861 4.1: from nobody's address nobody's station is told.
        let options =
            if source.is_unspecified() { Options::default() } else { Options::from_source(hardware) };
        let message = Message::RouterSolicitation;
        interface.push_to_group(&mut self.counters, &message, &options, (source, ALL_ROUTERS));
    }
}
