//! Guests' echo requests, by the operating system's ping sockets where this user may have them.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use netstrata::{EchoRequest, Failed, PingSocket, Unreachable};
use services::gateway::{Cause, Mapping, Protocol};
use tokio::task::JoinSet;
use tokio::time::timeout_at;

use super::engine::Engine;
use super::kernel;
use super::mappings::{Mappings, Way};
use super::notice::{Hop, Notice};
use super::outcome;
use super::outside::{Arrival, Outside};

/// How long a row of requests may pause (RFC 5508 3.2, REQ-2).
const IDLE: Duration = Duration::from_secs(60);
/// Bytes of an echo message's header: type, code, checksum, identifier, number (RFC 792, RFC 4443 4.1).
const HEADER: usize = 8;

/// Who asks whom, by which identifier.
type Row = (IpAddr, IpAddr, u16);

/// Carries echo requests until told to stop.
pub(crate) async fn carry(engine: Arc<Engine>, inside: PingSocket) {
    let (inside, mappings) = (Arc::new(inside), Mappings::new());
    let mut stop = engine.stop.clone();
    let mut running = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = stop.draining() => break,
            Some(_) = running.join_next() => {}
            request = inside.recv_request() => match request {
                Ok(request) => forward(&engine, &request, &inside, &mappings, &mut running),
                Err(error) => {
                    tracing::error!(%error, "no more echo requests of guests are taken");
                    break;
                }
            }
        }
    }
    running.shutdown().await;
}

fn forward(
    engine: &Arc<Engine>,
    request: &EchoRequest,
    inside: &Arc<PingSocket>,
    mappings: &Arc<Mappings<Row>>,
    running: &mut JoinSet<()>,
) {
    let row = (request.from, request.to, request.identifier);
    let failed = failed(row, request.sequence, &request.payload);
    let (now, known) = (Instant::now(), mappings.sends(row, request.to, Instant::now()));
    let way = match known {
        Some((way, true)) => way,
        // It has paused for too long, and begins anew.
        Some((_, false)) | None => match open(engine, row) {
            Ok(way) => {
                let way = Arc::new(way);
                let mut mapping = Mapping::new(IDLE, now);
                mapping.admit(request.to, now);
                mappings.insert(row, Arc::clone(&way), mapping);
                let way_back = (Arc::clone(mappings), Arc::clone(inside));
                running.spawn(back(Arc::clone(engine), row, Arc::clone(&way), way_back));
                way
            }
            Err(Some(why)) => return engine.tell(failed, why, None),
            Err(None) => return,
        },
    };
    // The kernel puts its own identifier and the checksum in.
    let kind = if request.to.is_ipv4() { 8 } else { 128 };
    let [first, second] = request.sequence.to_be_bytes();
    let message = [&[kind, 0, 0, 0, 0, 0, first, second], &request.payload[..]].concat();
    way.flow.tally().count_received(request.payload.len());
    let hop = Hop::after(request.time_to_live, request.dont_fragment);
    match way.outside.send(&message, None, hop) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::WouldBlock => {}
        Err(error) if kernel::is_too_long(&error) => {
            while let Some(notice) = way.outside.notice() {
                tell(engine, row, &notice, &message);
            }
        }
        Err(error) => {
            let (cause, why) = outcome::of(&error);
            engine.count(cause, request.from, Protocol::Echo, SocketAddr::new(request.to, 0));
            engine.tell(failed, why, None);
        }
    }
}

fn failed((from, to, identifier): Row, sequence: u16, payload: &[u8]) -> Failed<'_> {
    Failed::Echo { from, to, identifier, sequence, payload }
}

/// A ping socket for a new row; or what its guest is told, if anything.
fn open(engine: &Engine, (from, to, _): Row) -> Result<Way, Option<Unreachable>> {
    let meant = SocketAddr::new(to, 0);
    let (flow, target) =
        engine.admit(Protocol::Echo, SocketAddr::new(from, 0), meant).map_err(|cause| match cause {
            Cause::Denied | Cause::Refused => Some(Unreachable::Prohibited),
            _ => None,
        })?;
    match Outside::for_echo(target.ip()) {
        Ok(outside) => Ok(Way { outside, flow }),
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

/// Carries answers, until the row pauses for too long.
async fn back(
    engine: Arc<Engine>,
    row: Row,
    way: Arc<Way>,
    (mappings, inside): (Arc<Mappings<Row>>, Arc<PingSocket>),
) {
    let (from, to, _) = row;
    let (mut stop, mut bytes) = (engine.stop.clone(), Vec::new());
    while let Some(end) = mappings.end(row, &way, Instant::now()) {
        let arrival = tokio::select! {
            arrival = timeout_at(end.into(), way.outside.receive(&mut bytes)) => arrival,
            () = stop.cut() => break,
        };
        match arrival {
            // The guest may have asked meanwhile.
            Err(_) => {}
            Ok(Ok(Arrival::Datagram(_))) => {
                if let Some((sequence, payload)) = numbered(to, REPLY, &bytes) {
                    way.flow.tally().count_sent(payload.len());
                    answer(&engine, row, &inside, sequence, payload);
                }
                bytes.clear();
            }
            Ok(Ok(Arrival::Notice(notice))) => tell(&engine, row, &notice, &[]),
            Ok(Err(error)) => {
                let (cause, why) = outcome::of(&error);
                engine.count(cause, from, Protocol::Echo, SocketAddr::new(to, 0));
                engine.tell(failed(row, 0, &[]), why, None);
                break;
            }
        }
    }
    mappings.remove(row, &way);
}

fn answer(engine: &Engine, (from, to, identifier): Row, inside: &PingSocket, sequence: u16, payload: &[u8]) {
    let request = EchoRequest {
        from,
        to,
        identifier,
        sequence,
        time_to_live: 0,
        dont_fragment: false,
        payload: Default::default(),
    };
    if inside.answer(&request, payload).is_err() {
        engine.count(Cause::Dropped, from, Protocol::Echo, SocketAddr::new(to, 0));
    }
}

/// Tells a guest what became of a request of its, as which `sent` counts where the notice has none.
fn tell(engine: &Engine, row: Row, notice: &Notice, sent: &[u8]) {
    let (from, to, _) = row;
    engine.count(notice.cause, from, Protocol::Echo, SocketAddr::new(to, 0));
    let message = if notice.payload.is_empty() { sent } else { &notice.payload };
    let (sequence, payload) = numbered(to, REQUEST, message).unwrap_or_default();
    let teller = engine.teller(notice, to);
    engine.tell(failed(row, sequence, payload), notice.why, teller);
}

/// The types of echo messages in IPv4 and in IPv6.
const REQUEST: [u8; 2] = [8, 128];
const REPLY: [u8; 2] = [0, 129];

/// The number and the payload of an echo message with the type for the family of `to`.
fn numbered(to: IpAddr, [v4, v6]: [u8; 2], bytes: &[u8]) -> Option<(u16, &[u8])> {
    let kind = if to.is_ipv4() { v4 } else { v6 };
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
        assert_eq!(numbered(four, REPLY, &[0, 0, 1, 2, 3, 4, 1, 2, 9]), Some((258, &[9][..])));
        assert_eq!(numbered("::1".parse().unwrap(), REPLY, &[129, 0, 1, 2, 3, 4, 0, 7]), Some((7, &[][..])));
        for other in [&[8, 0, 1, 2, 3, 4, 0, 7][..], &[0, 0, 1, 2, 3, 4, 0], &[129, 0, 1, 2, 3, 4, 0, 7], &[]]
        {
            assert_eq!(numbered(four, REPLY, other), None);
        }
    }
}
