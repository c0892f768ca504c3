//! The mappings of guests' UDP endpoints and of their rows of echo requests, each with its socket, until they are silent for too long.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use services::gateway::{Flow, Mapping};

use super::outside::Outside;

/// One socket, and its place among the flows.
pub(crate) struct Way {
    pub(crate) outside: Outside,
    pub(crate) flow: Flow,
}

/// The mappings by what tells them apart, such as a guest's endpoint. As many as there are flows.
pub(crate) struct Mappings<K>(Mutex<BTreeMap<K, Entry>>);

struct Entry {
    way: Arc<Way>,
    mapping: Mapping,
}

impl<K: Ord> Mappings<K> {
    pub(crate) fn new() -> Arc<Mappings<K>> {
        Arc::new(Mappings(Mutex::default()))
    }

    /// The way of a guest that sends to `to`, and whether it has sent to that host not long ago.
    pub(crate) fn sends(&self, key: K, to: SocketAddr, now: Instant) -> Option<(Arc<Way>, bool)> {
        let mut table = self.table();
        let Entry { way, mapping } = table.get_mut(&key)?;
        Some((Arc::clone(way), mapping.sends(to, now)))
    }

    /// A new mapping.
    pub(crate) fn insert(&self, key: K, way: Arc<Way>, mapping: Mapping) {
        self.table().insert(key, Entry { way, mapping });
    }

    /// The guest may send to `to`.
    pub(crate) fn admit(&self, key: K, to: SocketAddr, now: Instant) {
        if let Some(entry) = self.table().get_mut(&key) {
            entry.mapping.admit(to, now);
        }
    }

    /// Whether what comes from `peer` is for the guest.
    pub(crate) fn lets_in(&self, key: K, peer: IpAddr, now: Instant) -> bool {
        self.table().get_mut(&key).is_some_and(|entry| entry.mapping.lets_in(peer, now))
    }

    /// Whether the guest has sent to `peer` not long ago.
    pub(crate) fn has_sent_to(&self, key: K, peer: IpAddr, now: Instant) -> bool {
        self.table().get(&key).is_some_and(|entry| entry.mapping.has_sent_to(peer, now))
    }

    /// When the mapping by this way ends if its guest sends nothing more; none if that is now, or if there is none: it is removed.
    pub(crate) fn end(&self, key: K, way: &Arc<Way>, now: Instant) -> Option<Instant> {
        let mut table = self.table();
        let entry = table.get(&key).filter(|entry| Arc::ptr_eq(&entry.way, way))?;
        let end = entry.mapping.end();
        if end > now {
            return Some(end);
        }
        table.remove(&key);
        None
    }

    /// Ends the mapping by this way, if it has not been replaced.
    pub(crate) fn remove(&self, key: K, way: &Arc<Way>) {
        let mut table = self.table();
        if table.get(&key).is_some_and(|entry| Arc::ptr_eq(&entry.way, way)) {
            table.remove(&key);
        }
    }

    fn table(&self) -> MutexGuard<'_, BTreeMap<K, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
