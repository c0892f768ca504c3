//! Guests' UDP datagrams: each pair of addresses and ports is a flow with a socket of its own, so that nobody else outside can send to the
//! guest by it, and errors are told to whom they concern.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use netstrata::tokio::UdpSocket;
use netstrata::{Failed, Unreachable};
use services::gateway::{Cause, Protocol};
use tokio::task::JoinSet;

use super::engine::Engine;
use super::outcome;
use super::ways::{Arrival, Way, Ways};

/// Bytes of the longest datagram.
const LONGEST: usize = 65_535;

/// Who sends to whom.
type Pair = (SocketAddr, SocketAddr);

/// Carries datagrams until told to stop, and those of flows that go on until they are silent or must end.
pub(crate) async fn carry(engine: Arc<Engine>, inside: UdpSocket) {
    let (inside, ways) = (Arc::new(inside), Ways::new());
    let mut stop = engine.stop.clone();
    let mut running = JoinSet::new();
    let mut bytes = vec![0; LONGEST];
    loop {
        tokio::select! {
            biased;
            () = stop.draining() => break,
            Some(_) = running.join_next() => {}
            received = inside.recv_from_to(&mut bytes) => match received {
                Ok((length, guest, meant)) => {
                    let payload = bytes.get(..length).unwrap_or_default();
                    forward(&engine, (guest, meant), payload, &inside, &ways, &mut running).await;
                }
                Err(error) => {
                    tracing::error!(%error, "no more datagrams of guests are taken");
                    break;
                }
            }
        }
    }
    // A flow of datagrams has no end that one could wait for.
    running.shutdown().await;
}

async fn forward(
    engine: &Arc<Engine>,
    pair: Pair,
    payload: &[u8],
    inside: &Arc<UdpSocket>,
    ways: &Arc<Ways<Pair>>,
    running: &mut JoinSet<()>,
) {
    let (guest, meant) = pair;
    if engine.policy.is_for_many(meant.ip()) {
        // Calls to all on the link, such as those for services, are not for anybody outside.
        return;
    }
    let failed =
        Failed::Datagram { from: guest, to: meant, length: u16::try_from(payload.len()).unwrap_or(u16::MAX) };
    let back = |way| back(Arc::clone(engine), pair, way, Arc::clone(inside));
    let way = match ways.enter(pair, open(engine, pair), back, running).await {
        Ok(way) => way,
        Err(Some(why)) => return engine.tell(failed, why),
        Err(None) => return,
    };
    match way.send(payload, payload.len()) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            engine.count(Cause::Dropped, guest.ip(), Protocol::Udp, meant);
        }
        Err(error) => {
            let (cause, why) = outcome::of(&error);
            engine.count(cause, guest.ip(), Protocol::Udp, meant);
            engine.tell(failed, why);
        }
    }
}

/// A socket for a new flow; or what its guest is told, if anything.
async fn open(engine: &Engine, (guest, meant): Pair) -> Result<Way, Option<Unreachable>> {
    let (flow, target) = engine.admit(Protocol::Udp, guest, meant).map_err(|cause| match cause {
        Cause::Denied => Some(Unreachable::Prohibited),
        Cause::Refused => Some(Unreachable::Port),
        // Over its limits: the datagram is lost, as in a full queue.
        _ => None,
    })?;
    let any: IpAddr = match target.ip() {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let connected = async {
        let socket = tokio::net::UdpSocket::bind((any, 0)).await?;
        socket.connect(target).await?;
        Ok(socket)
    };
    match connected.await {
        Ok(socket) => Ok(Way::new(socket, flow)),
        Err(error) => {
            let (cause, why) = outcome::of(&error);
            engine.count(cause, guest.ip(), Protocol::Udp, meant);
            Err(Some(why))
        }
    }
}

/// Carries what comes back, until the flow is silent for too long.
async fn back(engine: Arc<Engine>, pair: Pair, way: Arc<Way>, inside: Arc<UdpSocket>) {
    let (guest, meant) = pair;
    let (mut stop, mut bytes) = (engine.stop.clone(), Vec::new());
    loop {
        match way.receive(&mut bytes, engine.udp_idle, &mut stop).await {
            Arrival::Datagram => {
                if inside.send_from_to(&bytes, meant, guest).await.is_err() {
                    engine.count(Cause::Dropped, guest.ip(), Protocol::Udp, meant);
                }
                bytes.clear();
            }
            Arrival::Failed(error) => {
                let (cause, why) = outcome::of(&error);
                engine.count(cause, guest.ip(), Protocol::Udp, meant);
                // Which datagram it was about is not known any more: any of this flow will do.
                engine.tell(Failed::Datagram { from: guest, to: meant, length: 0 }, why);
            }
            Arrival::Over => break,
        }
    }
}
