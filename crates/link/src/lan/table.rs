//! Behind which port of a switch a station is.

use basis::Instant;
use std::collections::HashMap;
use std::time::Duration;
use wire::ethernet::MacAddress;

/// No entry: the end of the list.
const NONE: usize = usize::MAX;

/// What a learning switch has learnt (IEEE 802.1D 7.8, 7.9): bounded, and forgetting.
///
/// The entries form a list from the one heard of last to the one heard of longest ago, which goes first.
pub(super) struct Table {
    /// Hashed with the standard library's random key: stations choose their addresses.
    places: HashMap<MacAddress, usize>,
    entries: Vec<Entry>,
    newest: usize,
    oldest: usize,
    bound: usize,
    ageing: Duration,
}

struct Entry {
    mac: MacAddress,
    port: usize,
    heard: Instant,
    newer: usize,
    older: usize,
}

impl Table {
    /// A table of at most `bound` stations that forgets one when nothing was heard from it for `ageing`.
    pub(super) fn new(bound: usize, ageing: Duration) -> Table {
        let (places, entries) = (HashMap::new(), Vec::new());
        Table { places, entries, newest: NONE, oldest: NONE, bound: bound.max(1), ageing }
    }

    /// A frame from the station came in at the port.
    pub(super) fn learn(&mut self, mac: MacAddress, port: usize, now: Instant) {
        let place = match self.places.get(&mac) {
            Some(&place) => {
                self.unlink(place);
                place
            }
            None => self.place_for(mac),
        };
        if let Some(entry) = self.entries.get_mut(place) {
            (entry.mac, entry.port, entry.heard) = (mac, port, now);
        }
        self.link_newest(place);
    }

    /// The port behind which the station is, if that is known and not too long ago.
    pub(super) fn port_of(&self, mac: MacAddress, now: Instant) -> Option<usize> {
        let entry = self.entries.get(*self.places.get(&mac)?)?;
        (now.saturating_since(entry.heard) < self.ageing).then_some(entry.port)
    }

    /// Forgets every station behind the port.
    pub(super) fn forget_port(&mut self, port: usize) {
        // Walks the whole table, once for each station that leaves; it is bounded.
        if self.entries.iter().all(|entry| entry.port != port) {
            return;
        }
        let kept: Vec<(MacAddress, usize, Instant)> =
            self.oldest_first().filter(|kept| kept.1 != port).collect();
        self.places.clear();
        self.entries.clear();
        (self.newest, self.oldest) = (NONE, NONE);
        for (mac, port, heard) in kept {
            self.learn(mac, port, heard);
        }
    }

    fn oldest_first(&self) -> impl Iterator<Item = (MacAddress, usize, Instant)> {
        let mut place = self.oldest;
        std::iter::from_fn(move || {
            let entry = self.entries.get(place)?;
            place = entry.newer;
            Some((entry.mac, entry.port, entry.heard))
        })
    }

    /// A place that is in no list: a new one, or that of the oldest entry.
    fn place_for(&mut self, mac: MacAddress) -> usize {
        let place = if self.entries.len() < self.bound {
            let fresh = Entry { mac, port: 0, heard: Instant::ZERO, newer: NONE, older: NONE };
            self.entries.push(fresh);
            self.entries.len() - 1
        } else {
            let oldest = self.oldest;
            if let Some(entry) = self.entries.get(oldest) {
                self.places.remove(&entry.mac);
            }
            self.unlink(oldest);
            oldest
        };
        self.places.insert(mac, place);
        place
    }

    fn unlink(&mut self, place: usize) {
        let Some(entry) = self.entries.get(place) else { return };
        let (newer, older) = (entry.newer, entry.older);
        match self.entries.get_mut(newer) {
            Some(entry) => entry.older = older,
            None => self.newest = older,
        }
        match self.entries.get_mut(older) {
            Some(entry) => entry.newer = newer,
            None => self.oldest = newer,
        }
    }

    fn link_newest(&mut self, place: usize) {
        let older = std::mem::replace(&mut self.newest, place);
        if let Some(entry) = self.entries.get_mut(place) {
            (entry.newer, entry.older) = (NONE, older);
        }
        match self.entries.get_mut(older) {
            Some(entry) => entry.newer = place,
            None => self.oldest = place,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mac(n: u16) -> MacAddress {
        let [high, low] = n.to_be_bytes();
        MacAddress([2, 0, 0, 0, high, low])
    }

    fn at(seconds: u64) -> Instant {
        Instant::from_millis(seconds * 1000)
    }

    fn table(bound: usize) -> Table {
        Table::new(bound, Duration::from_secs(300))
    }

    #[test]
    fn a_station_that_moves_is_found_behind_its_new_port() {
        let mut table = table(4);
        table.learn(mac(1), 1, at(0));
        table.learn(mac(1), 2, at(1));
        assert_eq!((table.port_of(mac(1), at(1)), table.port_of(mac(2), at(1))), (Some(2), None));
    }

    #[test]
    fn a_silent_station_is_forgotten_after_the_ageing_time() {
        let mut table = table(4);
        table.learn(mac(1), 1, at(10));
        assert_eq!(table.port_of(mac(1), at(309)), Some(1));
        assert_eq!(table.port_of(mac(1), at(310)), None);
        table.learn(mac(1), 1, at(400));
        assert_eq!(table.port_of(mac(1), at(401)), Some(1));
    }

    #[test]
    fn a_full_table_forgets_whom_it_heard_of_longest_ago() {
        let mut table = table(3);
        for n in 1..=3 {
            table.learn(mac(n), n.into(), at(n.into()));
        }
        table.learn(mac(1), 1, at(4));
        table.learn(mac(4), 4, at(5));
        let found: Vec<_> = (1..=4).map(|n| table.port_of(mac(n), at(5))).collect();
        assert_eq!(found, [Some(1), None, Some(3), Some(4)]);
        table.learn(mac(5), 5, at(6));
        assert_eq!(table.port_of(mac(3), at(6)), None);
    }

    #[test]
    fn stations_behind_a_port_go_with_it_and_the_order_of_the_others_stays() {
        let mut table = table(3);
        for n in 1..=3 {
            table.learn(mac(n), usize::from(n % 2), at(n.into()));
        }
        table.forget_port(0);
        assert_eq!(table.port_of(mac(2), at(4)), None);
        table.learn(mac(4), 0, at(4));
        table.learn(mac(5), 0, at(5));
        let found: Vec<_> = [1, 3, 4, 5].map(|n| table.port_of(mac(n), at(5))).into();
        assert_eq!(found, [None, Some(1), Some(0), Some(0)]);
    }

    #[test]
    fn never_holds_more_than_its_bound() {
        let mut table = table(4096);
        for n in 0..20_000 {
            table.learn(mac(n), usize::from(n % 7), at(1));
        }
        assert_eq!((table.places.len(), table.entries.len()), (4096, 4096));
        let known = (0..20_000).filter(|n| table.port_of(mac(*n), at(1)).is_some());
        assert_eq!(known.collect::<Vec<_>>(), (20_000 - 4096..20_000).collect::<Vec<_>>());
    }
}
