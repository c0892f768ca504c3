//! Behind which port of a switch a station is.

use basis::Instant;
use std::collections::HashMap;
use std::time::Duration;
use wire::ethernet::MacAddress;

/// No entry: the end of the list.
const NONE: usize = usize::MAX;

/// What a learning switch has learnt (IEEE 802.1D 7.8, 7.9): bounded, for all ports and for each, and forgetting.
///
/// The entries form a list from the one heard of last to the one heard of longest ago, which goes first; and so do those of each port, so
/// that who invents addresses displaces its own.
pub(super) struct Table {
    /// Hashed with the standard library's random key: stations choose their addresses.
    places: HashMap<MacAddress, usize>,
    entries: Vec<Entry>,
    all: List,
    ports: Vec<List>,
    bound: usize,
    bound_each: usize,
    ageing: Duration,
}

struct Entry {
    mac: MacAddress,
    port: usize,
    heard: Instant,
    among_all: Links,
    at_port: Links,
}

#[derive(Clone, Copy)]
struct Links {
    newer: usize,
    older: usize,
}

/// A list through entries.
#[derive(Clone)]
struct List {
    newest: usize,
    oldest: usize,
    length: usize,
}

/// Which of an entry's links belong to a list.
type Which = fn(&mut Entry) -> &mut Links;

const AMONG_ALL: Which = |entry| &mut entry.among_all;
const AT_PORT: Which = |entry| &mut entry.at_port;

impl Links {
    const NONE: Links = Links { newer: NONE, older: NONE };
}

impl List {
    const EMPTY: List = List { newest: NONE, oldest: NONE, length: 0 };

    fn unlink(&mut self, entries: &mut [Entry], links: Which, place: usize) {
        let Some(entry) = entries.get_mut(place) else { return };
        let Links { newer, older } = std::mem::replace(links(entry), Links::NONE);
        match entries.get_mut(newer) {
            Some(entry) => links(entry).older = older,
            None => self.newest = older,
        }
        match entries.get_mut(older) {
            Some(entry) => links(entry).newer = newer,
            None => self.oldest = newer,
        }
        self.length -= 1;
    }

    fn link_newest(&mut self, entries: &mut [Entry], links: Which, place: usize) {
        let older = std::mem::replace(&mut self.newest, place);
        if let Some(entry) = entries.get_mut(place) {
            *links(entry) = Links { newer: NONE, older };
        }
        match entries.get_mut(older) {
            Some(entry) => links(entry).newer = place,
            None => self.oldest = place,
        }
        self.length += 1;
    }
}

impl Table {
    /// A table of at most `bound` stations, `bound_each` behind one port, that forgets one when nothing was heard from it for `ageing`.
    pub(super) fn new(bound: usize, bound_each: usize, ageing: Duration) -> Table {
        Table {
            places: HashMap::new(),
            entries: Vec::new(),
            all: List::EMPTY,
            ports: Vec::new(),
            bound: bound.max(1),
            bound_each: bound_each.max(1),
            ageing,
        }
    }

    /// A frame from the station came in at the port.
    pub(super) fn learn(&mut self, mac: MacAddress, port: usize, now: Instant) {
        let place = match self.places.get(&mac) {
            Some(&place) => {
                self.unlink(place);
                place
            }
            None => self.place_for(mac, port),
        };
        if let Some(entry) = self.entries.get_mut(place) {
            (entry.mac, entry.port, entry.heard) = (mac, port, now);
        }
        self.all.link_newest(&mut self.entries, AMONG_ALL, place);
        list_of(&mut self.ports, port).link_newest(&mut self.entries, AT_PORT, place);
    }

    /// The port behind which the station is, if that is known and not too long ago.
    pub(super) fn port_of(&self, mac: MacAddress, now: Instant) -> Option<usize> {
        let entry = self.entries.get(*self.places.get(&mac)?)?;
        (now.saturating_since(entry.heard) < self.ageing).then_some(entry.port)
    }

    /// Forgets every station behind the port.
    pub(super) fn forget_port(&mut self, port: usize) {
        // Walks the whole table, once for each station that leaves; it is bounded.
        if self.ports.get(port).is_none_or(|list| list.length == 0) {
            return;
        }
        let kept: Vec<(MacAddress, usize, Instant)> =
            self.oldest_first().filter(|kept| kept.1 != port).collect();
        self.places.clear();
        self.entries.clear();
        self.all = List::EMPTY;
        self.ports.clear();
        for (mac, port, heard) in kept {
            self.learn(mac, port, heard);
        }
    }

    fn oldest_first(&self) -> impl Iterator<Item = (MacAddress, usize, Instant)> {
        let mut place = self.all.oldest;
        std::iter::from_fn(move || {
            let entry = self.entries.get(place)?;
            place = entry.among_all.newer;
            Some((entry.mac, entry.port, entry.heard))
        })
    }

    /// A place that is in no list: that of the port's oldest entry if it has as many as it may, else a new one, or that of the oldest of all.
    fn place_for(&mut self, mac: MacAddress, port: usize) -> usize {
        let own = list_of(&mut self.ports, port);
        let displaced = match own.length >= self.bound_each {
            true => own.oldest,
            false => self.all.oldest,
        };
        let place = if own.length < self.bound_each && self.entries.len() < self.bound {
            let heard = Instant::ZERO;
            self.entries.push(Entry { mac, port, heard, among_all: Links::NONE, at_port: Links::NONE });
            self.entries.len() - 1
        } else {
            if let Some(entry) = self.entries.get(displaced) {
                self.places.remove(&entry.mac);
            }
            self.unlink(displaced);
            displaced
        };
        self.places.insert(mac, place);
        place
    }

    /// Takes an entry out of both its lists.
    fn unlink(&mut self, place: usize) {
        let Some(port) = self.entries.get(place).map(|entry| entry.port) else { return };
        self.all.unlink(&mut self.entries, AMONG_ALL, place);
        list_of(&mut self.ports, port).unlink(&mut self.entries, AT_PORT, place);
    }
}

/// The list of a port's entries. There are as many ports as the switch has.
fn list_of(ports: &mut Vec<List>, port: usize) -> &mut List {
    if ports.len() <= port {
        ports.resize(port + 1, List::EMPTY);
    }
    &mut ports[port]
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
        Table::new(bound, bound, Duration::from_secs(300))
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

    #[test]
    fn who_invents_addresses_behind_a_port_displaces_its_own() {
        let mut table = Table::new(8, 3, Duration::from_secs(300));
        for n in 1..=4 {
            table.learn(mac(n), n.into(), at(n.into()));
        }
        for n in 100..200 {
            table.learn(mac(n), 0, at(n.into()));
        }
        let known = |table: &Table| (0..300).filter(|n| table.port_of(mac(*n), at(200)).is_some()).collect();
        let found: Vec<u16> = known(&table);
        assert_eq!(found, [1, 2, 3, 4, 197, 198, 199]);
        // One that is heard of again is the port's newest, and one that moves makes room there.
        table.learn(mac(197), 0, at(200));
        table.learn(mac(200), 0, at(201));
        table.learn(mac(199), 1, at(202));
        table.learn(mac(201), 0, at(203));
        let found: Vec<u16> = known(&table);
        assert_eq!(found, [1, 2, 3, 4, 197, 199, 200, 201]);
        assert_eq!((table.ports[0].length, table.ports[1].length, table.all.length), (3, 2, 8));
        // The bound of all holds, too.
        table.learn(mac(5), 5, at(204));
        assert_eq!((table.port_of(mac(1), at(204)), table.all.length), (None, 8));
        table.forget_port(0);
        let found: Vec<u16> = known(&table);
        assert_eq!(found, [2, 3, 4, 5, 199]);
    }
}
