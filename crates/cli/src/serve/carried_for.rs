//! For whom a published port carries which of its connections over our stack: to the services all of them come from the carrier.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use services::Ends;
use tokio::sync::Notify;
use tokio::time::timeout;

/// How long a connection of the carrier's may be there before it is known for whom: both come of the same handshake.
const PATIENCE: Duration = Duration::from_secs(5);

/// The connections that are carried. There are as many as calls that are carried, which those bound.
#[derive(Debug, Default)]
pub(crate) struct CarriedFor {
    table: Mutex<Table>,
    entered: Notify,
}

#[derive(Debug, Default)]
struct Table {
    carriers: Vec<IpAddr>,
    /// The number of each connection's entry, and the caller.
    callers: BTreeMap<Connection, (u64, IpAddr)>,
    entries: u64,
}

/// A connection of a carrier's by both of its ends: a port of the carrier's is used for calls to several ports of a service's host
/// (RFC 9293 3.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Connection {
    carrier: SocketAddr,
    service: SocketAddr,
}

/// One of them; its drop forgets it.
pub(crate) struct Entry {
    carried: Arc<CarriedFor>,
    connection: Connection,
    number: u64,
}

impl Connection {
    fn new(carrier: SocketAddr, service: SocketAddr) -> Connection {
        let canonical = |at: SocketAddr| SocketAddr::new(at.ip().to_canonical(), at.port());
        Connection { carrier: canonical(carrier), service: canonical(service) }
    }
}

impl CarriedFor {
    /// From these addresses calls of others are carried.
    pub(crate) fn set_carriers(&self, carriers: Vec<IpAddr>) {
        self.table().carriers = carriers;
    }

    /// The connection of a carrier with these ends, as the carrier sees them, is for a caller at this address.
    pub(crate) fn enter(self: &Arc<CarriedFor>, ends: Ends, caller: IpAddr) -> Entry {
        let connection = Connection::new(ends.local, ends.peer);
        let number = {
            let mut table = self.table();
            table.entries += 1;
            let number = table.entries;
            table.callers.insert(connection, (number, caller.to_canonical()));
            number
        };
        self.entered.notify_waiters();
        Entry { carried: Arc::clone(self), connection, number }
    }

    /// Who calls by a connection with these ends, as the service sees them: whoever is there, or for whom a call of the carrier's is
    /// carried. None: a carrier is there, and does not say for whom.
    pub(crate) async fn caller(&self, ends: Ends) -> Option<IpAddr> {
        let own = ends.peer.ip().to_canonical();
        if !self.table().carriers.contains(&own) {
            return Some(own);
        }
        let connection = Connection::new(ends.peer, ends.local);
        let found = async {
            loop {
                let entered = self.entered.notified();
                let mut entered = std::pin::pin!(entered);
                // From here on none is missed.
                entered.as_mut().enable();
                if let Some((_, caller)) = self.table().callers.get(&connection) {
                    return *caller;
                }
                entered.await;
            }
        };
        timeout(PATIENCE, found).await.ok()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // The table is whole between any two statements: a panic elsewhere does not spoil it.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut table = self.carried.table();
        // A later connection may have had the same ends already.
        if table.callers.get(&self.connection).is_some_and(|(number, _)| *number == self.number) {
            table.callers.remove(&self.connection);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    /// The ends of a connection of the carrier's port to a service's, as the carrier sees them, and as the service does.
    fn ends(carrier: u16, service: u16) -> (Ends, Ends) {
        let [near, far] = [([10, 7, 0, 1], carrier), ([10, 7, 0, 2], service)].map(SocketAddr::from);
        (Ends { local: near, peer: far }, Ends { local: far, peer: near })
    }

    fn carried() -> (Arc<CarriedFor>, [IpAddr; 2]) {
        let carried = Arc::new(CarriedFor::default());
        let [carrier, one, other]: [IpAddr; 3] =
            [[10, 7, 0, 1], [192, 0, 2, 1], [192, 0, 2, 2]].map(IpAddr::from);
        carried.set_carriers(vec![carrier]);
        (carried, [one, other])
    }

    #[tokio::test(start_paused = true)]
    async fn a_carried_caller_is_known_by_its_own_address_and_others_by_theirs() {
        let (carried, [one, other]) = carried();
        let ((first, at_first), (later, at_later)) = (ends(4000, 8021), ends(4001, 8021));
        let entry = carried.enter(first, one);
        assert_eq!(carried.caller(at_first).await, Some(one));
        let station = SocketAddr::from(([10, 7, 0, 9], 4000));
        assert_eq!(carried.caller(Ends { peer: station, ..at_first }).await, Some(station.ip()));
        // The service may have taken it before the carrier has said for whom.
        let late = Arc::clone(&carried);
        let asking = tokio::spawn(async move { late.caller(at_later).await });
        tokio::task::yield_now().await;
        let second = carried.enter(later, other);
        assert_eq!(asking.await.unwrap(), Some(other));
        // What has ended is forgotten, waited for so long and no longer, and not taken for the carrier's own.
        drop((entry, second));
        assert!(carried.table().callers.is_empty());
        let began = Instant::now();
        assert_eq!((carried.caller(at_first).await, began.elapsed()), (None, PATIENCE));
    }

    #[tokio::test(start_paused = true)]
    async fn one_port_of_the_carriers_is_used_for_several_callers_at_once() {
        let (carried, [one, other]) = carried();
        let ((talk, at_talk), (ftp, at_ftp)) = (ends(4000, 9528), ends(4000, 8021));
        let first = carried.enter(ftp, one);
        let second = carried.enter(talk, other);
        assert_eq!((carried.caller(at_ftp).await, carried.caller(at_talk).await), (Some(one), Some(other)));
        drop(second);
        assert_eq!(carried.caller(at_ftp).await, Some(one));
        // The same ends again, before the end of the first has been noticed.
        let again = carried.enter(ftp, other);
        drop(first);
        assert_eq!(carried.caller(at_ftp).await, Some(other));
        drop(again);
        assert!(carried.table().callers.is_empty());
    }
}
