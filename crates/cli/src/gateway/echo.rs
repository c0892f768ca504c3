//! Guests' echo requests, by the operating system's ping sockets where this user may have them.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use netstrata::{EchoRequest, Failed, PingSocket, Unreachable};
use services::gateway::{Cause, Mapping, Protocol};
use tokio::task::JoinSet;

use super::answers::{self, Answers};
use super::engine::Engine;
use super::kernel;
use super::mappings::{Mappings, Way};
use super::notice::{Hop, Notice};
use super::outcome;
use super::outside::Outside;

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
    let (now, asked) = (Instant::now(), SocketAddr::new(request.to, 0));
    let way = match mappings.sends(row, asked, now) {
        Some((way, true)) => way,
        // It has paused for too long, and begins anew.
        Some((_, false)) | None => match open(engine, row) {
            Ok(way) => {
                let mut mapping = Mapping::new(IDLE, now);
                mapping.admit(asked, now);
                mappings.insert(row, Arc::clone(&way), mapping);
                let to = ToRow { engine: Arc::clone(engine), row, inside: Arc::clone(inside) };
                let mapped = (Arc::clone(mappings), row);
                running.spawn(answers::carry(mapped, Arc::clone(&way), engine.stop.clone(), to));
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
            engine.count(cause, request.from, Protocol::Echo, asked);
            engine.tell(failed, why, None);
        }
    }
}

fn failed((from, to, identifier): Row, sequence: u16, payload: &[u8]) -> Failed<'_> {
    Failed::Echo { from, to, identifier, sequence, payload }
}

/// A ping socket for a new row; or what its guest is told, if anything.
fn open(engine: &Engine, (from, to, _): Row) -> Result<Arc<Way>, Option<Unreachable>> {
    let meant = SocketAddr::new(to, 0);
    let (flow, target) =
        engine.admit(Protocol::Echo, SocketAddr::new(from, 0), meant).map_err(|cause| match cause {
            Cause::Denied | Cause::Refused => Some(Unreachable::Prohibited),
            _ => None,
        })?;
    match Outside::for_echo(target.ip()) {
        Ok(outside) => Ok(Way::new(outside, flow)),
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

/// What is done with what comes back to a row of requests.
struct ToRow {
    engine: Arc<Engine>,
    row: Row,
    inside: Arc<PingSocket>,
}

impl Answers for ToRow {
    async fn datagram(&self, way: &Way, from: SocketAddr, bytes: &[u8]) {
        let (guest, asked, identifier) = self.row;
        let Some((sequence, payload)) = numbered(asked, REPLY, bytes) else { return };
        // The kernel looks at the identifier alone, whoever the socket is connected to.
        let cause = match self.engine.policy.seen(from.ip()) == asked {
            true => {
                let reply = (guest, asked, identifier, sequence);
                answer(&self.inside, reply, payload).err().map(|_| Cause::Dropped)
            }
            false => Some(Cause::Unasked),
        };
        match cause {
            Some(cause) => self.engine.count(cause, guest, Protocol::Echo, from),
            None => way.flow.tally().count_sent(payload.len()),
        }
    }

    fn notice(&self, notice: &Notice) {
        tell(&self.engine, self.row, notice, &[]);
    }

    fn failure(&self, error: &io::Error) {
        let (guest, asked, _) = self.row;
        let (cause, why) = outcome::of(error);
        self.engine.count(cause, guest, Protocol::Echo, SocketAddr::new(asked, 0));
        self.engine.tell(failed(self.row, 0, &[]), why, None);
    }
}

/// Answers a request, of which only what is named counts for that.
fn answer(
    inside: &PingSocket,
    (from, to, identifier, sequence): (IpAddr, IpAddr, u16, u16),
    payload: &[u8],
) -> io::Result<()> {
    let request = EchoRequest {
        from,
        to,
        identifier,
        sequence,
        time_to_live: 0,
        dont_fragment: false,
        payload: Default::default(),
    };
    inside.answer(&request, payload)
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
