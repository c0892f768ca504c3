//! Guests' echo requests, by the operating system's ping sockets where this user may have them.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use netstrata::{EchoRequest, Failed, PingSocket, Unreachable};
use services::gateway::{Cause, Protocol};
use socket2::{Domain, Socket, Type};
use tokio::net::UdpSocket;
use tokio::task::JoinSet;

use super::engine::Engine;
use super::outcome;
use super::ways::{Arrival, Way, Ways};

/// How long a row of requests may pause.
const IDLE: Duration = Duration::from_secs(60);
/// Bytes of an echo message's header: type, code, checksum, identifier, number (RFC 792, RFC 4443 4.1).
const HEADER: usize = 8;

/// Who asks whom, by which identifier.
type Row = (IpAddr, IpAddr, u16);

/// Carries echo requests until told to stop.
pub(crate) async fn carry(engine: Arc<Engine>, inside: PingSocket) {
    let (inside, ways) = (Arc::new(inside), Ways::new());
    let mut stop = engine.stop.clone();
    let mut running = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = stop.draining() => break,
            Some(_) = running.join_next() => {}
            request = inside.recv_request() => match request {
                Ok(request) => forward(&engine, &request, &inside, &ways, &mut running).await,
                Err(error) => {
                    tracing::error!(%error, "no more echo requests of guests are taken");
                    break;
                }
            }
        }
    }
    running.shutdown().await;
}

async fn forward(
    engine: &Arc<Engine>,
    request: &EchoRequest,
    inside: &Arc<PingSocket>,
    ways: &Arc<Ways<Row>>,
    running: &mut JoinSet<()>,
) {
    let row = (request.from, request.to, request.identifier);
    let failed = failed(row, request.sequence);
    let back = |way| back(Arc::clone(engine), row, way, Arc::clone(inside));
    let way = match ways.enter(row, async { open(engine, row) }, back, running).await {
        Ok(way) => way,
        Err(Some(why)) => return engine.tell(failed, why),
        Err(None) => return,
    };
    // The kernel puts its own identifier and the checksum in.
    let kind = if request.to.is_ipv4() { 8 } else { 128 };
    let [first, second] = request.sequence.to_be_bytes();
    let message = [&[kind, 0, 0, 0, 0, 0, first, second], &request.payload[..]].concat();
    if let Err(error) = way.send(&message, request.payload.len()) {
        let (cause, why) = match error.kind() {
            ErrorKind::WouldBlock => return,
            _ => outcome::of(&error),
        };
        engine.count(cause, request.from, Protocol::Echo, SocketAddr::new(request.to, 0));
        engine.tell(failed, why);
    }
}

fn failed((from, to, identifier): Row, sequence: u16) -> Failed {
    Failed::Echo { from, to, identifier, sequence }
}

/// A ping socket for a new row; or what its guest is told, if anything.
fn open(engine: &Engine, (from, to, _): Row) -> Result<Way, Option<Unreachable>> {
    let meant = SocketAddr::new(to, 0);
    let (flow, target) =
        engine.admit(Protocol::Echo, SocketAddr::new(from, 0), meant).map_err(|cause| match cause {
            Cause::Denied | Cause::Refused => Some(Unreachable::Prohibited),
            _ => None,
        })?;
    match ping_socket(target) {
        Ok(socket) => Ok(Way::new(socket, flow)),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            let remedy = "let this user's group ping by `sysctl net.ipv4.ping_group_range`";
            engine.counters.count(Cause::EchoForbidden, Some(from), format_args!("echo to {to}: {remedy}"));
            Err(Some(Unreachable::Prohibited))
        }
        Err(error) => {
            let (cause, why) = outcome::of(&error);
            engine.count(cause, from, Protocol::Echo, meant);
            Err(Some(why))
        }
    }
}

/// A socket for datagrams of ICMP, which needs no right but the group's. It is read and written like one of UDP.
fn ping_socket(target: SocketAddr) -> io::Result<UdpSocket> {
    let (domain, protocol) = match target.is_ipv4() {
        true => (Domain::IPV4, socket2::Protocol::ICMPV4),
        false => (Domain::IPV6, socket2::Protocol::ICMPV6),
    };
    let socket = Socket::new(domain, Type::DGRAM, Some(protocol))?;
    socket.set_nonblocking(true)?;
    socket.connect(&target.into())?;
    UdpSocket::from_std(socket.into())
}

/// Carries answers, until the row pauses for too long.
async fn back(engine: Arc<Engine>, row: Row, way: Arc<Way>, inside: Arc<PingSocket>) {
    let (from, to, identifier) = row;
    let (mut stop, mut bytes) = (engine.stop.clone(), Vec::new());
    loop {
        match way.receive(&mut bytes, IDLE, &mut stop).await {
            Arrival::Datagram => {
                if let Some((sequence, payload)) = reply(to, &bytes) {
                    let request = EchoRequest {
                        from,
                        to,
                        identifier,
                        sequence,
                        time_to_live: 0,
                        payload: Default::default(),
                    };
                    if inside.answer(&request, payload).is_err() {
                        engine.count(Cause::Dropped, from, Protocol::Echo, SocketAddr::new(to, 0));
                    }
                }
                bytes.clear();
            }
            Arrival::Failed(error) => {
                let (cause, why) = outcome::of(&error);
                engine.count(cause, from, Protocol::Echo, SocketAddr::new(to, 0));
                engine.tell(failed(row, 0), why);
            }
            Arrival::Over => break,
        }
    }
}

/// The number and the payload of an echo reply.
fn reply(to: IpAddr, bytes: &[u8]) -> Option<(u16, &[u8])> {
    let kind = if to.is_ipv4() { 0 } else { 129 };
    let (header, payload) = bytes.split_at_checked(HEADER)?;
    match *header {
        [first, 0, _, _, _, _, high, low] if first == kind => {
            Some((u16::from_be_bytes([high, low]), payload))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_told_from_all_else() {
        let four = IpAddr::from([192, 0, 2, 1]);
        assert_eq!(reply(four, &[0, 0, 1, 2, 3, 4, 1, 2, 9]), Some((258, &[9][..])));
        assert_eq!(reply("::1".parse().unwrap(), &[129, 0, 1, 2, 3, 4, 0, 7]), Some((7, &[][..])));
        for other in [&[8, 0, 1, 2, 3, 4, 0, 7][..], &[0, 0, 1, 2, 3, 4, 0], &[129, 0, 1, 2, 3, 4, 0, 7], &[]]
        {
            assert_eq!(reply(four, other), None);
        }
    }
}
