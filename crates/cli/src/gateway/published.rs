//! Guests' UDP ports, reachable on the operating system's side: mappings that last, and let everybody in.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use netstrata::Unreachable;
use netstrata::tokio::UdpSocket;
use services::gateway::{Callers, Cause, Protocol};

use super::engine::Engine;
use super::handing::{hand_in, sent, tell};
use super::notice::Hop;
use super::outcome;
use super::outside::{Arrival, Outside};

/// How long a port rests after an error that is not about any datagram.
const REST: Duration = Duration::from_secs(1);

/// One published port.
pub(crate) struct Published {
    outside: Outside,
    guest: SocketAddr,
    callers: Mutex<Callers>,
    /// The guest's own datagrams leave by it, too: it is at an address that others than this host can answer to.
    leads_out: bool,
}

/// All of them, by the guests' endpoints.
pub(crate) struct PublishedPorts(BTreeMap<SocketAddr, Vec<Arc<Published>>>);

impl Published {
    pub(crate) fn new(outside: Outside, at: SocketAddr, guest: SocketAddr, callers: Callers) -> Published {
        let leads_out = !at.ip().is_loopback() && at.is_ipv4() == guest.is_ipv4();
        Published { outside, guest, callers: Mutex::new(callers), leads_out }
    }

    fn callers(&self) -> MutexGuard<'_, Callers> {
        self.callers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries what comes from outside, until dropped.
    pub(crate) async fn carry(self: Arc<Self>, engine: Arc<Engine>, inside: Arc<UdpSocket>) {
        let mut bytes = Vec::new();
        loop {
            match self.outside.receive(&mut bytes).await {
                Ok(Arrival::Datagram(from)) => {
                    let seen = self.callers().calls(from, Instant::now());
                    let handed = match seen {
                        Some(seen) => hand_in(&inside, &bytes, seen, self.guest).await.is_ok(),
                        None => false,
                    };
                    if !handed {
                        engine.count(Cause::Dropped, self.guest.ip(), Protocol::Udp, from);
                    }
                    bytes.clear();
                }
                Ok(Arrival::Notice(notice)) => {
                    let seen = self.callers().seen(notice.to).unwrap_or(notice.to);
                    tell(&engine, self.guest, seen, &notice, &[]);
                }
                Err(error) => {
                    let (cause, _) = outcome::of(&error);
                    engine.count(cause, self.guest.ip(), Protocol::Udp, self.guest);
                    tokio::time::sleep(REST).await;
                }
            }
        }
    }
}

impl PublishedPorts {
    pub(crate) fn new(ports: Vec<Published>) -> PublishedPorts {
        let mut by_guest: BTreeMap<SocketAddr, Vec<Arc<Published>>> = BTreeMap::new();
        for port in ports {
            by_guest.entry(port.guest).or_default().push(Arc::new(port));
        }
        PublishedPorts(by_guest)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = Arc<Published>> {
        self.0.values().flatten().cloned()
    }

    /// Sends a guest's datagram by a published port of its: to a caller by the one that was called, else to whomever it may by one that
    /// leads out. None if there is no such port.
    pub(crate) fn send(
        &self,
        engine: &Engine,
        (guest, meant): (SocketAddr, SocketAddr),
        payload: &[u8],
        hop: Hop,
    ) -> Option<Result<(), Unreachable>> {
        let (ports, now) = (self.0.get(&guest)?, Instant::now());
        let called = ports.iter().find_map(|port| Some((port, port.callers().answers(meant, now)?)));
        if let Some((port, caller)) = called {
            return Some(sent(engine, &port.outside, (guest, meant), caller, payload, hop));
        }
        let port = ports.iter().find(|port| port.leads_out)?;
        Some(match engine.allow(Protocol::Udp, guest, meant) {
            Ok(target) => sent(engine, &port.outside, (guest, meant), target, payload, hop),
            Err(Cause::Refused) => Err(Unreachable::Port),
            Err(_) => Err(Unreachable::Prohibited),
        })
    }
}
