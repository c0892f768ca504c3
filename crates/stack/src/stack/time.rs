//! What time brings.

use super::state::Stack;
use super::v6::Arrival;
use crate::interface::InterfaceId;
use crate::ip::reassembly::Beginning;
use crate::neighbour::Due;
use crate::timers::Timer;
use basis::Instant;
use core::net::IpAddr;
use wire::icmpv4::{self, Message};
use wire::{icmpv6, ipv6};

impl Stack {
    /// When [`Stack::on_timeout`] wants to be called next, if ever.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let never = Instant::FAR_FUTURE;
        let own = self.timers.next_deadline().unwrap_or(never);
        let earliest = own.min(self.tcp.poll_timeout().unwrap_or(never));
        (earliest != never).then_some(earliest)
    }

    /// Whether [`Stack::poll_transmit`] may have something to give on `interface`: who drives the stack must not sleep then.
    #[inline]
    pub fn has_transmit(&self, interface: InterfaceId) -> bool {
        let Some(entry) = self.interfaces.get(interface.index()) else { return false };
        entry.up && (self.tcp.has_transmit(interface.number()) || self.has_own_transmit(interface))
    }

    /// Whether something other than TCP has something to give on `interface`.
    #[inline]
    pub(super) fn has_own_transmit(&self, interface: InterfaceId) -> bool {
        let Some(entry) = self.interfaces.get(interface.index()) else { return false };
        entry.has_own_transmit()
    }

    /// Does what was due by `now`. Calling it early does no harm.
    pub fn on_timeout(&mut self, now: Instant) {
        while let Some(timer) = self.timers.pop_expired(now) {
            match timer {
                Timer::Neighbour { interface, slot } => {
                    self.on_neighbour_timeout(now, InterfaceId::from_number(interface), slot);
                }
                Timer::Address { interface, number } => {
                    self.on_address_timeout(now, InterfaceId::from_number(interface), number);
                }
                Timer::Reassembly { slot } => self.on_reassembly_timeout(now, slot),
                Timer::Upkeep { interface } => self.on_upkeep(now, InterfaceId::from_number(interface)),
            }
        }
        self.tcp.on_timeout(now);
    }

    fn on_neighbour_timeout(&mut self, now: Instant, id: InterfaceId, slot: u32) {
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
        // Whatever it was, the neighbour's state changes.
        interface.recent.clear();
        match interface.neighbours.on_timeout(now, slot, &mut self.timers) {
            Due::Nothing => {}
            Due::Ask(address, station) => interface.ask(&mut self.counters, address, station),
            Due::GiveUp(address, packets) => {
                if let IpAddr::V6(address) = address {
                    self.on_silent_router(id, address);
                }
                for packet in packets {
                    self.on_unsendable(now, &packet, icmpv4::HOST_UNREACHABLE);
                }
            }
        }
    }

    fn on_address_timeout(&mut self, now: Instant, id: InterfaceId, number: u32) {
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
        let action = interface.addresses.on_timeout(now, number, &mut self.timers, &mut self.random);
        if let Some(action) = action {
            self.act(id, action);
        }
    }

    fn on_reassembly_timeout(&mut self, now: Instant, slot: u32) {
        let Some(given_up) = self.reassembly.on_timeout(slot, &mut self.timers) else { return };
        self.counters.dropped.count(crate::Dropped::ReassemblyTimeout);
        let id = InterfaceId::from_number(given_up.interface);
        // RFC 1122 3.3.2, RFC 8200 4.5: only if the first fragment came.
        match given_up.beginning {
            Some(Beginning::V4(header, beginning)) => {
                let message = Message::TimeExceeded { code: icmpv4::REASSEMBLY_TIME_EXCEEDED };
                let destination = header.destination;
                let for_many = self.is_broadcast(destination.into()) || destination.is_multicast();
                self.send_error(now, id, &header, &beginning, for_many, message);
            }
            Some(Beginning::V6(beginning)) => {
                let Ok(header) = ipv6::Header::parse(beginning.first(), beginning.len()) else { return };
                let code = icmpv6::REASSEMBLY_TIME_EXCEEDED;
                let group = header.destination.is_multicast();
                let arrival =
                    Arrival { now, interface: id, station: None, header, group, reassembled: false };
                let message = icmpv6::Message::TimeExceeded { code };
                self.send_error_v6(&arrival, &beginning, message, false);
            }
            None => {}
        }
    }
}
