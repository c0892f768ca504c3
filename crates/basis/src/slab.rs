//! A table whose places are found by number in constant time and never move.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::{fmt, mem};

/// Slots of one allocation. Growing by chunks keeps growth cheap and unused space small.
const CHUNK: usize = 64;
const NO_SLOT: u32 = u32::MAX;

/// Names one value of a [`Slab`]; a key whose value was removed finds nothing, also when the slot is used again.
///
/// Slot and generation in one word, which goes through queues and calls in a register.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(u64);

impl Key {
    #[inline]
    const fn new(index: u32, generation: u32) -> Key {
        Key((index as u64) << 32 | generation as u64)
    }

    /// The slot's number.
    #[inline]
    pub const fn index(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// How often the slot had been used before.
    #[inline]
    const fn generation(self) -> u32 {
        self.0 as u32
    }

    /// Both parts in one number, for a token of an outer layer.
    #[inline]
    pub const fn to_bits(self) -> u64 {
        self.0.rotate_left(32)
    }

    /// The key that [`Key::to_bits`] made `bits` of.
    #[inline]
    pub const fn from_bits(bits: u64) -> Key {
        Key(bits.rotate_left(32))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("index", &self.index()).field("generation", &self.generation()).finish()
    }
}

/// A table of values, found by [`Key`] in constant time.
///
/// ```
/// use netstrata_basis::Slab;
/// let mut slab = Slab::new();
/// let key = slab.insert("a").unwrap();
/// assert_eq!(slab.get(key), Some(&"a"));
/// assert_eq!(slab.remove(key), Some("a"));
/// assert_eq!(slab.get(key), None);
/// ```
#[derive(Clone, Debug)]
pub struct Slab<T> {
    chunks: Vec<Chunk<T>>,
    first_vacant: u32,
    len: usize,
}

/// Its length is known beforehand, so that a look-up checks one bound, not two.
type Chunk<T> = Box<[Slot<T>; CHUNK]>;

#[derive(Clone, Debug)]
struct Slot<T> {
    generation: u32,
    entry: Entry<T>,
}

#[derive(Clone, Debug)]
enum Entry<T> {
    Vacant { next: u32 },
    Occupied(T),
}

/// The vacant slot of a [`Slab`] that is used next.
#[derive(Debug)]
pub struct Vacancy<'a, T> {
    slot: &'a mut Slot<T>,
    index: u32,
    first_vacant: &'a mut u32,
    len: &'a mut usize,
}

impl<T> Vacancy<'_, T> {
    /// Puts `value` there.
    #[inline(always)]
    pub fn fill(self, value: T) -> Key {
        if let Entry::Vacant { next } = self.slot.entry {
            *self.first_vacant = next;
        }
        *self.len += 1;
        self.slot.entry = Entry::Occupied(value);
        Key::new(self.index, self.slot.generation)
    }
}

impl<T> Slab<T> {
    /// An empty table; it allocates nothing.
    pub const fn new() -> Slab<T> {
        Slab { chunks: Vec::new(), first_vacant: NO_SLOT, len: 0 }
    }

    /// How many values the table holds.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether the table holds no value.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Puts a value into the table; `None` when all 2^32 - 1 slots are taken.
    pub fn insert(&mut self, value: T) -> Option<Key> {
        Some(self.vacancy()?.fill(value))
    }

    /// A slot for a value that is made where it will lie: a large one is not moved. `None` when all 2^32 - 1 slots are taken.
    #[inline]
    pub fn vacancy(&mut self) -> Option<Vacancy<'_, T>> {
        if self.first_vacant == NO_SLOT {
            self.grow()?;
        }
        let index = self.first_vacant;
        let slot = self.chunks.get_mut(index as usize / CHUNK)?.get_mut(index as usize % CHUNK)?;
        Some(Vacancy { slot, index, first_vacant: &mut self.first_vacant, len: &mut self.len })
    }

    /// Adds a chunk of vacant slots when there is none left.
    #[cold]
    fn grow(&mut self) -> Option<()> {
        let first = first_slot(self.chunks.len())?;
        self.chunks.push(vacant_chunk(first)?);
        self.first_vacant = first;
        Some(())
    }

    /// Takes the value out; `None` if the key is stale.
    pub fn remove(&mut self, key: Key) -> Option<T> {
        let next = self.first_vacant;
        let slot = self.slot_mut(key.index())?;
        if slot.generation != key.generation() || !matches!(slot.entry, Entry::Occupied(_)) {
            return None;
        }
        let Entry::Occupied(value) = mem::replace(&mut slot.entry, Entry::Vacant { next }) else {
            return None;
        };
        self.note_vacant(key.index());
        Some(value)
    }

    /// Drops the value where it lies: a large one is not moved. Returns false if the key is stale.
    pub fn discard(&mut self, key: Key) -> bool {
        let next = self.first_vacant;
        let Some(slot) = self.slot_mut(key.index()) else { return false };
        if slot.generation != key.generation() || !matches!(slot.entry, Entry::Occupied(_)) {
            return false;
        }
        slot.entry = Entry::Vacant { next };
        self.note_vacant(key.index());
        true
    }

    /// A slot has become the first vacant one; no key finds it any more.
    fn note_vacant(&mut self, index: u32) {
        if let Some(slot) = self.slot_mut(index) {
            slot.generation = slot.generation.wrapping_add(1);
        }
        self.first_vacant = index;
        self.len -= 1;
    }

    /// The value named by `key`, unless it was removed.
    #[inline]
    pub fn get(&self, key: Key) -> Option<&T> {
        let slot = self.slot(key.index())?;
        match &slot.entry {
            Entry::Occupied(value) if slot.generation == key.generation() => Some(value),
            _ => None,
        }
    }

    /// The value named by `key`, to change it.
    #[inline]
    pub fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let slot = self.slot_mut(key.index())?;
        match &mut slot.entry {
            Entry::Occupied(value) if slot.generation == key.generation() => Some(value),
            _ => None,
        }
    }

    /// The value in slot `index`, whatever its generation.
    #[inline]
    pub fn at_mut(&mut self, index: u32) -> Option<&mut T> {
        match &mut self.slot_mut(index)?.entry {
            Entry::Occupied(value) => Some(value),
            Entry::Vacant { .. } => None,
        }
    }

    /// The value in slot `index` with its key.
    #[inline]
    pub fn entry_at_mut(&mut self, index: u32) -> Option<(Key, &mut T)> {
        let slot = self.slot_mut(index)?;
        let key = Key::new(index, slot.generation);
        match &mut slot.entry {
            Entry::Occupied(value) => Some((key, value)),
            Entry::Vacant { .. } => None,
        }
    }

    /// The value in slot `index`, whatever its generation.
    #[inline]
    pub fn at(&self, index: u32) -> Option<&T> {
        match &self.slot(index)?.entry {
            Entry::Occupied(value) => Some(value),
            Entry::Vacant { .. } => None,
        }
    }

    /// The key of the value in slot `index`.
    #[inline]
    pub fn key_at(&self, index: u32) -> Option<Key> {
        let slot = self.slot(index)?;
        matches!(slot.entry, Entry::Occupied(_)).then_some(Key::new(index, slot.generation))
    }

    /// All values with their keys. For reports only: nothing on a segment's way walks a table.
    pub fn iter(&self) -> impl Iterator<Item = (Key, &T)> {
        self.chunks.iter().flat_map(|chunk| chunk.iter()).enumerate().filter_map(|(index, slot)| match &slot
            .entry
        {
            Entry::Occupied(value) => Some((Key::new(index as u32, slot.generation), value)),
            Entry::Vacant { .. } => None,
        })
    }

    #[inline]
    fn slot(&self, index: u32) -> Option<&Slot<T>> {
        self.chunks.get(index as usize / CHUNK).map(|chunk| &chunk[index as usize % CHUNK])
    }

    #[inline]
    fn slot_mut(&mut self, index: u32) -> Option<&mut Slot<T>> {
        self.chunks.get_mut(index as usize / CHUNK).map(|chunk| &mut chunk[index as usize % CHUNK])
    }
}

/// The first slot of the chunk behind `chunks` others; `None` beyond the last number.
fn first_slot(chunks: usize) -> Option<u32> {
    u32::try_from(chunks).ok()?.checked_mul(CHUNK as u32)
}

/// The chunk that begins with slot `first`; its vacant slots are linked in order. It is filled in where it stays: it is too large
/// for the stack.
fn vacant_chunk<T>(first: u32) -> Option<Chunk<T>> {
    // One past the last number is the one that names no slot: there the list ends by itself.
    let next = |place: u32| if place + 1 == CHUNK as u32 { NO_SLOT } else { first + place + 1 };
    let slots =
        (0..CHUNK as u32).map(|place| Slot { generation: 0, entry: Entry::Vacant { next: next(place) } });
    slots.collect::<Vec<_>>().try_into().ok()
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Slab::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_number_names_no_slot() {
        // As if all chunks before the last were taken, without their memory.
        let chunks = 1 << (u32::BITS - CHUNK.ilog2());
        let last = vacant_chunk::<()>(first_slot(chunks - 1).unwrap()).unwrap();
        let next = |slot: &Slot<()>| match slot.entry {
            Entry::Vacant { next } => next,
            Entry::Occupied(()) => panic!("{slot:?}"),
        };
        assert_eq!(next(&last[CHUNK - 3]), NO_SLOT - 1);
        assert_eq!(next(&last[CHUNK - 2]), NO_SLOT);
        assert_eq!(first_slot(chunks), None);
    }

    #[test]
    fn a_stale_key_finds_nothing_when_its_slot_is_used_again() {
        let mut slab = Slab::new();
        let first = slab.insert(1).unwrap();
        slab.remove(first);
        let second = slab.insert(2).unwrap();
        assert_eq!(second.index(), first.index());
        assert_eq!((slab.get(first), slab.get(second)), (None, Some(&2)));
        assert_eq!(slab.entry_at_mut(second.index()), Some((second, &mut 2)));
        assert_eq!(slab.entry_at_mut(1), None);
        assert_eq!(slab.remove(first), None);
        assert_eq!(slab.len(), 1);
    }

    #[test]
    fn what_is_discarded_is_dropped_once_and_its_slot_is_used_again() {
        let value = alloc::rc::Rc::new(());
        let mut slab = Slab::new();
        let first = slab.insert(value.clone()).unwrap();
        assert!(slab.discard(first) && !slab.discard(first));
        assert_eq!((alloc::rc::Rc::strong_count(&value), slab.len()), (1, 0));
        let second = slab.insert(value.clone()).unwrap();
        assert_eq!(second.index(), first.index());
        assert!(!slab.discard(first) && slab.get(second).is_some());
    }

    #[test]
    fn it_grows_over_many_chunks_and_keeps_every_value() {
        let mut slab = Slab::new();
        let keys: Vec<Key> = (0..10 * CHUNK).map(|n| slab.insert(n).unwrap()).collect();
        assert!(keys.iter().enumerate().all(|(n, key)| slab.get(*key) == Some(&n)));
        assert_eq!(slab.iter().count(), 10 * CHUNK);
        assert_eq!(Key::from_bits(keys[77].to_bits()), keys[77]);
    }
}
