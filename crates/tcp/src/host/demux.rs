//! Which connection a segment belongs to: one keyed hash, however many there are.

use crate::segment::FourTuple;
use basis::HashKey;
use hashbrown::HashTable;

/// Where a four-tuple's state lives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// A slot of the connections.
    Connection(u32),
    /// A slot of the half-open connections.
    HalfOpen(u32),
    /// A slot of TIME-WAIT.
    TimeWait(u32),
}

/// A place in one word: its kind, four bits of the hash, which spare most looks at a four-tuple that is not the one, and its slot.
const INDEX_BITS: u32 = 26;
const INDEX_MASK: u32 = (1 << INDEX_BITS) - 1;
const KIND_SHIFT: u32 = 30;
const HASH_MASK: u32 = ((1 << KIND_SHIFT) - 1) ^ INDEX_MASK;

impl Place {
    fn pack(self, hash: ShortHash) -> u32 {
        let (kind, index) = match self {
            Place::Connection(index) => (0, index),
            Place::HalfOpen(index) => (1, index),
            Place::TimeWait(index) => (2, index),
        };
        kind << KIND_SHIFT | hash.bits_in_place() | index & INDEX_MASK
    }

    fn unpack(packed: u32) -> Place {
        let index = packed & INDEX_MASK;
        match packed >> KIND_SHIFT {
            0 => Place::Connection(index),
            1 => Place::HalfOpen(index),
            _ => Place::TimeWait(index),
        }
    }
}

/// The table. It holds places only; `tuple_at` tells the four-tuple that lives at one.
#[derive(Clone, Debug)]
pub(crate) struct Demux {
    key: HashKey,
    places: HashTable<u32>,
    hashed: Hashed,
    /// Where that one lives, if that is known; segments come in trains.
    recent: Option<Place>,
}

/// The four-tuple that was hashed last: what is looked for, found missing, added and moved is often the same.
#[derive(Clone, Debug)]
struct Hashed {
    tuple: FourTuple,
    hash: u64,
}

/// A four-tuple's hash, short enough to be kept with what lives long and is then looked for no more but once, to be removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ShortHash(u32);

impl ShortHash {
    #[inline]
    fn of(tuple: &FourTuple, key: &HashKey) -> ShortHash {
        ShortHash(tuple.hash_by(key) as u32)
    }

    /// What a long hash leaves for [`Demux::number`].
    #[inline]
    fn rest_of(hash: u64) -> u32 {
        (hash >> 32) as u32
    }

    /// Those bits that stand with a place: none that the table tells neighbours apart by, nor, short of millions, takes places from.
    #[inline]
    fn bits_in_place(self) -> u32 {
        self.0 << 5 & HASH_MASK
    }

    /// As the table wants it, which takes places from the low bits and tells neighbours apart by the high ones.
    #[inline]
    fn wide(self) -> u64 {
        u64::from(self.0) << 32 | u64::from(self.0)
    }
}

impl Demux {
    pub(crate) fn new(key: HashKey) -> Demux {
        let tuple = FourTuple::NOWHERE;
        let hashed = Hashed { tuple, hash: tuple.hash_by(&key) };
        Demux { key, places: HashTable::new(), hashed, recent: None }
    }

    #[inline]
    pub(crate) fn hash(&mut self, tuple: &FourTuple) -> ShortHash {
        if self.hashed.tuple != *tuple {
            // What is known is where the other one lives.
            self.recent = None;
            self.hashed = Hashed { tuple: *tuple, hash: tuple.hash_by(&self.key) };
        }
        ShortHash(self.hashed.hash as u32)
    }

    /// A number for the four-tuple that only this host can guess. It has nothing to do with where the four-tuple lies in the table.
    #[inline]
    pub(crate) fn number(&mut self, tuple: &FourTuple) -> u32 {
        self.hash(tuple);
        ShortHash::rest_of(self.hashed.hash)
    }

    #[inline(never)]
    pub(crate) fn find<'a>(
        &self,
        tuple: &FourTuple,
        tuple_at: impl Fn(Place) -> Option<&'a FourTuple>,
    ) -> Option<Place> {
        self.find_hashed(ShortHash::of(tuple, &self.key), tuple, tuple_at)
    }

    #[inline]
    fn find_hashed<'a>(
        &self,
        hash: ShortHash,
        tuple: &FourTuple,
        tuple_at: impl Fn(Place) -> Option<&'a FourTuple>,
    ) -> Option<Place> {
        let bits = hash.bits_in_place();
        // Who is not meant is not looked at: among many connections it has long left the processor's caches.
        let same =
            |packed: &u32| *packed & HASH_MASK == bits && tuple_at(Place::unpack(*packed)) == Some(tuple);
        self.places.find(hash.wide(), same).map(|packed| Place::unpack(*packed))
    }

    /// Like [`Demux::find`], for a segment: first looks where the last one was found.
    #[inline(always)]
    pub(crate) fn find_segment<'a>(
        &mut self,
        tuple: &FourTuple,
        tuple_at: impl Fn(Place) -> Option<&'a FourTuple>,
    ) -> Option<Place> {
        match self.recent {
            Some(place) if self.hashed.tuple == *tuple => Some(place),
            _ => self.find_anew(tuple, tuple_at),
        }
    }

    #[inline(never)]
    fn find_anew<'a>(
        &mut self,
        tuple: &FourTuple,
        tuple_at: impl Fn(Place) -> Option<&'a FourTuple>,
    ) -> Option<Place> {
        let hash = self.hash(tuple);
        let place = self.find_hashed(hash, tuple, tuple_at);
        self.recent = place;
        place
    }

    /// Adds a four-tuple that is not in the table.
    #[inline(never)]
    pub(crate) fn insert<'a>(
        &mut self,
        tuple: &FourTuple,
        place: Place,
        tuple_at: impl Fn(Place) -> Option<&'a FourTuple>,
    ) {
        let (key, hash) = (self.key, self.hash(tuple));
        let rehash = |packed: &u32| {
            tuple_at(Place::unpack(*packed)).map_or(0, |tuple| ShortHash::of(tuple, &key).wide())
        };
        self.places.insert_unique(hash.wide(), place.pack(hash), rehash);
        // Its next segment is on its way.
        self.recent = Some(place);
    }

    /// Lets a four-tuple that lives at `from` live at `to`.
    pub(crate) fn relocate(&mut self, tuple: &FourTuple, from: Place, to: Place) {
        let hash = self.hash(tuple);
        let packed = from.pack(hash);
        if let Some(entry) = self.places.find_mut(hash.wide(), |candidate| *candidate == packed) {
            *entry = to.pack(hash);
        }
        self.recent = Some(to);
    }

    pub(crate) fn remove(&mut self, tuple: &FourTuple, place: Place) {
        let hash = self.hash(tuple);
        self.recent = None;
        self.remove_hashed(hash, place);
    }

    /// Like [`Demux::remove`], by the hash that is kept beside the four-tuple.
    #[inline(never)]
    pub(crate) fn remove_hashed(&mut self, hash: ShortHash, place: Place) {
        let packed = place.pack(hash);
        if self.recent == Some(place) {
            self.recent = None;
        }
        if let Ok(entry) = self.places.find_entry(hash.wide(), |candidate| *candidate == packed) {
            entry.remove();
        }
    }

    /// Places in the table.
    pub(crate) const INDEX_LIMIT: u32 = INDEX_MASK;
}

#[cfg(test)]
mod tests {
    use super::*;
    use basis::Random;
    use core::net::{IpAddr, Ipv4Addr};

    #[test]
    fn the_number_differs_by_four_tuple_and_secret_and_is_no_part_of_the_place() {
        let mut demux = Demux::new(Random::new([1; 32]).hash_key());
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let tuple = FourTuple { local: address, remote: address, local_port: 1, remote_port: 2 };
        let number = demux.number(&tuple);
        assert_ne!(number, demux.hash(&tuple).0);
        assert_ne!(demux.number(&FourTuple { local_port: 3, ..tuple }), number);
        assert_eq!(demux.number(&tuple), number);
        assert_ne!(Demux::new(Random::new([2; 32]).hash_key()).number(&tuple), number);
    }

    #[test]
    fn a_place_is_told_from_all_others_up_to_the_last_slot() {
        let last = Demux::INDEX_LIMIT;
        assert_eq!(last, (1 << 26) - 1);
        for hash in [0, 0x0123_4567, u32::MAX].map(ShortHash) {
            for index in [0, 1, last - 1, last] {
                for place in [Place::Connection(index), Place::HalfOpen(index), Place::TimeWait(index)] {
                    assert_eq!(Place::unpack(place.pack(hash)), place);
                }
            }
            assert_ne!(Place::unpack(Place::Connection(last + 1).pack(hash)), Place::Connection(last + 1));
        }
    }

    #[test]
    fn a_place_holds_just_the_four_bits_below_those_that_tell_neighbours_apart() {
        let bits = |hash| Place::Connection(0).pack(ShortHash(hash));
        assert_eq!((bits(u32::MAX), bits(0xf << 21), bits(!(0xf << 21))), (HASH_MASK, HASH_MASK, 0));
    }
}
