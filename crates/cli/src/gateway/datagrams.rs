//! Guests' UDP datagrams (RFC 4787): all that one endpoint sends leaves by one port outside, whoever it is for, and what comes back to it
//! there is for the guest if the guest has sent to that host. Errors are told with the datagrams that they are about.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use netstrata::stack::Received;
use netstrata::tokio::UdpSocket;
use netstrata::{Failed, Unreachable};
use services::gateway::{Cause, Flow, Mapping, Protocol, Turns};
use tokio::task::{JoinSet, unconstrained, yield_now};

use super::answers::{self, Answers};
use super::engine::Engine;
use super::handing::{hand_in, sent, tell};
use super::mappings::{Mappings, Way};
use super::notice::{Hop, Notice};
use super::outcome;
use super::outside::Outside;
use super::published::{Published, PublishedPorts};

/// Bytes of the longest datagram.
const LONGEST: usize = 65_535;
/// Datagrams that are taken in before some are carried on, and how many those are: to take one in costs much less, so that the stack's queue,
/// which all guests share, does not fill because one of them floods.
const TAKEN_IN: usize = 64;
const CARRIED_ON: usize = 16;

/// What carries datagrams.
struct Carrier {
    engine: Arc<Engine>,
    inside: Arc<UdpSocket>,
    mappings: Arc<Mappings<SocketAddr>>,
    published: PublishedPorts,
    running: JoinSet<()>,
    /// What guests have sent.
    waiting: Turns<(Received, Vec<u8>)>,
}

/// Carries datagrams until told to stop, and those of published ports.
pub(crate) async fn carry(engine: Arc<Engine>, inside: UdpSocket, published: Vec<Published>) {
    let (mut stop, mut bytes) = (engine.stop.clone(), vec![0; LONGEST]);
    let inside = Arc::new(inside);
    let published = PublishedPorts::new(published);
    let mut running = JoinSet::new();
    for port in published.all() {
        running.spawn(port.carry(Arc::clone(&engine), Arc::clone(&inside)));
    }
    let mappings = Mappings::new();
    let waiting = Turns::default();
    let mut carrier = Carrier { engine, inside: Arc::clone(&inside), mappings, published, running, waiting };
    let mut taken_in = 0;
    loop {
        tokio::select! {
            biased;
            () = stop.draining() => break,
            Some(_) = carrier.running.join_next() => {}
            // Others have their turn when some are carried on.
            received = unconstrained(inside.recv_datagram(&mut bytes)), if taken_in < TAKEN_IN => match received {
                Ok(received) => {
                    taken_in += 1;
                    carrier.take_in(received, bytes.get(..received.copied).unwrap_or_default());
                }
                Err(error) => {
                    tracing::error!(%error, "no more datagrams of guests are taken");
                    break;
                }
            },
            () = yield_now(), if !carrier.waiting.is_empty() || taken_in > 0 => {
                taken_in = 0;
                carrier.carry_on();
            }
        }
    }
    // A flow of datagrams has no end that one could wait for.
    carrier.running.shutdown().await;
}

impl Carrier {
    /// A guest has sent a datagram, which waits for its turn.
    fn take_in(&mut self, received: Received, payload: &[u8]) {
        let (holder, standing) = self.engine.stations.holder_standing(received.from.ip(), Instant::now());
        let thing = (received, payload.to_vec());
        for (lost, _) in self.waiting.push(holder, standing, payload.len(), thing) {
            self.engine.count(Cause::Dropped, lost.from.ip(), Protocol::Udp, lost.to);
        }
    }

    /// Some have their turn.
    fn carry_on(&mut self) {
        for _ in 0..CARRIED_ON {
            let Some((received, payload)) = self.waiting.pop() else { return };
            self.forward(&received, &payload);
        }
    }

    fn forward(&mut self, received: &Received, payload: &[u8]) {
        let (guest, meant) = (received.from, received.to);
        if self.engine.policy.is_for_many(meant.ip()) {
            // Calls to all on the link, such as those for services, are not for anybody outside.
            return;
        }
        let hop = Hop::after(received.time_to_live, received.dont_fragment);
        let sent = match self.published.send(&self.engine, (guest, meant), payload, hop) {
            Some(sent) => sent,
            None => self.send(guest, meant, payload, hop),
        };
        if let Err(why) = sent {
            self.engine.tell(Failed::Datagram { from: guest, to: meant, payload }, why, None);
        }
    }

    /// Sends by the guest's mapping. What it is told if that cannot be.
    fn send(
        &mut self,
        guest: SocketAddr,
        meant: SocketAddr,
        payload: &[u8],
        hop: Hop,
    ) -> Result<(), Unreachable> {
        let (engine, now) = (Arc::clone(&self.engine), Instant::now());
        let (way, target) = match self.mappings.sends(guest, meant, now) {
            // Of a host at which guests' ports are published, some ports alone may be open.
            Some((way, true)) if !engine.is_published(Protocol::Udp, meant.ip(), None) => {
                (way, engine.policy.outside(meant))
            }
            Some((way, _)) => {
                let target = engine.allow(Protocol::Udp, guest, meant).map(Some).or_else(refusal)?;
                let Some(target) = target else { return Ok(()) };
                self.mappings.admit(guest, meant, now);
                (way, target)
            }
            None => {
                let Some((way, target)) = self.open(guest, meant, now)? else { return Ok(()) };
                (way, target)
            }
        };
        way.flow.tally().count_received(payload.len());
        sent(&engine, &way.outside, (guest, meant), target, payload, hop)
    }

    /// Enters a flow and finds where it goes. A guest that has as many as it may ends a silent mapping of its for it, once that is allowed
    /// and comes no faster than it may.
    fn admit(&self, guest: SocketAddr, meant: SocketAddr, now: Instant) -> Result<(Flow, SocketAddr), Cause> {
        let engine = &self.engine;
        let holder = engine.stations.holder(guest.ip());
        if !engine.flows.is_at_limit(holder) {
            return engine.admit(Protocol::Udp, guest, meant);
        }
        engine.flows.check_rate(Protocol::Udp, holder, guest, meant, now)?;
        let target = engine.allow(Protocol::Udp, guest, meant)?;
        if self.mappings.evict(holder, now) {
            engine.count(Cause::Evicted, guest.ip(), Protocol::Udp, meant);
        }
        Ok((engine.enter(Protocol::Udp, guest, meant)?, target))
    }

    /// A mapping for a new endpoint, with where its first datagram goes. Without a word none if the guest is over its limits: the datagram
    /// is lost, as in a full queue.
    fn open(
        &mut self,
        guest: SocketAddr,
        meant: SocketAddr,
        now: Instant,
    ) -> Result<Option<(Arc<Way>, SocketAddr)>, Unreachable> {
        let engine = &self.engine;
        let admitted = self.admit(guest, meant, now).map(Some).or_else(refusal)?;
        let Some((flow, target)) = admitted else { return Ok(None) };
        let outside = Outside::for_endpoint(guest.port(), target.ip()).map_err(|error| {
            let (cause, why) = outcome::of(&error);
            engine.count(cause, guest.ip(), Protocol::Udp, meant);
            why
        })?;
        let way = Way::new(outside, flow);
        let mut mapping = Mapping::new(engine.udp_idle, now);
        mapping.admit(meant, now);
        self.mappings.insert(guest, Arc::clone(&way), mapping);
        let mappings = Arc::clone(&self.mappings);
        let to = ToEndpoint {
            engine: Arc::clone(engine),
            guest,
            mappings: Arc::clone(&mappings),
            inside: Arc::clone(&self.inside),
        };
        self.running.spawn(answers::carry((mappings, guest), Arc::clone(&way), engine.stop.clone(), to));
        Ok(Some((way, target)))
    }
}

/// What a guest is told of a datagram that was not let go, if anything.
fn refusal<T>(cause: Cause) -> Result<Option<T>, Unreachable> {
    match cause {
        Cause::Denied => Err(Unreachable::Prohibited),
        Cause::Refused => Err(Unreachable::Port),
        _ => Ok(None),
    }
}

/// What is done with what comes back to a guest's endpoint.
struct ToEndpoint {
    engine: Arc<Engine>,
    guest: SocketAddr,
    mappings: Arc<Mappings<SocketAddr>>,
    inside: Arc<UdpSocket>,
}

impl Answers for ToEndpoint {
    async fn datagram(&self, way: &Way, from: SocketAddr, bytes: &[u8]) {
        let seen = SocketAddr::new(self.engine.policy.seen(from.ip()), from.port());
        let cause = match self.mappings.lets_in(self.guest, seen.ip(), Instant::now()) {
            true => hand_in(&self.inside, bytes, seen, self.guest).await.err().map(|_| Cause::Dropped),
            false => Some(Cause::Unasked),
        };
        match cause {
            Some(cause) => self.engine.count(cause, self.guest.ip(), Protocol::Udp, seen),
            None => way.flow.tally().count_sent(bytes.len()),
        }
    }

    fn notice(&self, notice: &Notice) {
        let meant = SocketAddr::new(self.engine.policy.seen(notice.to.ip()), notice.to.port());
        match self.mappings.has_sent_to(self.guest, meant.ip(), Instant::now()) {
            true => tell(&self.engine, self.guest, meant, notice, &[]),
            // Who knows the port can make up what a message quotes.
            false => self.engine.count(Cause::Unasked, self.guest.ip(), Protocol::Udp, meant),
        }
    }

    fn failure(&self, error: &io::Error) {
        let (cause, _) = outcome::of(error);
        self.engine.count(cause, self.guest.ip(), Protocol::Udp, SocketAddr::new(self.guest.ip(), 0));
    }
}
