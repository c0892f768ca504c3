//! Watches a network while it runs, and writes down what happens: frames, calls, and what they change inside.

use super::causes;
use super::journal::Journal;
use super::model::{Arrival, Endpoint, Event, Frame, What};
use super::summary;
use super::watch::{About, Watch};
use basis::Instant;
use sim::network::{Arrived, Fate, Network, NodeId, Occurrence, Outcome, Packet, Sent};
use std::collections::BTreeMap;
use tcp::FourTuple;

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
    journal: Journal,
    pub(crate) frames: Vec<Frame>,
    step: u32,
    watches: Vec<Watch>,
    /// Frames by sender and kind, to give each its name.
    names: BTreeMap<(usize, &'static str), u64>,
    /// The frames of the network that were sent before the recording began.
    before: u64,
    bytes: usize,
}

impl Recorder {
    /// A recording that begins now.
    pub(crate) fn new(network: &Network) -> Recorder {
        let mut recorder = Recorder {
            journal: Journal::new(network.now()),
            frames: Vec::new(),
            step: 0,
            watches: network.nodes().map(Watch::new).collect(),
            names: BTreeMap::new(),
            before: network.frames(),
            bytes: 0,
        };
        for node in network.nodes() {
            if let Some(stack) = network.host(node) {
                recorder.watches[node.index()].forget(stack.tcp());
            }
            recorder.look(network, node, false);
        }
        recorder
    }

    /// Everything that happened so far.
    pub(crate) fn events(&self) -> &[Event] {
        &self.journal.events
    }

    /// The connections and listeners, the frames, and everything that happened.
    pub(crate) fn into_parts(self) -> (Vec<Endpoint>, Vec<Frame>, Vec<Event>) {
        (self.journal.endpoints, self.frames, self.journal.events)
    }

    /// Whether there is no room for more.
    pub(crate) fn is_full(&self) -> bool {
        self.frames.len() >= MOST_FRAMES || self.journal.events.len() >= MOST_EVENTS
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
        let place = self.journal.events.len();
        self.write(network, node, What::Call { endpoint: None, call, result });
        self.look(network, node, false);
        let endpoint = tuple.and_then(|tuple| self.watches[node.index()].endpoint(&tuple));
        if let Some(Event { what: What::Call { endpoint: unknown, .. }, .. }) =
            self.journal.events.get_mut(place)
        {
            *unknown = endpoint;
        }
    }

    fn begin_step(&mut self, node: NodeId) {
        self.step += 1;
        self.watches[node.index()].step = self.step;
    }

    fn write(&mut self, network: &Network, node: NodeId, what: What) {
        self.journal.write(network.now(), self.watches[node.index()].step, node, what);
    }

    pub(crate) fn since(&self, at: Instant) -> u64 {
        self.journal.since(at)
    }

    // ---- frames ----

    fn on_sent(&mut self, network: &Network, sent: &Sent) -> usize {
        let node = sent.node;
        let packet = Packet::read(&sent.bytes, network.is_ethernet(sent.wire));
        let count = self.names.entry((node.index(), packet.kind)).or_default();
        *count += 1;
        let name = format!("{} {} #{count}", network.name(node), packet.kind);
        let kept = self.keep(sent.bytes.len());
        let (endpoint, retransmission) = self.watches[node.index()].numbers(&packet);
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
            bytes: hexadecimal(&sent.bytes[..kept]),
            summary: summary::of_frame(&sent.bytes, network.is_ethernet(sent.wire)),
        });
        self.write(network, node, What::Send { frame: id });
        if packet.tcp.as_ref().is_some_and(summary::tells_of_repeats) {
            let what = causes::REPEAT_TOLD.note(endpoint, Some(id));
            self.write(network, node, what);
        }
        id
    }

    /// How many bytes of a frame of `length` are kept.
    fn keep(&mut self, length: usize) -> usize {
        let kept = if self.bytes < WHOLE_BYTES { length } else { length.min(BEGINNING) };
        self.bytes += kept;
        kept
    }

    /// The connection of `node` that a frame from elsewhere is for.
    fn receiver(&self, node: NodeId, frame: &Frame) -> Option<usize> {
        let mut endpoints = self.journal.endpoints.iter().enumerate().rev();
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
        let endpoint = frame.and_then(|frame| self.frames.get(frame)).and_then(|frame| match frame.from {
            from if from == node.index() => frame.endpoint,
            _ => self.receiver(node, frame),
        });
        let about = About { now: network.now(), endpoint, frame, expired };
        self.watches[node.index()].look(stack.tcp(), about, &mut self.journal);
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let mut out = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
    out
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

#[cfg(test)]
mod tests {
    use super::*;

    fn recorder() -> Recorder {
        Recorder {
            journal: Journal::new(Instant::ZERO),
            frames: Vec::new(),
            step: 0,
            watches: Vec::new(),
            names: BTreeMap::new(),
            before: 0,
            bytes: 0,
        }
    }

    fn frame() -> Frame {
        Frame {
            name: String::new(),
            link: 0,
            from: 0,
            sent: 0,
            fate: "delivered",
            rule: None,
            parent: None,
            endpoint: None,
            retransmission: false,
            arrivals: Vec::new(),
            length: 0,
            bytes: String::new(),
            summary: crate::trace::model::Summary::default(),
        }
    }

    #[test]
    fn a_run_ends_at_the_bound_of_frames_and_at_that_of_events() {
        let mut recorder = recorder();
        recorder.frames = vec![frame(); MOST_FRAMES - 1];
        assert!(!recorder.is_full());
        recorder.frames.push(frame());
        assert!(recorder.is_full());
        recorder.frames.clear();
        let event = Event { at: 0, step: 0, node: 0, what: What::Link { link: 0, up: true } };
        recorder.journal.events = vec![event.clone(); MOST_EVENTS - 1];
        assert!(!recorder.is_full());
        recorder.journal.events.push(event);
        assert!(recorder.is_full());
    }

    #[test]
    fn frames_are_kept_whole_up_to_the_bound_and_then_their_beginning() {
        let mut recorder = recorder();
        recorder.bytes = WHOLE_BYTES - 1;
        assert_eq!(recorder.keep(9_000), 9_000);
        assert_eq!((recorder.keep(9_000), recorder.keep(60)), (BEGINNING, 60));
    }
}
