//! Which connection a segment belongs to: one keyed hash, however many there are.

use super::places::Places;
use crate::segment::FourTuple;
use basis::HashKey;

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

/// When there are so many among the young, connections that have lasted until then are no longer young.
const YOUNG: usize = 4_096;

/// The tables. They hold places only; `tuple_at` tells the four-tuple that lives at one.
///
/// Connections come, go and pass through TIME-WAIT among the young, whose table stays small enough for the processor's caches. The
/// many that last are in a table of their own: of that one, those that come and go have nothing to write, and little to read.
#[derive(Clone, Debug)]
pub(crate) struct Demux {
    key: HashKey,
    young: Places,
    old: Places,
    hashed: Hashed,
    /// Where that one lives, if that is known; segments come in trains.
    recent: Option<Place>,
}

/// The four-tuple that was hashed last: what is looked for, found missing, added and moved is often the same.
#[derive(Clone, Debug)]
struct Hashed {
    tuple: FourTuple,
    hash: TupleHash,
}

/// A four-tuple's keyed hash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TupleHash(u64);

impl TupleHash {
    #[inline]
    fn of(tuple: &FourTuple, key: &HashKey) -> TupleHash {
        TupleHash(tuple.hash_by(key))
    }

    #[inline]
    pub(crate) fn short(self) -> ShortHash {
        ShortHash(self.0 as u32)
    }

    /// A number for the four-tuple that only this host can guess. It has nothing to do with where the four-tuple lies in the table.
    #[inline]
    pub(crate) fn number(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

/// The half of a hash that finds the four-tuple in the table, short enough to be kept with what lives long and is then looked for no
/// more but once, to be removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ShortHash(u32);

impl ShortHash {
    /// Those bits that stand with a place: none that the table tells neighbours apart by, nor, short of millions, chooses buckets by.
    #[inline]
    fn bits_in_place(self) -> u32 {
        self.0 << 19 & HASH_MASK
    }
}

impl Demux {
    pub(crate) fn new(key: HashKey) -> Demux {
        let tuple = FourTuple::NOWHERE;
        let hashed = Hashed { tuple, hash: TupleHash::of(&tuple, &key) };
        Demux { key, young: Places::new(), old: Places::new(), hashed, recent: None }
    }

    #[inline(never)]
    pub(crate) fn hash(&mut self, tuple: &FourTuple) -> TupleHash {
        if self.hashed.tuple != *tuple {
            // What is known is where the other one lives.
            self.recent = None;
            self.hashed = Hashed { tuple: *tuple, hash: TupleHash::of(tuple, &self.key) };
        }
        self.hashed.hash
    }

    pub(crate) fn find<'a>(
        &self,
        tuple: &FourTuple,
        tuple_at: impl Fn(Place) -> Option<&'a FourTuple>,
    ) -> Option<Place> {
        self.find_hashed(TupleHash::of(tuple, &self.key).short(), tuple, tuple_at)
    }

    /// Like [`Demux::find`], by the hash of the four-tuple.
    #[inline(never)]
    pub(crate) fn find_hashed<'a>(
        &self,
        hash: ShortHash,
        tuple: &FourTuple,
        tuple_at: impl Fn(Place) -> Option<&'a FourTuple>,
    ) -> Option<Place> {
        let bits = hash.bits_in_place();
        // Who is not meant is not looked at: among many connections it has long left the processor's caches.
        let same = |packed: u32| packed & HASH_MASK == bits && tuple_at(Place::unpack(packed)) == Some(tuple);
        self.young.find(hash.0, same).or_else(|| self.old.find(hash.0, same)).map(Place::unpack)
    }

    /// Where the last segment's connection was found, if this one's is the same.
    #[inline(always)]
    pub(crate) fn find_recent(&self, tuple: &FourTuple) -> Option<Place> {
        if self.hashed.tuple == *tuple { self.recent } else { None }
    }

    /// Like [`Demux::find`], for a segment that [`Demux::find_recent`] knows no place of.
    #[inline(never)]
    pub(crate) fn find_anew<'a>(
        &mut self,
        tuple: &FourTuple,
        tuple_at: impl Fn(Place) -> Option<&'a FourTuple>,
    ) -> Option<Place> {
        let hash = self.hash(tuple).short();
        let place = self.find_hashed(hash, tuple, tuple_at);
        self.recent = place;
        place
    }

    /// Adds a four-tuple that is not in the table: the one that was [hashed](Demux::hash) last.
    #[inline(never)]
    pub(crate) fn insert<'a>(
        &mut self,
        hash: ShortHash,
        place: Place,
        tuple_at: impl Fn(Place) -> Option<&'a FourTuple>,
    ) {
        debug_assert_eq!(hash, self.hashed.hash.short());
        let key = self.key;
        let hash_of =
            |packed| tuple_at(Place::unpack(packed)).map_or(0, |tuple| TupleHash::of(tuple, &key).short().0);
        if self.young.len() == self.young.capacity() {
            self.make_room(&hash_of);
        }
        self.young.insert(hash.0, place.pack(hash), &hash_of);
        // Its next segment is on its way.
        self.recent = Some(place);
    }

    /// Connections that have lasted make room among the young, who become more only if half of them are others.
    #[cold]
    #[inline(never)]
    fn make_room(&mut self, hash_of: &impl Fn(u32) -> u32) {
        if self.young.len() >= YOUNG {
            let is_connection = |packed| matches!(Place::unpack(packed), Place::Connection(_));
            self.young.move_to(&mut self.old, is_connection, hash_of);
        }
        if self.young.len() >= self.young.capacity() / 2 {
            self.young.grow(hash_of);
        }
    }

    /// Lets the four-tuple that was [hashed](Demux::hash) last and lives at `from` live at `to`.
    #[inline(never)]
    pub(crate) fn relocate(&mut self, hash: ShortHash, from: Place, to: Place) {
        debug_assert_eq!(hash, self.hashed.hash.short());
        let (from, packed) = (from.pack(hash), to.pack(hash));
        if !self.young.replace(hash.0, from, packed) {
            self.old.replace(hash.0, from, packed);
        }
        self.recent = Some(to);
    }

    pub(crate) fn remove(&mut self, tuple: &FourTuple, place: Place) {
        let hash = self.hash(tuple).short();
        self.remove_hashed(hash, place);
    }

    /// Like [`Demux::remove`], by the hash that is kept beside the four-tuple.
    #[inline(never)]
    pub(crate) fn remove_hashed(&mut self, hash: ShortHash, place: Place) {
        if self.recent == Some(place) {
            self.recent = None;
        }
        if !self.young.remove(hash.0, place.pack(hash)) {
            self.old.remove(hash.0, place.pack(hash));
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
        let hash = demux.hash(&tuple);
        assert_ne!(hash.number(), hash.short().0);
        assert_ne!(demux.hash(&FourTuple { local_port: 3, ..tuple }).number(), hash.number());
        assert_eq!(demux.hash(&tuple), hash);
        assert_ne!(Demux::new(Random::new([2; 32]).hash_key()).hash(&tuple).number(), hash.number());
    }

    #[test]
    fn who_has_lasted_is_found_among_the_old_and_others_stay_young() {
        let mut demux = Demux::new(Random::new([1; 32]).hash_key());
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let tuple = |index: u32| {
            let (local_port, remote_port) = (index as u16, (index >> 16) as u16);
            FourTuple { local: address, remote: address, local_port, remote_port }
        };
        let tuples: alloc::vec::Vec<FourTuple> = (0..20_000).map(tuple).collect();
        let index = |place| match place {
            Place::Connection(index) | Place::HalfOpen(index) | Place::TimeWait(index) => index,
        };
        let tuple_at = |place| tuples.get(index(place) as usize);
        // Every second one is to stay.
        let place = |index: u32| {
            if index.is_multiple_of(2) { Place::Connection(index) } else { Place::TimeWait(index) }
        };
        for index in 0..20_000 {
            let hash = demux.hash(&tuple(index)).short();
            demux.insert(hash, place(index), tuple_at);
        }
        assert!(demux.old.len() > 5_000 && demux.young.len() >= 10_000, "{}", demux.old.len());
        assert!((0..20_000).all(|index| demux.find(&tuple(index), tuple_at) == Some(place(index))));
        for index in 0..20_000 {
            let hash = demux.hash(&tuple(index)).short();
            demux.relocate(hash, place(index), Place::TimeWait(index));
            assert_eq!(demux.find(&tuple(index), tuple_at), Some(Place::TimeWait(index)));
            demux.remove(&tuple(index), Place::TimeWait(index));
            assert_eq!(demux.find(&tuple(index), tuple_at), None);
        }
        assert_eq!((demux.old.len(), demux.young.len()), (0, 0));
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
    fn a_place_holds_just_the_four_bits_above_those_that_tell_neighbours_apart() {
        let bits = |hash| Place::Connection(0).pack(ShortHash(hash));
        assert_eq!((bits(u32::MAX), bits(0xf << 7), bits(!(0xf << 7))), (HASH_MASK, HASH_MASK, 0));
    }
}
