//! A table of places by hash, made for the processor's caches: a search mostly looks at sixteen bytes, and then at one place.
//!
//! A bucket is a group of fifteen tags, each a few bits of a hash, and the line of fifteen places that they stand for. Which bucket a
//! place belongs to follows from its hash. If that one is full the place lies in the next that is not, and each bucket it has passed
//! counts it: a search ends at the first bucket that nothing has passed. What is removed leaves no trace, so that places may come
//! and go for ever without the table being made anew. The groups lie together: they are a fifth of the table, and all that there is
//! to look at when a place is not there.

use alloc::vec::Vec;

/// Places in a bucket.
const WIDTH: usize = 15;
/// When there are so many for each bucket, the table grows: some buckets have more, and what does not fit them lies further on.
const USUAL: usize = 13;
/// The byte of a group that counts.
const PASSED: usize = WIDTH;
/// One in each byte that is a tag.
const ONES: u128 = (u128::MAX / 0xff) >> 8;
/// The bit that all tags in use have.
const USED: u128 = ONES << 7;

/// The table. It knows of a place what it is told: its number and its hash.
#[derive(Clone, Debug)]
pub(super) struct Places {
    groups: Vec<Group>,
    lines: Vec<Line>,
    len: usize,
}

/// Fifteen tags, 0 where no place is; and how many places that belong here or before lie further on: 255 for that or more, for ever.
#[derive(Clone, Copy, Debug)]
#[repr(align(16))]
struct Group([u8; WIDTH + 1]);

/// The places of a bucket, in a line of the cache.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Line([u32; WIDTH]);

/// Seven bits of a hash: not those that choose the bucket.
#[inline]
fn tag_of(hash: u32) -> u8 {
    hash as u8 | 0x80
}

/// The first byte that has its highest bit set; beyond the last if none has.
#[inline]
fn first(bits: u128) -> usize {
    bits.trailing_zeros() as usize / 8
}

impl Group {
    const EMPTY: Group = Group([0; WIDTH + 1]);

    /// Where the tag of `hash` is: the highest bits of those bytes, and perhaps of a few others.
    #[inline]
    fn candidates(&self, hash: u32) -> u128 {
        // A byte that is 0, where the tags are the same, borrows from its highest bit when 1 is taken off it. One behind it may do so, too.
        let differing = u128::from_le_bytes(self.0) ^ (u128::from(tag_of(hash)) * ONES);
        differing.wrapping_sub(ONES) & !differing & USED
    }

    #[inline]
    fn vacant(&self) -> usize {
        first(!u128::from_le_bytes(self.0) & USED)
    }

    #[inline]
    fn is_passed(&self) -> bool {
        self.0[PASSED] != 0
    }
}

impl Places {
    pub(super) const fn new() -> Places {
        Places { groups: Vec::new(), lines: Vec::new(), len: 0 }
    }

    /// How many places are in the table.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// So many it holds without growing.
    #[inline]
    pub(super) fn capacity(&self) -> usize {
        self.groups.len() * USUAL
    }

    /// The bucket that a hash belongs to, by its highest bits.
    #[inline]
    fn home(&self, hash: u32) -> usize {
        ((u64::from(hash) * self.groups.len() as u64) >> u32::BITS) as usize
    }

    #[inline]
    fn after(&self, at: usize) -> usize {
        if at + 1 < self.groups.len() { at + 1 } else { 0 }
    }

    /// The slot of bucket `at` with the place with this hash that is the `same`.
    #[inline(always)]
    fn slot(&self, at: usize, hash: u32, same: impl Fn(u32) -> bool) -> Option<usize> {
        let mut candidates = self.groups.get(at)?.candidates(hash);
        while candidates != 0 {
            let slot = first(candidates);
            if same(*self.lines.get(at)?.0.get(slot)?) {
                return Some(slot);
            }
            candidates &= candidates - 1;
        }
        None
    }

    /// The bucket and slot of the place with this hash that is the `same`.
    #[inline(always)]
    fn locate(&self, hash: u32, same: impl Fn(u32) -> bool) -> Option<(usize, usize)> {
        let at = self.home(hash);
        match self.slot(at, hash, &same) {
            Some(slot) => Some((at, slot)),
            None if self.groups.get(at)?.is_passed() => self.locate_beyond(at, hash, same),
            None => None,
        }
    }

    /// [`Places::locate`] of a place that does not lie in bucket `at`, which others have passed.
    #[cold]
    #[inline(never)]
    fn locate_beyond(&self, at: usize, hash: u32, same: impl Fn(u32) -> bool) -> Option<(usize, usize)> {
        let mut at = at;
        // Where places came and went, something may have passed every bucket.
        for _ in 1..self.groups.len() {
            at = self.after(at);
            match self.slot(at, hash, &same) {
                Some(slot) => return Some((at, slot)),
                None if self.groups[at].is_passed() => {}
                None => return None,
            }
        }
        None
    }

    /// The place with this hash that is the `same`.
    #[inline]
    pub(super) fn find(&self, hash: u32, same: impl Fn(u32) -> bool) -> Option<u32> {
        let (at, slot) = self.locate(hash, same)?;
        Some(self.lines[at].0[slot])
    }

    /// Adds a place. `hash_of` tells the hash of those that are there, should they have to move.
    #[inline]
    pub(super) fn insert(&mut self, hash: u32, place: u32, hash_of: &impl Fn(u32) -> u32) {
        if self.len == self.capacity() {
            self.grow(hash_of);
        }
        self.len += 1;
        self.put(hash, place);
    }

    #[inline]
    fn put(&mut self, hash: u32, place: u32) {
        let at = self.home(hash);
        if !self.put_at(at, hash, place) {
            self.put_beyond(at, hash, place);
        }
    }

    /// Takes a place into bucket `at`; returns false if there is no room.
    #[inline]
    fn put_at(&mut self, at: usize, hash: u32, place: u32) -> bool {
        let group = &mut self.groups[at];
        let slot = group.vacant();
        if slot >= WIDTH {
            return false;
        }
        group.0[slot] = tag_of(hash);
        self.lines[at].0[slot] = place;
        true
    }

    /// [`Places::put`] of a place that bucket `at` has no room for.
    #[cold]
    #[inline(never)]
    fn put_beyond(&mut self, at: usize, hash: u32, place: u32) {
        let mut at = at;
        // Some bucket has room: all of them have more than is ever put into the table.
        loop {
            let passed = &mut self.groups[at].0[PASSED];
            *passed = passed.saturating_add(1);
            at = self.after(at);
            if self.put_at(at, hash, place) {
                return;
            }
        }
    }

    /// Twice as many buckets.
    #[cold]
    #[inline(never)]
    pub(super) fn grow(&mut self, hash_of: &impl Fn(u32) -> u32) {
        let count = (2 * self.groups.len()).max(1);
        let groups = core::mem::replace(&mut self.groups, alloc::vec![Group::EMPTY; count]);
        let lines = core::mem::replace(&mut self.lines, alloc::vec![Line([0; WIDTH]); count]);
        for (group, line) in groups.iter().zip(&lines) {
            for (_, place) in group.0.iter().zip(&line.0).filter(|(tag, _)| **tag != 0) {
                self.put(hash_of(*place), *place);
            }
        }
    }

    /// Moves all places to another table that are of the `kind`.
    #[cold]
    #[inline(never)]
    pub(super) fn move_to(
        &mut self,
        other: &mut Places,
        kind: impl Fn(u32) -> bool,
        hash_of: &impl Fn(u32) -> u32,
    ) {
        for (at, slot) in (0..self.groups.len()).flat_map(|at| (0..WIDTH).map(move |slot| (at, slot))) {
            let place = self.lines[at].0[slot];
            if self.groups[at].0[slot] != 0 && kind(place) {
                let hash = hash_of(place);
                other.insert(hash, place, hash_of);
                self.take_out(hash, at, slot);
            }
        }
    }

    /// Lets `to` stand where the place `from` with this hash does; returns false if that is not there.
    #[inline]
    pub(super) fn replace(&mut self, hash: u32, from: u32, to: u32) -> bool {
        let found = self.locate(hash, |place| place == from);
        if let Some((at, slot)) = found {
            self.lines[at].0[slot] = to;
        }
        found.is_some()
    }

    /// Takes out a place with this hash; returns false if it is not there.
    #[inline]
    pub(super) fn remove(&mut self, hash: u32, place: u32) -> bool {
        let found = self.locate(hash, |candidate| candidate == place);
        if let Some((at, slot)) = found {
            self.take_out(hash, at, slot);
        }
        found.is_some()
    }

    #[inline]
    fn take_out(&mut self, hash: u32, found: usize, slot: usize) {
        self.groups[found].0[slot] = 0;
        self.len -= 1;
        let home = self.home(hash);
        if home != found {
            self.forget_passing(home, found);
        }
    }

    /// A place is gone that had passed the buckets from `at` on until it came to `found`.
    #[cold]
    #[inline(never)]
    fn forget_passing(&mut self, at: usize, found: usize) {
        let mut at = at;
        while at != found {
            let passed = &mut self.groups[at].0[PASSED];
            // Once it was as many as can be counted, nobody knows.
            *passed -= u8::from(*passed < u8::MAX);
            at = self.after(at);
        }
    }
}

#[cfg(test)]
mod tests;
