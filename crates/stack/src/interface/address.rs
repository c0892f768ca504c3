//! The addresses of an interface: probed before use, announced, defended (RFC 5227).

use crate::config::{Defence, ProbeTimes, Probing};
use crate::timers::{Timer, Timers};
use alloc::vec::Vec;
use basis::{Instant, Random, TimerId};
use core::net::Ipv4Addr;
use core::time::Duration;
use ipnet::Ipv4Net;
use wire::arp::Packet;
use wire::ethernet::MacAddress;

/// Whether a host may use one of its addresses (RFC 5227).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AddressState {
    /// The link is being asked whether somebody else has it; not usable yet.
    Probing,
    /// In use.
    Assigned,
    /// Another station has it; not usable. Remove the address and add another, or the same to probe again.
    Conflict(MacAddress),
    /// What a router has told of it is over; it is gone. Only IPv6 addresses that the stack formed end so.
    Expired,
}

/// When another station last claimed an address in use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Claim {
    /// The hardware address it gave.
    pub station: MacAddress,
    /// When its packet came.
    pub at: Instant,
    /// Until when the address counts as contested: DEFEND_INTERVAL after that packet.
    pub until: Instant,
}

/// One address and what has become of it.
#[derive(Clone, Debug)]
pub(crate) struct OwnAddress {
    pub(crate) network: Ipv4Net,
    /// The network's broadcast address, or the address itself where a network has none (RFC 3021).
    broadcast: Ipv4Addr,
    number: u32,
    times: Option<ProbeTimes>,
    phase: Phase,
    defence: Defence,
    last_claim: Option<Claim>,
    /// When the link was last told that the address is ours because another station claimed it.
    last_defence: Option<Instant>,
    timer: Option<TimerId>,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// This many probes are still to be sent; then one wait more.
    Probing {
        left: u8,
    },
    /// In use; this many announcements are still to be sent.
    Assigned {
        announcements: u8,
    },
    Conflict(MacAddress),
}

/// What an address wants to be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Action {
    /// Broadcast a probe.
    Probe(Ipv4Addr),
    /// Broadcast an announcement.
    Announce(Ipv4Addr),
    /// The address may be used from now on; then broadcast an announcement.
    Assigned(Ipv4Addr),
    /// The station with this hardware address claims the address; broadcast an announcement.
    Defend(Ipv4Addr, MacAddress),
    /// The station with this hardware address claims the address; it was announced not long ago.
    Endure(Ipv4Addr, MacAddress),
    /// The address was lost to the station with this hardware address.
    Lost(Ipv4Addr, MacAddress),
}

/// How a packet's addresses relate to this interface's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Relation {
    /// The destination is one of ours.
    Own,
    /// The destination is the broadcast address of one of our networks, or of all.
    Broadcast,
    /// The destination is another's.
    Other,
    /// The source is ours or a broadcast address: nobody else may send so.
    ForgedSource,
}

impl OwnAddress {
    pub(crate) fn address(&self) -> Ipv4Addr {
        self.network.addr()
    }

    pub(crate) fn state(&self) -> AddressState {
        match self.phase {
            Phase::Probing { .. } => AddressState::Probing,
            Phase::Assigned { .. } => AddressState::Assigned,
            Phase::Conflict(by) => AddressState::Conflict(by),
        }
    }

    pub(crate) fn last_claim(&self) -> Option<Claim> {
        self.last_claim
    }

    fn is_assigned(&self) -> bool {
        matches!(self.phase, Phase::Assigned { .. })
    }

    /// Begins to probe (RFC 5227 2.1.1), or assigns at once.
    fn begin(&mut self, now: Instant, interface: u8, timers: &mut Timers, random: &mut Random) {
        timers.cancel(&mut self.timer);
        (self.last_claim, self.last_defence) = (None, None);
        match self.times {
            None => self.phase = Phase::Assigned { announcements: 0 },
            Some(times) => {
                self.phase = Phase::Probing { left: times.probes };
                let deadline = now + random_up_to(random, times.wait);
                let timer = Timer::Address { interface, number: self.number };
                timers.arm(&mut self.timer, deadline, timer);
            }
        }
    }

    fn on_timeout(
        &mut self,
        now: Instant,
        interface: u8,
        timers: &mut Timers,
        random: &mut Random,
    ) -> Option<Action> {
        self.timer = None;
        let times = self.times.unwrap_or_default();
        let address = self.address();
        let (phase, wait, action) = match self.phase {
            Phase::Probing { left: 0 } => {
                let left = times.announcements.saturating_sub(1);
                (Phase::Assigned { announcements: left }, times.announce_interval, Action::Assigned(address))
            }
            Phase::Probing { left: 1 } => {
                (Phase::Probing { left: 0 }, times.announce_wait, Action::Probe(address))
            }
            Phase::Probing { left } => {
                let spread = times.most_interval.saturating_sub(times.least_interval);
                let wait = times.least_interval + random_up_to(random, spread);
                (Phase::Probing { left: left - 1 }, wait, Action::Probe(address))
            }
            Phase::Assigned { announcements: 0 } | Phase::Conflict(_) => return None,
            Phase::Assigned { announcements } => {
                // Whatever it was armed for, it defends as well.
                self.last_defence = self.last_defence.map(|_| now);
                let phase = Phase::Assigned { announcements: announcements - 1 };
                (phase, times.announce_interval, Action::Announce(address))
            }
        };
        self.phase = phase;
        if !matches!(phase, Phase::Assigned { announcements: 0 }) {
            timers.arm(&mut self.timer, now + wait, Timer::Address { interface, number: self.number });
        }
        Some(action)
    }

    /// An ARP packet of another station that concerns this address.
    fn on_arp(
        &mut self,
        now: Instant,
        packet: &Packet,
        interface: u8,
        timers: &mut Timers,
    ) -> Option<Action> {
        let address = self.address();
        let claims = packet.sender_protocol == address;
        match self.phase {
            // RFC 5227 2.1.1: somebody has it, or probes for it at the same time.
            Phase::Probing { .. } if claims || packet.is_probe() && packet.target_protocol == address => {
                Some(self.lose(packet.sender_hardware, timers))
            }
            Phase::Assigned { announcements } if claims => {
                Some(self.on_claim(now, announcements, packet.sender_hardware, interface, timers))
            }
            _ => None,
        }
    }

    /// Another station claims the address in use (RFC 5227 2.4).
    fn on_claim(
        &mut self,
        now: Instant,
        announcements: u8,
        station: MacAddress,
        interface: u8,
        timers: &mut Timers,
    ) -> Action {
        let address = self.address();
        let interval = self.times.unwrap_or_default().defend_interval;
        let last = self.last_claim.replace(Claim { station, at: now, until: now + interval });
        // (b): defend once, then give way.
        if self.defence == Defence::GiveUp && last.is_some_and(|last| now < last.until) {
            return self.lose(station, timers);
        }
        // (c): defend, but never so often that two of the kind fill the link.
        match self.last_defence.map(|last| last + interval) {
            Some(next) if now < next && self.defence == Defence::Always => {
                // Deviates: RFC 5227 2.4 (c) says nothing after such a claim, however long. The neighbours that believed it
                // would go on sending to that station, so they are told once the interval is over: no oftener, only later.
                if announcements == 0 {
                    self.phase = Phase::Assigned { announcements: 1 };
                    timers.arm(&mut self.timer, next, Timer::Address { interface, number: self.number });
                }
                Action::Endure(address, station)
            }
            _ => {
                self.last_defence = Some(now);
                Action::Defend(address, station)
            }
        }
    }

    fn lose(&mut self, to: MacAddress, timers: &mut Timers) -> Action {
        timers.cancel(&mut self.timer);
        self.phase = Phase::Conflict(to);
        Action::Lost(self.address(), to)
    }
}

/// The addresses of one interface: few, so they are scanned.
#[derive(Clone, Debug)]
pub(crate) struct Addresses {
    interface: u8,
    list: Vec<OwnAddress>,
    next_number: u32,
    /// The only address and its broadcast address, while it is in use: all that most packets need be compared with.
    only: Option<(Ipv4Addr, Ipv4Addr)>,
}

impl Addresses {
    pub(crate) const fn new(interface: u8) -> Addresses {
        Addresses { interface, list: Vec::new(), next_number: 0, only: None }
    }

    /// A copy whose addresses stay as they are: nothing becomes due for them.
    pub(crate) fn without_timers(&self) -> Addresses {
        let mut copy = self.clone();
        copy.list.iter_mut().for_each(|own| own.timer = None);
        copy
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &OwnAddress> {
        self.list.iter()
    }

    /// Adds an address and begins to probe for it; returns its state.
    pub(crate) fn add(
        &mut self,
        now: Instant,
        network: Ipv4Net,
        (probing, defence): (Probing, Defence),
        timers: &mut Timers,
        random: &mut Random,
    ) -> AddressState {
        let times = match probing {
            Probing::Skip => None,
            Probing::Probe(times) => Some(times),
        };
        let broadcast = if network.prefix_len() < 31 { network.broadcast() } else { network.addr() };
        let mut own = OwnAddress {
            network,
            broadcast,
            number: self.next_number,
            times,
            phase: Phase::Assigned { announcements: 0 },
            defence,
            last_claim: None,
            last_defence: None,
            timer: None,
        };
        self.next_number = self.next_number.wrapping_add(1);
        own.begin(now, self.interface, timers, random);
        let state = own.state();
        self.list.push(own);
        self.note_only();
        state
    }

    pub(crate) fn remove(&mut self, address: Ipv4Addr, timers: &mut Timers) -> Option<OwnAddress> {
        let place = self.list.iter().position(|own| own.address() == address)?;
        let mut own = self.list.remove(place);
        timers.cancel(&mut own.timer);
        self.note_only();
        Some(own)
    }

    pub(crate) fn find(&self, address: Ipv4Addr) -> Option<&OwnAddress> {
        self.list.iter().find(|own| own.address() == address)
    }

    /// Whether `address` is ours and in use.
    #[inline]
    pub(crate) fn is_assigned(&self, address: Ipv4Addr) -> bool {
        self.list.iter().any(|own| own.address() == address && own.is_assigned())
    }

    /// Whether one look tells that a packet is [ours](Relation::Own), whoever sends; else [`Addresses::relation`] says what it is.
    #[inline(always)]
    pub(crate) fn is_plainly_ours(&self, source: Ipv4Addr, destination: Ipv4Addr) -> bool {
        self.only.is_some_and(|(own, broadcast)| destination == own && source != own && source != broadcast)
    }

    /// Some address has come, gone or changed its state.
    fn note_only(&mut self) {
        let own = self.list.first().filter(|own| self.list.len() == 1 && own.is_assigned());
        self.only = own.map(|own| (own.address(), own.broadcast));
    }

    /// How a packet from `source` to `destination` relates to us: one pass over the list.
    pub(crate) fn relation(&self, source: Ipv4Addr, destination: Ipv4Addr) -> Relation {
        let mut relation =
            if destination == Ipv4Addr::BROADCAST { Relation::Broadcast } else { Relation::Other };
        for own in &self.list {
            if source == own.broadcast || source == own.network.addr() && own.is_assigned() {
                return Relation::ForgedSource;
            }
            if own.is_assigned() {
                if destination == own.network.addr() {
                    relation = Relation::Own;
                } else if destination == own.broadcast {
                    relation = Relation::Broadcast;
                }
            }
        }
        relation
    }

    /// Whether `address` is the broadcast address of one of our networks.
    pub(crate) fn is_broadcast(&self, address: Ipv4Addr) -> bool {
        self.list.iter().any(|own| own.broadcast == address && own.network.addr() != address)
    }

    /// The address to send from to `next_hop`: one of the same network, else the first (RFC 1122 3.3.4.3).
    pub(crate) fn source_for(&self, next_hop: Ipv4Addr) -> Option<Ipv4Addr> {
        let mut usable = self.list.iter().filter(|own| own.is_assigned());
        let first = usable.clone().next()?;
        Some(usable.find(|own| own.network.contains(&next_hop)).unwrap_or(first).address())
    }

    pub(crate) fn on_timeout(
        &mut self,
        now: Instant,
        number: u32,
        timers: &mut Timers,
        random: &mut Random,
    ) -> Option<Action> {
        let own = self.list.iter_mut().find(|own| own.number == number)?;
        let action = own.on_timeout(now, self.interface, timers, random);
        self.note_only();
        action
    }

    /// An ARP packet of another station; at most one address can be concerned by its sender and one by its target.
    pub(crate) fn on_arp(&mut self, now: Instant, packet: &Packet, timers: &mut Timers) -> Option<Action> {
        let interface = self.interface;
        let action = self.list.iter_mut().find_map(|own| own.on_arp(now, packet, interface, timers));
        self.note_only();
        action
    }

    /// The link came back: perhaps it is another (RFC 5227 2.1). Returns the addresses that are being probed again.
    pub(crate) fn begin_again(
        &mut self,
        now: Instant,
        timers: &mut Timers,
        random: &mut Random,
    ) -> Vec<Ipv4Addr> {
        let mut again = Vec::new();
        for own in self.list.iter_mut().filter(|own| own.times.is_some()) {
            own.begin(now, self.interface, timers, random);
            again.push(own.address());
        }
        self.note_only();
        again
    }
}

fn random_up_to(random: &mut Random, most: Duration) -> Duration {
    let microseconds = u32::try_from(most.as_micros()).unwrap_or(u32::MAX - 1);
    Duration::from_micros(u64::from(random.below(microseconds + 1)))
}
