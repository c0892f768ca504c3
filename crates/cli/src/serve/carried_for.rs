//! For whom a published port carries which of its connections over our stack: to the services all of them come from the carrier.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

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
    callers: BTreeMap<SocketAddr, IpAddr>,
}

/// One of them; its drop forgets it.
pub(crate) struct Entry {
    carried: Arc<CarriedFor>,
    local: SocketAddr,
}

impl CarriedFor {
    /// From these addresses calls of others are carried.
    pub(crate) fn set_carriers(&self, carriers: Vec<IpAddr>) {
        self.table().carriers = carriers;
    }

    /// The connection at `local` of a carrier is for a caller at this address.
    pub(crate) fn enter(self: &Arc<CarriedFor>, local: SocketAddr, caller: IpAddr) -> Entry {
        self.table().callers.insert(local, caller.to_canonical());
        self.entered.notify_waiters();
        Entry { carried: Arc::clone(self), local }
    }

    /// Who calls from `peer`: whoever is there, or for whom a call of the carrier's is carried.
    pub(crate) async fn caller(&self, peer: SocketAddr) -> IpAddr {
        let own = peer.ip().to_canonical();
        if !self.table().carriers.contains(&own) {
            return own;
        }
        let found = async {
            loop {
                let entered = self.entered.notified();
                let mut entered = std::pin::pin!(entered);
                // From here on none is missed.
                entered.as_mut().enable();
                if let Some(caller) = self.table().callers.get(&peer) {
                    return *caller;
                }
                entered.await;
            }
        };
        timeout(PATIENCE, found).await.unwrap_or(own)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // The table is whole between any two statements: a panic elsewhere does not spoil it.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.carried.table().callers.remove(&self.local);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn a_carried_caller_is_known_by_its_own_address_and_others_by_theirs() {
        let carried = Arc::new(CarriedFor::default());
        let [carrier, station]: [IpAddr; 2] = [[10, 7, 0, 1].into(), [10, 7, 0, 9].into()];
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        carried.set_carriers(vec![carrier]);
        let at = move |port| SocketAddr::new(carrier, port);
        let entry = carried.enter(at(4000), one);
        assert_eq!(carried.caller(at(4000)).await, one);
        assert_eq!(carried.caller(SocketAddr::new(station, 4000)).await, station);
        // The service may have taken it before the carrier has said for whom.
        let late = Arc::clone(&carried);
        let asking = tokio::spawn(async move { late.caller(at(4001)).await });
        tokio::task::yield_now().await;
        let second = carried.enter(at(4001), other);
        assert_eq!(asking.await.unwrap(), other);
        // What has ended is forgotten, and waited for so long and no longer.
        drop((entry, second));
        assert!(carried.table().callers.is_empty());
        let began = Instant::now();
        assert_eq!((carried.caller(at(4000)).await, began.elapsed()), (carrier, PATIENCE));
    }
}
