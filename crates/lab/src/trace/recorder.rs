//! Watches a network while it runs, and writes down what changes.

use super::causes::{self, Cause};
use super::model::{Arrival, Endpoint, Event, Frame, What};
use super::summary;
use super::variables::{self, NAMES, Values};
use basis::Instant;
use sim::network::{Arrived, Fate, Network, NodeId, Occurrence, Outcome, Packet, Sent};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use tcp::{FourTuple, State};

/// Frames kept; then the run is cut short.
const MOST_FRAMES: usize = 50_000;
/// Events kept; then the run is cut short.
const MOST_EVENTS: usize = 400_000;
/// Bytes of frames kept whole; of later frames only the first [`BEGINNING`] bytes are kept.
const WHOLE_BYTES: usize = 1024 * 1024;
const BEGINNING: usize = 128;

/// What is written down, and what was last seen of each host.
#[derive(Debug)]
pub(crate) struct Recorder {
    pub(crate) begin: Instant,
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) frames: Vec<Frame>,
    pub(crate) events: Vec<Event>,
    step: u32,
    watches: Vec<Watch>,
    /// Frames by sender and kind, to give each its name.
    names: BTreeMap<(usize, &'static str), u64>,
    /// The frames of the network that were sent before the recording began.
    before: u64,
    bytes: usize,
}

/// What was last seen of a node.
#[derive(Debug, Default)]
struct Watch {
    /// The last step that began here: what leaves later belongs to it.
    step: u32,
    counters: tcp::Counters,
    endpoints: Vec<Watched>,
}

/// What was last seen of an endpoint.
#[derive(Debug)]
struct Watched {
    endpoint: usize,
    /// `None` for a listener.
    tuple: Option<FourTuple>,
    local: SocketAddr,
    state: &'static str,
    values: Values,
    timers: Vec<(&'static str, Instant)>,
    /// One past the highest number sent, once something with a number was sent.
    highest: Option<u32>,
    seen: bool,
}

impl Recorder {
    /// A recording that begins now.
    pub(crate) fn new(network: &Network) -> Recorder {
        let mut recorder = Recorder {
            begin: network.now(),
            endpoints: Vec::new(),
            frames: Vec::new(),
            events: Vec::new(),
            step: 0,
            watches: network.nodes().map(|_| Watch::default()).collect(),
            names: BTreeMap::new(),
            before: network.frames(),
            bytes: 0,
        };
        for node in network.nodes() {
            if let Some(stack) = network.host(node) {
                recorder.watches[node.index()].counters = *stack.tcp().counters();
            }
            recorder.look(network, node, false);
        }
        recorder
    }

    /// Whether there is no room for more.
    pub(crate) fn is_full(&self) -> bool {
        self.frames.len() >= MOST_FRAMES || self.events.len() >= MOST_EVENTS
    }

    pub(crate) fn on_occurrence(&mut self, network: &Network, occurrence: &Occurrence) {
        match occurrence {
            Occurrence::Sent(sent) => {
                let frame = self.on_sent(network, sent);
                self.look_at(network, sent.node, Some(frame), false);
            }
            Occurrence::Arrived(arrived) => self.on_arrived(network, arrived),
            Occurrence::TimedOut(node) => {
                self.begin_step(*node);
                self.look(network, *node, true);
            }
            Occurrence::Wire(wire, up) => {
                let node = network.ends(*wire).next().unwrap_or(NodeId::from_index(0));
                self.begin_step(node);
                self.write(network, node, What::Link { link: wire.index(), up: *up });
            }
        }
    }

    /// An application called: what it said and what it got. `tuple` names the connection, if it is one's.
    pub(crate) fn on_call(
        &mut self,
        network: &Network,
        node: NodeId,
        tuple: Option<FourTuple>,
        call: String,
        result: String,
    ) {
        self.begin_step(node);
        let place = self.events.len();
        self.write(network, node, What::Call { endpoint: None, call, result });
        self.look(network, node, false);
        let endpoint = tuple.and_then(|tuple| self.endpoint(node, &tuple));
        if let Some(Event { what: What::Call { endpoint: unknown, .. }, .. }) = self.events.get_mut(place) {
            *unknown = endpoint;
        }
    }

    fn begin_step(&mut self, node: NodeId) {
        self.step += 1;
        self.watches[node.index()].step = self.step;
    }

    fn write(&mut self, network: &Network, node: NodeId, what: What) {
        let (at, step) = (self.since(network.now()), self.watches[node.index()].step);
        self.events.push(Event { at, step, node: node.index(), what });
    }

    fn note(
        &mut self,
        network: &Network,
        node: NodeId,
        endpoint: Option<usize>,
        frame: Option<usize>,
        cause: Cause,
    ) {
        let Cause { code, text, source } = cause;
        self.write(network, node, What::Note { endpoint, frame, code, text, source });
    }

    pub(crate) fn since(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_since(self.begin).as_nanos()).unwrap_or(u64::MAX)
    }

    /// The endpoint of a host with this four-tuple.
    pub(crate) fn endpoint(&self, node: NodeId, tuple: &FourTuple) -> Option<usize> {
        let mut watched = self.watches[node.index()].endpoints.iter().rev();
        watched.find(|watched| watched.tuple.as_ref() == Some(tuple)).map(|watched| watched.endpoint)
    }

    // ---- frames ----

    fn on_sent(&mut self, network: &Network, sent: &Sent) -> usize {
        let node = sent.node;
        let packet = Packet::read(&sent.bytes, network.is_ethernet(sent.wire));
        let count = self.names.entry((node.index(), packet.kind)).or_default();
        *count += 1;
        let name = format!("{} {} #{count}", network.name(node), packet.kind);
        let kept = if self.bytes < WHOLE_BYTES { sent.bytes.len() } else { sent.bytes.len().min(BEGINNING) };
        self.bytes += kept;
        let mut bytes = String::with_capacity(2 * kept);
        for byte in &sent.bytes[..kept] {
            let _ = write!(bytes, "{byte:02x}");
        }
        let (endpoint, retransmission) = self.numbers(node, &packet);
        let id = self.frames.len();
        self.frames.push(Frame {
            name,
            link: sent.wire.index(),
            from: node.index(),
            sent: self.since(network.now()),
            fate: fate(sent.fate),
            rule: sent.rule.map(|rule| rule.index()),
            parent: sent
                .parent
                .and_then(|parent| parent.index().checked_sub(self.before))
                .map(|at| at as usize),
            endpoint,
            retransmission,
            arrivals: sent
                .arrivals
                .iter()
                .map(|due| Arrival { node: due.node.index(), at: self.since(due.at), damaged: due.corrupted })
                .collect(),
            length: sent.bytes.len(),
            bytes,
            summary: summary::of_frame(&sent.bytes, network.is_ethernet(sent.wire)),
        });
        self.write(network, node, What::Send { frame: id });
        id
    }

    /// The connection that a segment leaves, and whether all its numbers were sent before.
    fn numbers(&mut self, node: NodeId, packet: &Packet) -> (Option<usize>, bool) {
        let (Some(ip), Some(tcp)) = (&packet.ip, &packet.tcp) else { return (None, false) };
        let tuple = FourTuple {
            local: ip.source.into(),
            remote: ip.destination.into(),
            local_port: tcp.source_port,
            remote_port: tcp.destination_port,
        };
        let mut watched = self.watches[node.index()].endpoints.iter_mut().rev();
        let Some(watched) = watched.find(|watched| watched.tuple == Some(tuple)) else {
            return (None, false);
        };
        let flags = tcp.flags;
        let length = packet.payload as u32
            + u32::from(flags.contains(wire::tcp::Flags::SYN))
            + u32::from(flags.contains(wire::tcp::Flags::FIN));
        let end = tcp.sequence + length;
        let before = watched.highest.is_some_and(|highest| end.at_or_before(wire::tcp::Seq(highest)));
        if length > 0 && !before {
            watched.highest = Some(end.0);
        }
        (Some(watched.endpoint), length > 0 && before)
    }

    /// The connection of `node` that a frame from elsewhere is for.
    fn receiver(&self, node: NodeId, frame: &Frame) -> Option<usize> {
        let mut endpoints = self.endpoints.iter().enumerate().rev();
        let summary = &frame.summary;
        let found = endpoints.find(|(_, endpoint)| {
            endpoint.node == node.index()
                && endpoint.remote == summary.source
                && endpoint.local == summary.destination
        });
        found.map(|(endpoint, _)| endpoint).filter(|_| summary.protocol == "TCP")
    }

    fn on_arrived(&mut self, network: &Network, arrived: &Arrived) {
        let node = arrived.node;
        self.begin_step(node);
        // A frame that was under way when the recording began has no number in it.
        if let Some(frame) = arrived.frame.index().checked_sub(self.before) {
            let outcome = match arrived.outcome {
                Outcome::Taken => "taken".to_owned(),
                Outcome::Dropped(dropped) => format!("dropped: {dropped}"),
                Outcome::PassedOn(_) => "passed on".to_owned(),
                Outcome::Discarded(why) => format!("dropped: {why}"),
            };
            self.write(network, node, What::Receive { frame: frame as usize, outcome });
            self.look_at(network, node, Some(frame as usize), false);
        } else {
            self.look(network, node, false);
        }
    }

    // ---- what is inside ----

    fn look(&mut self, network: &Network, node: NodeId, expired: bool) {
        self.look_at(network, node, None, expired);
    }

    /// Compares a host with what was last seen of it. `expired` tells that its timers have just been served.
    fn look_at(&mut self, network: &Network, node: NodeId, frame: Option<usize>, expired: bool) {
        let Some(stack) = network.host(node) else { return };
        let host = stack.tcp();
        let before = std::mem::replace(&mut self.watches[node.index()].counters, *host.counters());
        let mut watched = std::mem::take(&mut self.watches[node.index()].endpoints);
        for known in &mut watched {
            known.seen = false;
        }
        let causes: Vec<Cause> = causes::between(&before, host.counters()).collect();
        let endpoint = frame.and_then(|frame| self.frames.get(frame)).and_then(|frame| match frame.from {
            from if from == node.index() => frame.endpoint,
            _ => self.receiver(node, frame),
        });
        for cause in causes {
            self.note(network, node, endpoint, frame, cause);
        }
        for inspection in host.inspect() {
            let known = watched.iter_mut().find(|known| known.tuple == Some(inspection.tuple) && !known.seen);
            let known = match known {
                Some(known) => known,
                None => self.open(network, node, &mut watched, Some(inspection.tuple)),
            };
            let values = variables::of_connection(&inspection, &known.values);
            let state = state_name(inspection.info.state);
            if state == "SYN-RECEIVED" && known.state == "TIME-WAIT" {
                known.highest = None;
            }
            self.compare_timers(network, node, known, variables::timers(&inspection), expired);
            self.compare(network, node, known, state, values);
        }
        for listener in host.listeners() {
            let address = listener.address.unwrap_or(std::net::Ipv4Addr::UNSPECIFIED.into());
            let local = SocketAddr::new(address, listener.port);
            let known = watched.iter_mut().find(|known| known.tuple.is_none() && known.local == local);
            let known = match known {
                Some(known) => known,
                None => self.open_listener(network, node, &mut watched, local),
            };
            self.compare(network, node, known, "LISTEN", variables::of_listener(&listener));
        }
        for known in watched.iter_mut().filter(|known| !known.seen) {
            self.compare_timers(network, node, known, Vec::new(), expired);
            let values = known.values;
            self.compare(network, node, known, "CLOSED", values);
        }
        watched.retain(|known| known.seen && known.state != "CLOSED");
        self.watches[node.index()].endpoints = watched;
    }

    fn open<'a>(
        &mut self,
        network: &Network,
        node: NodeId,
        watched: &'a mut Vec<Watched>,
        tuple: Option<FourTuple>,
    ) -> &'a mut Watched {
        let (local, remote) = match &tuple {
            Some(tuple) => (
                SocketAddr::new(tuple.local, tuple.local_port),
                SocketAddr::new(tuple.remote, tuple.remote_port).to_string(),
            ),
            None => (SocketAddr::new(std::net::Ipv4Addr::UNSPECIFIED.into(), 0), String::new()),
        };
        let kind = if tuple.is_some() { "connection" } else { "listener" };
        let endpoint = self.endpoints.len();
        let since = self.since(network.now());
        self.endpoints.push(Endpoint { node: node.index(), kind, local: local.to_string(), remote, since });
        watched.push(Watched {
            endpoint,
            tuple,
            local,
            state: "",
            values: [None; NAMES.len()],
            timers: Vec::new(),
            highest: None,
            seen: false,
        });
        let last = watched.len() - 1;
        &mut watched[last]
    }

    fn open_listener<'a>(
        &mut self,
        network: &Network,
        node: NodeId,
        watched: &'a mut Vec<Watched>,
        local: SocketAddr,
    ) -> &'a mut Watched {
        let known = self.open(network, node, watched, None);
        known.local = local;
        self.endpoints[known.endpoint].local = local.to_string();
        known
    }

    fn compare(
        &mut self,
        network: &Network,
        node: NodeId,
        known: &mut Watched,
        state: &'static str,
        values: Values,
    ) {
        known.seen = true;
        let endpoint = known.endpoint;
        if known.state != state {
            let from = std::mem::replace(&mut known.state, state).to_owned();
            self.write(network, node, What::State { endpoint, from, to: state.to_owned() });
        }
        let changed = NAMES.iter().zip(values).zip(known.values).filter(|((_, new), old)| new != old);
        let set: BTreeMap<&'static str, Option<u64>> = changed.map(|((name, new), _)| (*name, new)).collect();
        if !set.is_empty() {
            known.values = values;
            self.write(network, node, What::Change { endpoint, set });
        }
    }

    fn compare_timers(
        &mut self,
        network: &Network,
        node: NodeId,
        known: &mut Watched,
        timers: Vec<(&'static str, Instant)>,
        expired: bool,
    ) {
        let now = network.now();
        let endpoint = known.endpoint;
        let opening = known.state.starts_with("SYN");
        let before = std::mem::replace(&mut known.timers, timers.clone());
        for (timer, until) in &before {
            if timers.contains(&(timer, *until)) {
                continue;
            }
            if expired && *until <= now {
                self.write(network, node, What::Fire { endpoint, timer });
                if let Some(cause) = causes::of_timer(timer, opening) {
                    self.note(network, node, Some(endpoint), None, cause);
                }
            } else if !timers.iter().any(|(other, _)| other == timer) {
                self.write(network, node, What::Stop { endpoint, timer });
            }
        }
        for (timer, until) in &timers {
            if !before.contains(&(timer, *until)) {
                let until = self.since(*until);
                self.write(network, node, What::Arm { endpoint, timer, until });
            }
        }
    }
}

fn fate(fate: Fate) -> &'static str {
    match fate {
        Fate::Sent | Fate::Received => "delivered",
        Fate::Lost => "lost",
        Fate::Ruled => "ruled",
        Fate::QueueFull => "queue-full",
        Fate::Cut => "cut",
    }
}

/// The name of RFC 9293 3.3.2.
fn state_name(state: State) -> &'static str {
    match state {
        State::Listen => "LISTEN",
        State::SynSent => "SYN-SENT",
        State::SynReceived => "SYN-RECEIVED",
        State::Established => "ESTABLISHED",
        State::FinWait1 => "FIN-WAIT-1",
        State::FinWait2 => "FIN-WAIT-2",
        State::CloseWait => "CLOSE-WAIT",
        State::Closing => "CLOSING",
        State::LastAck => "LAST-ACK",
        State::TimeWait => "TIME-WAIT",
        State::Closed => "CLOSED",
    }
}
