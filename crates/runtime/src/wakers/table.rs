//! Wakers by socket, for one direction.

use super::place::{Place, Ticket};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::task::Waker;

/// A map that has fewer entries than this keeps its memory.
const SMALL: usize = 64;

/// One who waits.
struct Waiter {
    ticket: Ticket,
    waker: Waker,
}

/// Those who wait at one socket. No larger than one of them: nearly always there is just one.
enum Waiters {
    One(Waiter),
    Many(Vec<Waiter>),
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
            Place::Shared(ticket) => match self.shared.entry(key) {
                Entry::Occupied(mut entry) => return entry.get_mut().add(ticket, waker),
                Entry::Vacant(entry) => {
                    entry.insert(Waiters::One(Waiter { ticket, waker: waker.clone() }));
                }
            },
        }
        None
    }

    /// Takes the waker of `ticket` out; it is returned, to be dropped once the lock is released.
    pub(super) fn remove(&mut self, key: K, ticket: Ticket) -> Option<Waker> {
        let Entry::Occupied(mut entry) = self.shared.entry(key) else { return None };
        if let Waiters::Many(many) = entry.get_mut() {
            let position = many.iter().position(|waiter| waiter.ticket == ticket)?;
            let removed = many.swap_remove(position);
            if many.is_empty() {
                entry.remove();
                shrink(&mut self.shared);
            }
            return Some(removed.waker);
        }
        if !matches!(entry.get(), Waiters::One(one) if one.ticket == ticket) {
            return None;
        }
        let removed = entry.remove();
        shrink(&mut self.shared);
        match removed {
            Waiters::One(one) => Some(one.waker),
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
    /// Adds `waker`, or puts it in place of the one that `ticket` has here already; that one is returned.
    fn add(&mut self, ticket: Ticket, waker: &Waker) -> Option<Waker> {
        let all = match self {
            Waiters::One(one) => std::slice::from_mut(one),
            Waiters::Many(many) => many.as_mut_slice(),
        };
        if let Some(own) = all.iter_mut().find(|waiter| waiter.ticket == ticket) {
            return (!own.waker.will_wake(waker)).then(|| std::mem::replace(&mut own.waker, waker.clone()));
        }
        let added = Waiter { ticket, waker: waker.clone() };
        match std::mem::replace(self, Waiters::Many(Vec::new())) {
            Waiters::One(one) => *self = Waiters::Many(vec![one, added]),
            Waiters::Many(mut many) => {
                many.push(added);
                *self = Waiters::Many(many);
            }
        }
        None
    }

    fn append_to(self, woken: &mut Vec<Waker>) {
        match self {
            Waiters::One(one) => woken.push(one.waker),
            Waiters::Many(many) => woken.extend(many.into_iter().map(|waiter| waiter.waker)),
        }
    }
}

impl<K> Default for Table<K> {
    fn default() -> Self {
        Table { shared: HashMap::new(), polled: HashMap::new() }
    }
}
