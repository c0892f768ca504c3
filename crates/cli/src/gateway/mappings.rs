//! The mappings of guests' UDP endpoints and of their rows of echo requests, each with its socket, until they are silent for too long.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use services::gateway::{Flow, Holder, Mapping, Ranks};
use tokio::sync::Notify;

use super::outside::Outside;

/// One socket, and its place among the flows.
pub(crate) struct Way {
    pub(crate) outside: Outside,
    pub(crate) flow: Flow,
    /// Whoever carries what comes back by it looks anew whether it has ended.
    pub(crate) ended: Notify,
}

impl Way {
    pub(crate) fn new(outside: Outside, flow: Flow) -> Arc<Way> {
        Arc::new(Way { outside, flow, ended: Notify::new() })
    }
}

/// The mappings by what tells them apart, such as a guest's endpoint. As many as there are flows.
pub(crate) struct Mappings<K>(Mutex<Table<K>>);

struct Table<K> {
    entries: BTreeMap<K, Entry>,
    ranks: Ranks<K>,
}

struct Entry {
    way: Arc<Way>,
    mapping: Mapping,
}

impl<K: Copy + Ord> Mappings<K> {
    pub(crate) fn new() -> Arc<Mappings<K>> {
        Arc::new(Mappings(Mutex::new(Table { entries: BTreeMap::new(), ranks: Ranks::default() })))
    }

    /// The way of a guest that sends to `to`, and whether it has sent to that host not long ago.
    pub(crate) fn sends(&self, key: K, to: SocketAddr, now: Instant) -> Option<(Arc<Way>, bool)> {
        let mut table = self.table();
        let Entry { way, mapping } = table.entries.get_mut(&key)?;
        Some((Arc::clone(way), mapping.sends(to, now)))
    }

    /// A new mapping.
    pub(crate) fn insert(&self, key: K, way: Arc<Way>, mapping: Mapping) {
        let mut table = self.table();
        table.ranks.insert(key, way.flow.holder(), mapping.rank());
        table.entries.insert(key, Entry { way, mapping });
    }

    /// Ends a mapping of `holder` that was silent, so that there is room for a new one; false if it needs all of them.
    pub(crate) fn evict(&self, holder: Holder, now: Instant) -> bool {
        let mut table = self.table();
        let Table { entries, ranks } = &mut *table;
        let evicted = ranks.evict(holder, now, |key| entries.get(&key).map(|entry| entry.mapping.rank()));
        let Some(Entry { way, .. }) = evicted.and_then(|key| entries.remove(&key)) else { return false };
        way.flow.end();
        way.ended.notify_one();
        true
    }

    /// The guest may send to `to`.
    pub(crate) fn admit(&self, key: K, to: SocketAddr, now: Instant) {
        if let Some(entry) = self.table().entries.get_mut(&key) {
            entry.mapping.admit(to, now);
        }
    }

    /// Whether what comes from `peer` is for the guest.
    pub(crate) fn lets_in(&self, key: K, peer: IpAddr, now: Instant) -> bool {
        self.table().entries.get_mut(&key).is_some_and(|entry| entry.mapping.lets_in(peer, now))
    }

    /// Whether the guest has sent to `peer` not long ago.
    pub(crate) fn has_sent_to(&self, key: K, peer: IpAddr, now: Instant) -> bool {
        self.table().entries.get(&key).is_some_and(|entry| entry.mapping.has_sent_to(peer, now))
    }

    /// When the mapping by this way ends if its guest sends nothing more; none if that is now, or if there is none: it is removed.
    pub(crate) fn end(&self, key: K, way: &Arc<Way>, now: Instant) -> Option<Instant> {
        let mut table = self.table();
        let entry = table.entries.get(&key).filter(|entry| Arc::ptr_eq(&entry.way, way))?;
        let end = entry.mapping.end();
        if end > now {
            return Some(end);
        }
        table.remove(key);
        None
    }

    /// Ends the mapping by this way, if it has not been replaced.
    pub(crate) fn remove(&self, key: K, way: &Arc<Way>) {
        let mut table = self.table();
        if table.entries.get(&key).is_some_and(|entry| Arc::ptr_eq(&entry.way, way)) {
            table.remove(key);
        }
    }

    fn table(&self) -> MutexGuard<'_, Table<K>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Copy + Ord> Table<K> {
    fn remove(&mut self, key: K) {
        self.ranks.remove(key);
        self.entries.remove(&key);
    }
}
