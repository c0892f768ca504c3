//! The neighbours of one interface: address to hardware address, bounded.

use super::entry::{Neighbour, NeighbourState};
use crate::config::NeighbourConfig;
use crate::timers::{MAX_SLOTS, Timer, Timers};
use alloc::collections::VecDeque;
use basis::{Frame, HashKey, Instant, Key, Slab};
use core::net::IpAddr;
use core::ops::RangeInclusive;
use core::time::Duration;
use hashbrown::HashMap;
use wire::ethernet::MacAddress;

/// Entries looked at to find one that may go.
const CANDIDATES: u32 = 16;

/// What routers may tell (RFC 4861 6.2.1 allows them an hour at most), so that whoever forges an advertisement neither has neighbours
/// asked without end nor keeps one that is gone.
///
/// Deviates: RFC 4861 6.3.4 takes every time that is not zero, of up to 49 days.
const TOLD_REACHABLE: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3600);
const TOLD_RETRANSMIT: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(10);

/// What a look-up found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Resolution {
    /// The station, and until when this need not be looked up again.
    Known { hardware: MacAddress, until: Instant },
    /// Not known: hold the packet; `ask` says whether to broadcast a request now.
    Unknown { ask: bool },
    /// It did not answer a moment ago.
    Failed,
}

/// What a neighbour's timer wants to be done.
#[derive(Debug)]
pub(crate) enum Due {
    Nothing,
    /// Send a request: to this station if it is known, else to all.
    Ask(IpAddr, Option<MacAddress>),
    /// The neighbour does not answer; these packets cannot be sent.
    GiveUp(IpAddr, VecDeque<Frame>),
}

/// What became of a packet that was to be held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Held {
    Yes,
    /// In place of an older one.
    InPlaceOfOlder,
    /// There was no room.
    No,
}

/// Times that routers can change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Times {
    /// How long an answer is trusted.
    pub(crate) reachable: Duration,
    /// Time between requests.
    pub(crate) retransmit: Duration,
}

/// The neighbours of one interface.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    pub(super) interface: u8,
    config: NeighbourConfig,
    /// What routers have told for IPv6 (RFC 4861 6.3.4).
    told: Times,
    pub(super) by_address: HashMap<IpAddr, Key, HashKey>,
    pub(super) entries: Slab<Neighbour>,
    pub(super) waiting_bytes: usize,
    /// Where the search for an entry that may go begins next.
    hand: u32,
}

impl Cache {
    pub(crate) fn new(interface: u8, config: NeighbourConfig, key: HashKey) -> Cache {
        let config = NeighbourConfig { max_entries: config.max_entries.clamp(1, MAX_SLOTS), ..config };
        Cache {
            interface,
            told: Times { reachable: config.reachable_time, retransmit: config.retransmit_interval },
            config,
            by_address: HashMap::with_hasher(key),
            entries: Slab::new(),
            waiting_bytes: 0,
            hand: 0,
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Neighbour> {
        self.entries.iter().map(|(_, neighbour)| neighbour)
    }

    /// Forgets everything and everything that waits.
    pub(crate) fn clear(&mut self, timers: &mut Timers) {
        for key in self.by_address.drain().map(|(_, key)| key) {
            if let Some(mut entry) = self.entries.remove(key) {
                timers.cancel(&mut entry.timer);
            }
        }
        self.waiting_bytes = 0;
    }

    /// The times for `address`: ARP's are the owner's, those of neighbour discovery a router's too.
    pub(super) fn times(&self, address: IpAddr) -> Times {
        match address {
            IpAddr::V4(_) => {
                let NeighbourConfig { reachable_time, retransmit_interval, .. } = self.config;
                Times { reachable: reachable_time, retransmit: retransmit_interval }
            }
            IpAddr::V6(_) => self.told,
        }
    }

    /// A router told these times; those that are zero stay as they are, and others are believed within bounds.
    pub(crate) fn on_times(&mut self, told: Times) {
        for (time, told, bounds) in [
            (&mut self.told.reachable, told.reachable, TOLD_REACHABLE),
            (&mut self.told.retransmit, told.retransmit, TOLD_RETRANSMIT),
        ] {
            if !told.is_zero() {
                *time = told.clamp(*bounds.start(), *bounds.end());
            }
        }
    }

    /// Finds the station that has `address`, or begins to ask for it.
    pub(crate) fn resolve(&mut self, now: Instant, address: IpAddr, timers: &mut Timers) -> Resolution {
        let key = match self.by_address.get(&address) {
            Some(key) => *key,
            None => match self.insert(now, Neighbour::new(now, address), timers) {
                Some(key) => key,
                None => return Resolution::Failed,
            },
        };
        let interface = self.interface;
        let config = self.config;
        let retransmit = self.times(address).retransmit;
        let Some(entry) = self.entries.get_mut(key) else { return Resolution::Failed };
        entry.used = now;
        let timer = Timer::Neighbour { interface, slot: key.index() };
        match entry.state {
            NeighbourState::Reachable if now < entry.deadline => {}
            NeighbourState::Delay | NeighbourState::Probe => {}
            NeighbourState::Reachable | NeighbourState::Stale => {
                entry.state = NeighbourState::Delay;
                entry.deadline = now + config.delay_first_probe;
                timers.arm(&mut entry.timer, entry.deadline, timer);
            }
            NeighbourState::Incomplete if entry.asked > 0 => return Resolution::Unknown { ask: false },
            NeighbourState::Failed if now < entry.deadline => return Resolution::Failed,
            NeighbourState::Incomplete | NeighbourState::Failed => {
                entry.state = NeighbourState::Incomplete;
                entry.is_contested = false;
                entry.asked = 1;
                entry.deadline = now + retransmit;
                timers.arm(&mut entry.timer, entry.deadline, timer);
                return Resolution::Unknown { ask: true };
            }
        }
        Resolution::Known { hardware: entry.hardware, until: entry.deadline }
    }

    /// Keeps `packet` until `address` is known. Beyond the neighbour's bounds the oldest goes (RFC 1122 2.3.2.2 asks to keep
    /// at least one, the latest).
    pub(crate) fn hold(&mut self, address: IpAddr, packet: Frame) -> Held {
        let together = self.waiting_bytes;
        let Some(entry) = self.by_address.get(&address).and_then(|key| self.entries.get_mut(*key)) else {
            return Held::No;
        };
        let before = entry.waiting_bytes();
        let full = entry.waiting_packets() >= self.config.max_waiting_packets
            || before >= self.config.max_waiting_bytes;
        let oldest = if full { entry.pop() } else { None };
        if oldest.is_none() && together >= self.config.max_waiting_bytes_together {
            return Held::No;
        }
        entry.push(packet);
        self.waiting_bytes = (together + entry.waiting_bytes()).saturating_sub(before);
        if oldest.is_some() { Held::InPlaceOfOlder } else { Held::Yes }
    }

    /// The station `hardware` said that it has `address`. `confirmed`: it answered us; `create`: it wants to talk to us, so that
    /// it is remembered even if it was not known (RFC 826 "Packet Reception"). Returns what waited for it.
    pub(crate) fn learn(
        &mut self,
        now: Instant,
        address: IpAddr,
        hardware: MacAddress,
        confirmed: bool,
        create: bool,
        timers: &mut Timers,
    ) -> VecDeque<Frame> {
        let key = match self.by_address.get(&address) {
            Some(key) => Some(*key),
            None if create => self.insert(now, Neighbour::new(now, address), timers),
            None => None,
        };
        let reachable = self.times(address).reachable;
        let Some(entry) = key.and_then(|key| self.entries.get_mut(key)) else { return VecDeque::new() };
        let changed = entry.hardware != hardware;
        entry.hardware = hardware;
        if confirmed {
            timers.cancel(&mut entry.timer);
            entry.is_contested = false;
            entry.state = NeighbourState::Reachable;
            entry.deadline = now + reachable;
        } else if changed || matches!(entry.state, NeighbourState::Incomplete | NeighbourState::Failed) {
            // Not asked for, so not to be trusted for long (RFC 4861 7.2.3).
            timers.cancel(&mut entry.timer);
            entry.is_contested = false;
            entry.state = NeighbourState::Stale;
            entry.deadline = Instant::FAR_FUTURE;
        }
        if !entry.is_contested {
            entry.asked = 0;
        }
        self.waiting_bytes = self.waiting_bytes.saturating_sub(entry.waiting_bytes());
        entry.take_waiting()
    }

    pub(crate) fn on_timeout(&mut self, now: Instant, slot: u32, timers: &mut Timers) -> Due {
        let told = self.told.retransmit;
        let Some(entry) = self.entries.at_mut(slot) else { return Due::Nothing };
        let retransmit = if entry.address.is_ipv6() { told } else { self.config.retransmit_interval };
        entry.timer = None;
        let station = match entry.state {
            NeighbourState::Incomplete => None,
            NeighbourState::Delay | NeighbourState::Probe if entry.is_contested => None,
            NeighbourState::Delay | NeighbourState::Probe => Some(entry.hardware),
            NeighbourState::Reachable | NeighbourState::Stale | NeighbourState::Failed => {
                return Due::Nothing;
            }
        };
        if entry.state == NeighbourState::Delay {
            entry.state = NeighbourState::Probe;
            entry.asked = 0;
        }
        if entry.asked >= self.config.attempts {
            entry.state = NeighbourState::Failed;
            entry.deadline = now + self.config.failed_time;
            self.waiting_bytes = self.waiting_bytes.saturating_sub(entry.waiting_bytes());
            return Due::GiveUp(entry.address, entry.take_waiting());
        }
        entry.asked += 1;
        entry.deadline = now + retransmit;
        timers.arm(&mut entry.timer, entry.deadline, Timer::Neighbour { interface: self.interface, slot });
        Due::Ask(entry.address, station)
    }

    fn insert(&mut self, now: Instant, neighbour: Neighbour, timers: &mut Timers) -> Option<Key> {
        if self.entries.len() >= self.config.max_entries {
            self.make_room(now, timers);
        }
        let address = neighbour.address;
        let key = self.entries.insert(neighbour)?;
        self.by_address.insert(address, key);
        Some(key)
    }

    /// Forgets whom it knows to have `address`, unless that is `hardware`. Whether it knew another one.
    pub(crate) fn forget(&mut self, address: IpAddr, hardware: MacAddress, timers: &mut Timers) -> bool {
        let Some(key) = self.by_address.get(&address).copied() else { return false };
        let is_other = |entry: &Neighbour| {
            !matches!(entry.state, NeighbourState::Incomplete) && entry.hardware != hardware
        };
        if !self.entries.get(key).is_some_and(is_other) {
            return false;
        }
        self.remove(key, timers);
        true
    }

    /// Removes the least worthy of a few entries; of equals the one that was used longest ago.
    fn make_room(&mut self, now: Instant, timers: &mut Timers) {
        let slots = self.config.max_entries as u32;
        let worst = (0..CANDIDATES.min(slots))
            .filter_map(|step| {
                let slot = (self.hand + step) % slots;
                self.entries.at(slot).map(|entry| (entry.worth(now), entry.used, slot))
            })
            .min();
        self.hand = (self.hand + CANDIDATES) % slots;
        let Some(key) = worst.and_then(|(_, _, slot)| self.entries.key_at(slot)) else { return };
        self.remove(key, timers);
    }

    fn remove(&mut self, key: Key, timers: &mut Timers) {
        if let Some(mut entry) = self.entries.remove(key) {
            timers.cancel(&mut entry.timer);
            self.waiting_bytes = self.waiting_bytes.saturating_sub(entry.waiting_bytes());
            self.by_address.remove(&entry.address);
        }
    }
}

#[cfg(test)]
mod tests;
