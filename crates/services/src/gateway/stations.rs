//! Which station of the link has which address, as what it sends tells: nobody speaks as another, as somebody elsewhere, or as everybody.

use super::counters::{Cause, Counters};
use super::frame::{self, Said};
use super::holder::{Holder, Standing, Station};
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Addresses that are remembered at once.
pub(super) const MOST: usize = 4096;
/// Addresses of one station: a host of IPv6 has a few, and one that has containers some more.
pub(super) const MOST_EACH: usize = 64;
/// How long an address stays its station's when nothing is heard from there.
const HELD: Duration = Duration::from_secs(60);
/// How often those that are not held any more are looked for, when there is no room.
const SWEEP: Duration = Duration::from_secs(1);
/// How many are looked at for the one that goes when all are held.
const SAMPLE: usize = 16;
/// Who was heard over so long a time is not one of many that were invented just now.
const SETTLED: Duration = Duration::from_secs(10);

/// The stations of a link, by their addresses.
#[derive(Debug)]
pub struct Stations {
    own: Vec<IpNet>,
    counters: Arc<Counters>,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    addresses: BTreeMap<IpAddr, Known>,
    stations: BTreeMap<Station, Its>,
    swept: Option<Instant>,
    /// Where the last one was that had to go.
    displaced: Option<IpAddr>,
}

/// What is known of one station.
#[derive(Debug)]
struct Its {
    addresses: Vec<IpAddr>,
    since: Instant,
}

#[derive(Debug)]
struct Known {
    station: Station,
    since: Instant,
    heard: Instant,
    /// When it last began a flow.
    engaged: Option<Instant>,
    /// Until when the DHCP server has given it to this station.
    leased: Option<Instant>,
}

impl Known {
    fn is_held(&self, now: Instant) -> bool {
        now.duration_since(self.heard) < HELD || self.is_leased(now)
    }

    /// Whether it is spared though there is no room: what many can be invented of has neither a lease nor a flow.
    fn is_spared(&self, now: Instant) -> bool {
        let engaged = self.engaged.is_some_and(|begun| now.duration_since(begun) < HELD);
        engaged || self.is_leased(now)
    }

    fn is_leased(&self, now: Instant) -> bool {
        self.leased.is_some_and(|until| until > now)
    }

    /// Those that are worth less go first.
    fn worth(&self) -> (bool, Instant) {
        (self.heard.duration_since(self.since) >= SETTLED, self.heard)
    }
}

impl Stations {
    /// For the link of a gateway with these addresses in their networks; what is refused is counted.
    pub fn new(own: Vec<IpNet>, counters: Arc<Counters>) -> Stations {
        Stations { own, counters, table: Mutex::default() }
    }

    /// Whether a frame of an Ethernet may come in: who sent it has the addresses that it speaks for.
    pub fn admits(&self, frame: &[u8], now: Instant) -> bool {
        let Some(said) = frame::read(frame) else { return true };
        let Said { station, address, hardware, begins } = said;
        let refused = match (hardware, address) {
            (Some(hardware), _) if hardware != station => Err(Cause::Forged),
            (_, Some(address)) if self.is_on_link(address) => self.lock().claim(address, station, now),
            (_, Some(address)) if begins && !self.is_near(address) => Err(Cause::Foreign),
            _ => Ok(()),
        };
        let Err(cause) = refused else { return true };
        let what = format_args!("a frame of {}", holder(station));
        self.counters.count(cause, address, what);
        false
    }

    /// Whom what comes from `address` is charged to.
    pub fn holder(&self, address: IpAddr) -> Holder {
        let station = self.lock().addresses.get(&address.to_canonical()).map(|known| known.station);
        station.map_or(Holder::Link, Holder::Station)
    }

    /// As [`Stations::holder`], and how that one stands at `now`.
    pub fn holder_standing(&self, address: IpAddr, now: Instant) -> (Holder, Standing) {
        let table = self.lock();
        let Some(known) = table.addresses.get(&address.to_canonical()) else {
            return (Holder::Link, Standing::New);
        };
        let since = table.stations.get(&known.station).map_or(now, |its| its.since);
        let is_settled = known.is_leased(now) || now.duration_since(since) >= SETTLED;
        (holder(known.station), if is_settled { Standing::Settled } else { Standing::New })
    }

    /// A flow from `address` has begun, within the limits of its holder.
    pub fn engage(&self, address: IpAddr, now: Instant) {
        if let Some(known) = self.lock().addresses.get_mut(&address.to_canonical()) {
            known.engaged = Some(now);
        }
    }

    /// Whether another station than `station` was heard from `address` not long ago.
    pub fn is_used_by_another(&self, address: IpAddr, station: Station, now: Instant) -> bool {
        let table = self.lock();
        let known = table.addresses.get(&address).filter(|known| known.station != station);
        known.is_some_and(|known| now.duration_since(known.heard) < HELD)
    }

    /// The DHCP server has given `address` to `station`, until then: nobody else speaks as it. One that another station holds without
    /// a lease becomes this one's.
    pub fn lease(&self, address: IpAddr, station: Station, now: Instant, until: Instant) {
        let mut table = self.lock();
        if table.addresses.get(&address).is_some_and(|known| known.station != station) {
            table.forget(address);
        }
        // Where there is no room, the lease is kept by the server alone.
        if table.claim(address, station, now).is_ok()
            && let Some(known) = table.addresses.get_mut(&address)
        {
            known.leased = Some(until);
        }
    }

    /// The lease of `address` to `station` is over.
    pub fn release(&self, address: IpAddr, station: Station) {
        let mut table = self.lock();
        if table.addresses.get(&address).is_some_and(|known| known.station == station) {
            table.forget(address);
        }
    }

    /// Whether a guest could have the address.
    fn is_on_link(&self, address: IpAddr) -> bool {
        self.own.iter().any(|own| own.contains(&address) && own.addr() != address)
    }

    /// Whether it is this gateway's own, or of the link alone, as those are by which IPv6 finds neighbours.
    fn is_near(&self, address: IpAddr) -> bool {
        let of_link = matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
        of_link || self.own.iter().any(|own| own.addr() == address)
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        // The table is whole between any two statements: a panic elsewhere does not spoil it.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn holder(station: Station) -> Holder {
    Holder::Station(station)
}

impl Table {
    /// `station` speaks as `address`.
    fn claim(&mut self, address: IpAddr, station: Station, now: Instant) -> Result<(), Cause> {
        match self.addresses.get_mut(&address) {
            Some(known) if known.station == station => {
                known.heard = now;
                return Ok(());
            }
            Some(known) if known.is_held(now) => return Err(Cause::Stolen),
            Some(_) => self.forget(address),
            None => {}
        }
        self.make_room(station, now)?;
        self.addresses
            .insert(address, Known { station, since: now, heard: now, engaged: None, leased: None });
        let its = self.stations.entry(station);
        its.or_insert_with(|| Its { addresses: Vec::new(), since: now }).addresses.push(address);
        Ok(())
    }

    fn make_room(&mut self, station: Station, now: Instant) -> Result<(), Cause> {
        let its = self.stations.get(&station).map(|its| &its.addresses[..]).unwrap_or_default();
        if its.len() >= MOST_EACH {
            let free =
                |address: &&IpAddr| self.addresses.get(address).is_none_or(|known| !known.is_held(now));
            let free = its.iter().find(free).copied().ok_or(Cause::Addresses)?;
            self.forget(free);
        }
        if self.addresses.len() >= MOST && self.swept.is_none_or(|swept| now.duration_since(swept) >= SWEEP) {
            self.swept = Some(now);
            let free = self.addresses.iter().filter(|(_, known)| !known.is_held(now));
            for address in free.map(|(address, _)| *address).collect::<Vec<_>>() {
                self.forget(address);
            }
        }
        if self.addresses.len() < MOST || self.displace(now) { Ok(()) } else { Err(Cause::Guests) }
    }

    /// Forgets the least worthy of some, further on each time; false if all of them are spared.
    fn displace(&mut self, now: Instant) -> bool {
        let behind = self.displaced.map_or(Bound::Unbounded, Bound::Excluded);
        let round = self.addresses.range((behind, Bound::Unbounded)).chain(&self.addresses).take(SAMPLE);
        let mut least: Option<(IpAddr, &Known)> = None;
        let mut last = None;
        for (address, known) in round {
            last = Some(*address);
            if !known.is_spared(now) && least.is_none_or(|(_, least)| known.worth() < least.worth()) {
                least = Some((*address, known));
            }
        }
        let least = least.map(|(address, _)| address);
        self.displaced = last;
        least.inspect(|address| self.forget(*address)).is_some()
    }

    fn forget(&mut self, address: IpAddr) {
        let Some(known) = self.addresses.remove(&address) else { return };
        if let Some(its) = self.stations.get_mut(&known.station) {
            its.addresses.retain(|other| *other != address);
            if its.addresses.is_empty() {
                self.stations.remove(&known.station);
            }
        }
    }
}

#[cfg(test)]
mod tests;
