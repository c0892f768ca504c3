//! Which connection a segment belongs to: one keyed hash, however many there are.

use crate::segment::FourTuple;
use basis::HashKey;
use core::hash::BuildHasher;
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

const INDEX_BITS: u32 = 30;
const INDEX_MASK: u32 = (1 << INDEX_BITS) - 1;

impl Place {
    fn pack(self) -> u32 {
        match self {
            Place::Connection(index) => index & INDEX_MASK,
            Place::HalfOpen(index) => 1 << INDEX_BITS | index & INDEX_MASK,
            Place::TimeWait(index) => 2 << INDEX_BITS | index & INDEX_MASK,
        }
    }

    fn unpack(packed: u32) -> Place {
        let index = packed & INDEX_MASK;
        match packed >> INDEX_BITS {
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
}

impl Demux {
    pub(crate) fn new(key: HashKey) -> Demux {
        Demux { key, places: HashTable::new() }
    }

    #[inline]
    pub(crate) fn find<'a>(
        &self,
        tuple: &FourTuple,
        tuple_at: impl Fn(Place) -> Option<&'a FourTuple>,
    ) -> Option<Place> {
        let same = |packed: &u32| tuple_at(Place::unpack(*packed)) == Some(tuple);
        self.places.find(self.key.hash_one(tuple), same).map(|packed| Place::unpack(*packed))
    }

    /// Adds a four-tuple that is not in the table.
    pub(crate) fn insert<'a>(
        &mut self,
        tuple: &FourTuple,
        place: Place,
        tuple_at: impl Fn(Place) -> Option<&'a FourTuple>,
    ) {
        let key = self.key;
        let rehash = |packed: &u32| tuple_at(Place::unpack(*packed)).map_or(0, |tuple| key.hash_one(tuple));
        self.places.insert_unique(key.hash_one(tuple), place.pack(), rehash);
    }

    /// Lets a four-tuple that lives at `from` live at `to`.
    pub(crate) fn relocate(&mut self, tuple: &FourTuple, from: Place, to: Place) {
        let packed = from.pack();
        if let Some(entry) = self.places.find_mut(self.key.hash_one(tuple), |candidate| *candidate == packed)
        {
            *entry = to.pack();
        }
    }

    pub(crate) fn remove(&mut self, tuple: &FourTuple, place: Place) {
        let packed = place.pack();
        if let Ok(entry) = self.places.find_entry(self.key.hash_one(tuple), |candidate| *candidate == packed)
        {
            entry.remove();
        }
    }

    /// Places in the table.
    pub(crate) const INDEX_LIMIT: u32 = INDEX_MASK;
}
