//! Wakers by socket, for one direction.

use super::place::Place;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::task::Waker;

/// A map that has fewer entries than this keeps its memory.
const SMALL: usize = 64;

/// Those who wait at one socket. As large as one waker: nearly always there is just one.
#[expect(clippy::box_collection, reason = "a vector would make every entry half as large again")]
enum Waiters {
    One(Waker),
    Many(Box<Vec<Waker>>),
}

/// Wakers by socket. `K` names the socket.
pub(super) struct Table<K> {
    shared: HashMap<K, Waiters>,
    polled: HashMap<K, Waker>,
}

impl<K: Copy + Eq + Hash> Table<K> {
    /// Notes `waker`; what it displaced is returned, to be dropped once the lock is released.
    pub(super) fn add(&mut self, key: K, place: Place, waker: &Waker) -> Option<Waker> {
        match place {
            Place::Polled => match self.polled.entry(key) {
                Entry::Occupied(entry) if entry.get().will_wake(waker) => return None,
                Entry::Occupied(mut entry) => return Some(entry.insert(waker.clone())),
                Entry::Vacant(entry) => drop(entry.insert(waker.clone())),
            },
            Place::Shared => match self.shared.entry(key) {
                Entry::Occupied(mut entry) => entry.get_mut().add(waker),
                Entry::Vacant(entry) => drop(entry.insert(Waiters::One(waker.clone()))),
            },
        }
        None
    }

    /// Takes `waker` out; it is returned, to be dropped once the lock is released.
    pub(super) fn remove(&mut self, key: K, waker: &Waker) -> Option<Waker> {
        let Entry::Occupied(mut entry) = self.shared.entry(key) else { return None };
        if let Waiters::Many(many) = entry.get_mut() {
            let position = many.iter().position(|other| other.will_wake(waker))?;
            let removed = many.swap_remove(position);
            if many.is_empty() {
                entry.remove();
            }
            return Some(removed);
        }
        if !matches!(entry.get(), Waiters::One(one) if one.will_wake(waker)) {
            return None;
        }
        let removed = entry.remove();
        shrink(&mut self.shared);
        match removed {
            Waiters::One(waker) => Some(waker),
            Waiters::Many(_) => None,
        }
    }

    pub(super) fn take(&mut self, key: K, woken: &mut Vec<Waker>) {
        if let Some(waker) = self.polled.remove(&key) {
            woken.push(waker);
            shrink(&mut self.polled);
        }
        if let Some(waiters) = self.shared.remove(&key) {
            waiters.append_to(woken);
            shrink(&mut self.shared);
        }
    }

    pub(super) fn take_all(&mut self, woken: &mut Vec<Waker>) {
        woken.extend(std::mem::take(&mut self.polled).into_values());
        for waiters in std::mem::take(&mut self.shared).into_values() {
            waiters.append_to(woken);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.shared.len() + self.polled.len()
    }
}

/// Gives memory back after a crowd has left. Halving only below a quarter makes the cost of it constant per removal.
fn shrink<K: Eq + Hash, V>(map: &mut HashMap<K, V>) {
    if map.capacity() > SMALL && map.len() < map.capacity() / 4 {
        map.shrink_to(map.len() * 2);
    }
}

impl Waiters {
    /// Adds `waker` unless the same task waits already.
    fn add(&mut self, waker: &Waker) {
        match self {
            Waiters::One(one) if one.will_wake(waker) => {}
            Waiters::One(one) => *self = Waiters::Many(Box::new(vec![one.clone(), waker.clone()])),
            Waiters::Many(many) if many.iter().any(|other| other.will_wake(waker)) => {}
            Waiters::Many(many) => many.push(waker.clone()),
        }
    }

    fn append_to(self, woken: &mut Vec<Waker>) {
        match self {
            Waiters::One(waker) => woken.push(waker),
            Waiters::Many(many) => woken.extend(*many),
        }
    }
}

impl<K> Default for Table<K> {
    fn default() -> Self {
        Table { shared: HashMap::new(), polled: HashMap::new() }
    }
}
