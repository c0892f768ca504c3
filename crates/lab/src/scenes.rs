//! Networks that many experiments stand on.

use crate::lab::Lab;
use crate::text::{Words, words};
use crate::trace::model::{Event, Frame, What};
use crate::trace::recorder::Recorder;
use sim::network::{Impairments, NodeId};
use stack::{PingId, PingKind, StackConfig};
use std::time::Duration;
use tcp::{ConnectionId, ListenerId, Readiness, SocketOptions};

pub(crate) fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

pub(crate) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A cable that only takes time.
pub(crate) fn cable(delay: Duration) -> Impairments {
    Impairments { delay, ..Impairments::NONE }
}

/// Two hosts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    pub(crate) client: NodeId,
    pub(crate) server: NodeId,
}

/// A client, 10.0.0.1, and a server, 10.0.0.2, on one cable. They know each other's hardware addresses, and the recording
/// has begun.
pub(crate) fn pair(lab: &mut Lab, cable: Impairments) -> Pair {
    pair_with(lab, Lab::config(), cable)
}

/// The same, of hosts that are configured so.
pub(crate) fn pair_with(lab: &mut Lab, config: StackConfig, cable: Impairments) -> Pair {
    let (client, server) = (lab.host_with("client", config.clone()), lab.host_with("server", config));
    lab.cable(cable, (client, "10.0.0.1/24"), (server, "10.0.0.2/24"));
    acquaint(lab, &[(client, "10.0.0.2"), (server, "10.0.0.1")]);
    lab.begin();
    Pair { client, server }
}

/// Whether a reply to an echo has come; that it could not be delivered is none.
pub(crate) fn echoed(lab: &mut Lab, host: NodeId, socket: PingId) -> bool {
    let told = lab.network.stack(host).ping_receive(socket);
    told.is_some_and(|reply| reply.kind == PingKind::Reply)
}

/// Lets hosts learn each other's hardware addresses by an echo, over perfect cables, before anything is recorded.
pub(crate) fn acquaint(lab: &mut Lab, who: &[(NodeId, &str)]) {
    lab.set_perfect(true);
    for (host, address) in who {
        let now = lab.network.now();
        let Ok(address) = address.parse() else { continue };
        let stack = lab.network.stack(*host);
        if let Ok(socket) = stack.ping_open() {
            // It cannot fail but by a fault in the scene; then the run shows the ARP exchange.
            let _ = stack.ping_send(now, socket, address, 1, b"", None);
            lab.network.run_for(seconds(10));
            lab.network.stack(*host).ping_close(socket);
        }
    }
    lab.set_perfect(false);
}

/// A client, 10.0.1.2, and a server, 10.0.2.2, on either side of a router. Nobody knows a neighbour yet; the recording has
/// begun.
pub(crate) fn routed(lab: &mut Lab, near: Impairments, far: Impairments) -> Pair {
    let (client, router, server) = (lab.host("client"), lab.router("router"), lab.host("server"));
    lab.cable(near, (client, "10.0.1.2/24"), (router, "10.0.1.1/24"));
    lab.cable(far, (router, "10.0.2.1/24"), (server, "10.0.2.2/24"));
    lab.network.add_route(client, "0.0.0.0/0", "10.0.1.1");
    lab.network.add_route(server, "0.0.0.0/0", "10.0.2.1");
    lab.begin();
    Pair { client, server }
}

/// A connection between a pair: the handle of each end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) pair: Pair,
    pub(crate) listener: ListenerId,
    /// The client's handle.
    pub(crate) client: ConnectionId,
    /// The server's.
    pub(crate) server: ConnectionId,
}

/// A pair on this cable, connected to port 8000; both ends have these options. `None` if it did not come to that.
pub(crate) fn call(lab: &mut Lab, cable: Impairments, options: SocketOptions) -> Option<Call> {
    let pair = pair(lab, cable);
    let listener = lab.listen(pair.server, 8000, 10, options)?;
    let (client, server) = open(lab, pair, listener, options)?;
    Some(Call { pair, listener, client, server })
}

/// Connects a pair once more. The client's end comes first.
pub(crate) fn open(
    lab: &mut Lab,
    pair: Pair,
    listener: ListenerId,
    options: SocketOptions,
) -> Option<(ConnectionId, ConnectionId)> {
    let client = lab.connect(pair.client, SERVER, options)?;
    let server = accept(lab, pair.server, listener, seconds(70));
    let connected = |lab: &mut Lab| lab.readiness(pair.client, client).contains(Readiness::CONNECTED);
    let opened = server.is_some() && lab.run_until(seconds(70), connected);
    if !opened {
        lab.check(
            words("the connection opens", "连接能够建立"),
            false,
            words("it did not open in 70 s", "70 秒内没有建立"),
        );
        return None;
    }
    Some((client, server?))
}

/// Waits for a connection and takes it.
pub(crate) fn accept(
    lab: &mut Lab,
    host: NodeId,
    listener: ListenerId,
    limit: Duration,
) -> Option<ConnectionId> {
    match lab.run_until(limit, |lab| lab.can_accept(host, listener)) {
        true => lab.accept(host, listener),
        false => None,
    }
}

/// Reads until so many bytes have come, or the stream has ended, or the time is over.
pub(crate) fn read(lab: &mut Lab, host: NodeId, id: ConnectionId, count: usize, limit: Duration) -> Vec<u8> {
    let mut got = Vec::new();
    let end = lab.now() + u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
    while got.len() < count && lab.now() < end {
        let left = Duration::from_nanos(end - lab.now());
        if !lab.run_until(left, |lab| lab.readiness(host, id).contains(Readiness::READABLE)) {
            break;
        }
        match lab.read(host, id, (count - got.len()).min(65_536)) {
            Some(bytes) if !bytes.is_empty() => got.extend(bytes),
            _ => break,
        }
    }
    got
}

/// Sends `count` bytes from one end to the other, which reads them as they come. Returns what came.
pub(crate) fn transfer(
    lab: &mut Lab,
    (from, sender): (NodeId, ConnectionId),
    (to, receiver): (NodeId, ConnectionId),
    count: usize,
    limit: Duration,
) -> Vec<u8> {
    let data: Vec<u8> = pattern(count);
    let (mut sent, mut got) = (0, Vec::new());
    lab.run_until(limit, |lab| {
        if sent < data.len() && lab.readiness(from, sender).contains(Readiness::WRITABLE) {
            sent += lab.write(from, sender, &data[sent..]);
        }
        if lab.readiness(to, receiver).contains(Readiness::READABLE)
            && let Some(bytes) = lab.read(to, receiver, 65_536)
        {
            got.extend(bytes);
        }
        got.len() >= count || lab.readiness(from, sender).contains(Readiness::FAILED)
    });
    got
}

/// Bytes that are not all alike.
pub(crate) fn pattern(count: usize) -> Vec<u8> {
    (0..count).map(|place| (place * 7 + place / 251) as u8).collect()
}

/// Checks that what came is what was sent.
pub(crate) fn check_arrived(lab: &mut Lab, got: &[u8], count: usize) {
    let whole = got == pattern(count);
    let came = got.len();
    lab.check(
        words("every byte arrives, once and in order", "每个字节都到达，不重复，不乱序"),
        whole,
        words(format!("{came} of {count} bytes"), format!("{count} 字节中的 {came} 字节")),
    );
}

/// So many frames, in words.
pub(crate) fn frames(count: usize) -> Words {
    match count {
        0 => words("no frame", "没有帧"),
        1 => words("1 frame", "1 帧"),
        _ => words(format!("{count} frames"), format!("{count} 帧")),
    }
}

/// Where the server of a pair listens.
pub(crate) const SERVER: &str = "10.0.0.2:8000";

impl Lab {
    /// All frames so far.
    pub(crate) fn frames(&self) -> &[Frame] {
        self.recorder.as_ref().map_or(&[], |recorder| &recorder.frames)
    }

    /// All events so far.
    pub(crate) fn events(&self) -> &[Event] {
        self.recorder.as_ref().map_or(&[], Recorder::events)
    }

    /// Notes with this code, with their times.
    pub(crate) fn notes(&self, code: &str) -> Vec<u64> {
        let events = self.events().iter();
        let noted =
            events.filter(|event| matches!(&event.what, What::Note { code: noted, .. } if *noted == code));
        noted.map(|event| event.at).collect()
    }

    /// The states that the connections of a host came to, in order.
    pub(crate) fn states(&self, host: NodeId) -> Vec<&str> {
        let events = self.events().iter().filter(|event| event.node == host.index());
        let states = events.filter_map(|event| match &event.what {
            What::State { to, .. } if to != "LISTEN" => Some(to.as_str()),
            _ => None,
        });
        states.collect()
    }

    /// All values that a variable took at a host, with their times.
    pub(crate) fn values(&self, host: NodeId, variable: &str) -> Vec<(u64, u64)> {
        let events = self.events().iter().filter(|event| event.node == host.index());
        let values = events.filter_map(|event| match &event.what {
            What::Change { set, .. } => Some((event.at, set.get(variable).copied().flatten()?)),
            _ => None,
        });
        values.collect()
    }
    /// The TCP segments whose name begins so, lost ones included.
    pub(crate) fn segments(&self, beginning: &str) -> impl Iterator<Item = &Frame> {
        let frames = self.recorder.as_ref().map_or(&[][..], |recorder| &recorder.frames);
        frames
            .iter()
            .filter(move |frame| frame.summary.protocol == "TCP" && frame.name.starts_with(beginning))
    }
}
