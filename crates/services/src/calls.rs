//! The calls that go on: how many there may be, and which they are.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::service::{How, Tally};

/// A bounded table of the calls that go on; shared by all who take calls for one purpose.
#[derive(Debug)]
pub struct Calls {
    most: usize,
    table: Mutex<Table>,
    refused: AtomicU64,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    calls: BTreeMap<u64, Arc<Entry>>,
    totals: BTreeMap<&'static str, Totals>,
}

/// What calls of one service came to since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Calls that were begun.
    pub begun: u64,
    /// Calls that have ended, by the place of [`How::NAMES`].
    pub ended: [u64; How::NAMES.len()],
    /// Bytes from the callers of calls that have ended.
    pub received: u64,
    /// Bytes to the callers of calls that have ended.
    pub sent: u64,
}

#[derive(Debug)]
struct Entry {
    service: &'static str,
    local: SocketAddr,
    peer: SocketAddr,
    since: Instant,
    tally: Tally,
}

/// One call as it stands.
#[derive(Clone, Debug)]
pub struct Call {
    /// The service's name.
    pub service: &'static str,
    /// The address it was made to.
    pub local: SocketAddr,
    /// The address it came from.
    pub peer: SocketAddr,
    /// How long it has been going on.
    pub lasted: Duration,
    /// Bytes from the caller.
    pub received: u64,
    /// Bytes to the caller.
    pub sent: u64,
}

impl Calls {
    /// A table with room for `most` calls at once.
    pub fn new(most: usize) -> Arc<Calls> {
        Arc::new(Calls { most, table: Mutex::default(), refused: AtomicU64::new(0) })
    }

    /// The most calls at once.
    pub fn most(&self) -> usize {
        self.most
    }

    /// How many calls go on.
    pub fn count(&self) -> usize {
        self.lock().calls.len()
    }

    /// How many calls found no room.
    pub fn refused(&self) -> u64 {
        self.refused.load(Relaxed)
    }

    /// The calls that go on, oldest first.
    pub fn list(&self) -> Vec<Call> {
        // The entries are copied under the lock and looked at outside.
        let entries: Vec<Arc<Entry>> = self.lock().calls.values().cloned().collect();
        entries.iter().map(|entry| entry.report()).collect()
    }

    /// What the calls came to, by service. Those that go on are begun and not ended; their bytes are not in it yet.
    pub fn totals(&self) -> Vec<(&'static str, Totals)> {
        self.lock().totals.iter().map(|(service, totals)| (*service, *totals)).collect()
    }

    /// Enters a call, unless the table is full. It leaves when the ticket is dropped.
    pub(crate) fn enter(
        self: &Arc<Calls>,
        service: &'static str,
        local: SocketAddr,
        peer: SocketAddr,
    ) -> Option<Ticket> {
        let entry = Arc::new(Entry { service, local, peer, since: Instant::now(), tally: Tally::default() });
        let mut table = self.lock();
        if table.calls.len() >= self.most {
            self.refused.fetch_add(1, Relaxed);
            return None;
        }
        let number = table.next;
        table.next += 1;
        table.calls.insert(number, Arc::clone(&entry));
        table.totals.entry(service).or_default().begun += 1;
        Some(Ticket { calls: Arc::clone(self), number, entry, how: How::FAULT })
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        // The table is whole between any two statements: a panic elsewhere does not spoil it.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn report(&self) -> Call {
        Call {
            service: self.service,
            local: self.local,
            peer: self.peer,
            lasted: self.since.elapsed(),
            received: self.tally.received(),
            sent: self.tally.sent(),
        }
    }
}

/// A call's place in the table.
pub(crate) struct Ticket {
    calls: Arc<Calls>,
    number: u64,
    entry: Arc<Entry>,
    /// The place of how it ended; a task that panics says nothing.
    how: usize,
}

impl Ticket {
    pub(crate) fn ended(&mut self, how: &How) {
        self.how = how.place();
    }

    pub(crate) fn tally(&self) -> &Tally {
        &self.entry.tally
    }

    pub(crate) fn report(&self) -> Call {
        self.entry.report()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut table = self.calls.lock();
        table.calls.remove(&self.number);
        let totals = table.totals.entry(self.entry.service).or_default();
        if let Some(ended) = totals.ended.get_mut(self.how) {
            *ended += 1;
        }
        totals.received += self.entry.tally.received();
        totals.sent += self.entry.tally.sent();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_table_is_bounded_and_a_dropped_ticket_makes_room() {
        let calls = Calls::new(2);
        let here = SocketAddr::from(([10, 7, 0, 2], 9528));
        let peer = |port| SocketAddr::from(([10, 7, 0, 101], port));
        let first = calls.enter("talk", here, peer(1)).unwrap();
        let second = calls.enter("talk", here, peer(2)).unwrap();
        assert!(calls.enter("talk", here, peer(3)).is_none());
        assert_eq!((calls.count(), calls.refused()), (2, 1));
        first.tally().count_received(5);
        let list = calls.list();
        assert_eq!(list.iter().map(|call| call.peer.port()).collect::<Vec<_>>(), [1, 2]);
        assert_eq!((list[0].received, list[0].sent), (5, 0));
        drop(first);
        assert!(calls.enter("talk", here, peer(4)).is_some());
        let mut second = second;
        second.ended(&How::Quit);
        drop(second);
        assert_eq!(calls.count(), 0);
        let mut totals = Totals { begun: 3, received: 5, ..Totals::default() };
        totals.ended[How::FAULT] = 2;
        totals.ended[How::Quit.place()] = 1;
        assert_eq!(calls.totals(), [("talk", totals)]);
    }
}
