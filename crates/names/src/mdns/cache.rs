//! What others have told, as long as it holds.

use std::time::Duration;

use basis::Instant;

use crate::record::Record;

/// Records at most: the one that ends first makes room.
pub(super) const MOST: usize = 512;
/// How long what is no longer so may still be shown (RFC 6762 10.1, 10.2).
const GRACE: Duration = Duration::from_secs(1);
/// No record is believed for longer.
const LONGEST: u32 = 86_400;

#[derive(Clone, Debug, Default)]
pub(super) struct Cache {
    held: Vec<Held>,
}

#[derive(Clone, Debug)]
struct Held {
    record: Record,
    since: Instant,
    until: Instant,
}

impl Cache {
    /// Takes in a record of an answer.
    pub(super) fn insert(&mut self, now: Instant, record: &Record) {
        self.expire(now);
        if record.flush {
            // All that is there of it comes within a second: what is older is no more.
            for held in &mut self.held {
                let is_other = held.record.name == record.name
                    && held.record.data.kind() == record.data.kind()
                    && held.record.data != record.data;
                if is_other && now.saturating_since(held.since) > GRACE {
                    held.until = held.until.min(now + GRACE);
                }
            }
        }
        let lasts = match record.ttl {
            0 => GRACE,
            ttl => Duration::from_secs(ttl.min(LONGEST).into()),
        };
        let place = self.held.iter().position(|held| held.record.says_as(record));
        match place.and_then(|place| self.held.get_mut(place)) {
            Some(held) => *held = Held { record: record.clone(), since: now, until: now + lasts },
            // A goodbye of what nobody knew.
            None if record.ttl == 0 => {}
            None => {
                if self.held.len() >= MOST
                    && let Some(first) =
                        (0..self.held.len()).min_by_key(|index| self.held.get(*index).map(|held| held.until))
                {
                    self.held.swap_remove(first);
                }
                self.held.push(Held { record: record.clone(), since: now, until: now + lasts });
            }
        }
    }

    /// What holds now.
    pub(super) fn records(&self, now: Instant) -> impl Iterator<Item = &Record> {
        self.held.iter().filter(move |held| held.until > now).map(|held| &held.record)
    }

    /// The same with the seconds that each holds yet, of those that hold for more than half of their time.
    pub(super) fn fresh(&self, now: Instant) -> impl Iterator<Item = Record> + '_ {
        self.held.iter().filter_map(move |held| {
            let left = held.until.saturating_since(now);
            let whole = held.until.saturating_since(held.since);
            (left * 2 > whole).then(|| Record {
                ttl: left.as_secs() as u32,
                flush: false,
                ..held.record.clone()
            })
        })
    }

    fn expire(&mut self, now: Instant) {
        self.held.retain(|held| held.until > now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::Name;
    use crate::record::Data;

    fn address(last: u8, ttl: u32, flush: bool) -> Record {
        let name = Name::parse("server.local").unwrap();
        Record { name, flush, ttl, data: Data::A([10, 7, 0, last].into()) }
    }

    fn at(milliseconds: u64) -> Instant {
        Instant::from_millis(milliseconds)
    }

    fn held(cache: &Cache, now: Instant) -> Vec<Data> {
        cache.records(now).map(|record| record.data.clone()).collect()
    }

    #[test]
    fn records_hold_for_their_time_and_a_goodbye_ends_them() {
        let mut cache = Cache::default();
        cache.insert(at(0), &address(2, 120, true));
        assert_eq!(held(&cache, at(119_999)).len(), 1);
        assert!(held(&cache, at(120_000)).is_empty());
        assert_eq!(cache.fresh(at(50_000)).next().unwrap().ttl, 70);
        assert_eq!(cache.fresh(at(60_000)).count(), 0, "half of the time is over");
        cache.insert(at(1000), &address(2, 0, true));
        assert_eq!((held(&cache, at(1999)).len(), held(&cache, at(2000)).len()), (1, 0));
        cache.insert(at(3000), &address(9, 0, true));
        assert!(held(&cache, at(3001)).is_empty());
    }

    #[test]
    fn all_that_there_is_takes_the_place_of_what_was() {
        let mut cache = Cache::default();
        cache.insert(at(0), &address(2, 120, true));
        // Two addresses told together are both kept.
        cache.insert(at(500), &address(3, 120, true));
        assert_eq!(held(&cache, at(5000)).len(), 2);
        cache.insert(at(10_000), &address(4, 120, true));
        assert_eq!(held(&cache, at(11_001)), [Data::A([10, 7, 0, 4].into())]);
    }

    #[test]
    fn the_number_of_records_is_bounded() {
        let mut cache = Cache::default();
        for number in 0..=MOST as u32 {
            let data = Data::A(number.into());
            cache.insert(at(0), &Record { ttl: 1000 + number, data, ..address(0, 1, false) });
        }
        let all = held(&cache, at(1));
        assert_eq!((all.len(), all.contains(&Data::A(0.into()))), (MOST, false), "the first to end has gone");
    }
}
