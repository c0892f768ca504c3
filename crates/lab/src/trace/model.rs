//! The trace of a run: everything that can be watched, as plain data. All times are nanoseconds since the run began.

use crate::request::Value;
use crate::text::{Text, Words};
use serde::Serialize;
use std::collections::BTreeMap;

/// The number that tells which shape the trace has; another shape gets another number.
pub(crate) const FORMAT: u32 = 1;

/// All that happened in one run.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Trace {
    /// The number of this shape: 1.
    pub format: u32,
    /// The experiment's name.
    pub experiment: &'static str,
    /// Where all randomness came from.
    pub seed: u64,
    /// The value of every parameter.
    pub parameters: BTreeMap<&'static str, Value>,
    /// The rules, as they were written.
    pub rules: Vec<RuleReport>,
    /// When the run ended.
    pub duration: u64,
    /// Whether it was cut short because there was too much to keep.
    pub truncated: bool,
    /// Hosts, hubs, switches and routers.
    pub nodes: Vec<Node>,
    /// Cables.
    pub links: Vec<Link>,
    /// Connections and listeners, by host.
    pub endpoints: Vec<Endpoint>,
    /// Every frame that a node put on a cable, in the order of sending.
    pub frames: Vec<Frame>,
    /// Everything that happened, in order.
    pub events: Vec<Event>,
    /// What the experiment shows besides: tables, waveforms, graphs.
    pub exhibits: Vec<Exhibit>,
    /// What was asserted, and whether it held.
    pub checks: Vec<Check>,
    /// Whether no check failed.
    pub passed: bool,
}

/// A rule, and how often it met a frame.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct RuleReport {
    /// As it was written.
    pub text: String,
    /// Frames met; of a cable, 1 once it was cut or mended.
    pub met: u64,
}

/// Something at the end of a cable.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// `host`, `hub`, `switch` or `router`.
    pub kind: &'static str,
    /// Its ports, in order.
    pub ports: Vec<Port>,
}

/// Where a cable is plugged in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Port {
    /// The link.
    pub link: usize,
    /// The hardware address, as in `02:00:00:00:01:00`.
    pub hardware: String,
    /// The address with its prefix length, as in `10.0.0.1/24`; empty if there is none.
    pub address: String,
}

/// A cable.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Link {
    /// The nodes that it joins.
    pub ends: Vec<usize>,
    /// Bits a second; `None` for any number.
    pub rate: Option<u64>,
    /// What every frame takes, in nanoseconds.
    pub delay: u64,
    /// A random time up to this on top, in nanoseconds.
    pub jitter: u64,
    /// Bytes that wait at each sender.
    pub queue: usize,
    /// Frames lost, of a million.
    pub loss: u32,
    /// Bytes of the longest IP packet.
    pub mtu: usize,
}

/// A connection or listener of one host.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Endpoint {
    /// Its host.
    pub node: usize,
    /// `connection` or `listener`.
    pub kind: &'static str,
    /// Its own address and port.
    pub local: String,
    /// The peer's; empty for a listener.
    pub remote: String,
    /// When it was first seen.
    pub since: u64,
}

/// One frame on one cable.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Frame {
    /// What a rule calls it: sender, kind, and the how-manieth of that sender and kind: `server SYN,ACK #1`.
    pub name: String,
    /// The cable.
    pub link: usize,
    /// The sender.
    pub from: usize,
    /// When it was sent.
    pub sent: u64,
    /// `delivered`, `lost` (at random), `ruled` (lost to a rule), `queue-full` or `cut`.
    pub fate: &'static str,
    /// The rule that met it, if any: its place in `rules`.
    pub rule: Option<usize>,
    /// The frame that a hub, switch or router passed on with this one, if so.
    pub parent: Option<usize>,
    /// The sender's connection, if it is a TCP segment of one.
    pub endpoint: Option<usize>,
    /// The stack says that it had been sent before.
    pub retransmission: bool,
    /// Who gets it, and when; more than once if it is duplicated, or on a segment of many.
    pub arrivals: Vec<Arrival>,
    /// Bytes.
    pub length: usize,
    /// The frame in hexadecimal; only its beginning once a run has kept enough.
    pub bytes: String,
    /// What its headers say.
    pub summary: Summary,
}

/// A copy that arrives.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Arrival {
    /// Who gets it.
    pub node: usize,
    /// When.
    pub at: u64,
    /// Whether a bit was turned on its way.
    pub damaged: bool,
}

/// What a frame's headers say, as far as its kind has it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Summary {
    /// `TCP`, `UDP`, `ICMP`, `ARP`, `IPv4` or `Ethernet`.
    pub protocol: &'static str,
    /// The source, with its port if there is one.
    pub source: String,
    /// The destination.
    pub destination: String,
    /// TCP's flags, as in `SYN,ACK`; empty for others.
    pub flags: String,
    /// TCP's sequence number, absolute.
    pub sequence: Option<u32>,
    /// TCP's acknowledgment number, absolute, if ACK is set.
    pub acknowledgment: Option<u32>,
    /// TCP's window field, not scaled.
    pub window: Option<u16>,
    /// Bytes of payload.
    pub payload: usize,
    /// TCP's options, or what the message says, in a few words.
    pub info: String,
}

/// Something that happened.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Event {
    /// When.
    pub at: u64,
    /// The step that it belongs to: what happens because of one arrival, one call, or one deadline has the same number.
    pub step: u32,
    /// Where.
    pub node: usize,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum What {
    /// The application called.
    Call {
        /// The endpoint that it is about, if there is one already.
        endpoint: Option<usize>,
        /// The call, as in `write(100 bytes)`.
        call: String,
        /// What it returned, as in `100 bytes` or `would block`.
        result: String,
    },
    /// A frame left.
    Send {
        /// Which.
        frame: usize,
    },
    /// A frame came.
    Receive {
        /// Which.
        frame: usize,
        /// `taken`, `passed on`, or why it was dropped.
        outcome: String,
    },
    /// An endpoint's state changed.
    State {
        /// Which.
        endpoint: usize,
        /// The state before; empty for a new one.
        from: String,
        /// The state now, as in `SYN-SENT`.
        to: String,
    },
    /// An endpoint's variables changed.
    Change {
        /// Which.
        endpoint: usize,
        /// The variables that changed, with their new values.
        set: BTreeMap<&'static str, Option<u64>>,
    },
    /// A timer was armed, or armed anew.
    Arm {
        /// Whose.
        endpoint: usize,
        /// `retransmit`, `probe`, `delayed-ack`, `keepalive`, `fin-wait-2` or `time-wait`.
        timer: &'static str,
        /// When it expires.
        until: u64,
    },
    /// A timer was stopped before its time.
    Stop {
        /// Whose.
        endpoint: usize,
        /// Which.
        timer: &'static str,
    },
    /// A timer expired.
    Fire {
        /// Whose.
        endpoint: usize,
        /// Which.
        timer: &'static str,
    },
    /// Why something happens, as the stack tells it.
    Note {
        /// Whose, if it is a connection's.
        endpoint: Option<usize>,
        /// The frame that it is about, if it is one's.
        frame: Option<usize>,
        /// A fixed word for it, as in `fast-retransmit`.
        code: &'static str,
        /// For people.
        text: Text,
        /// The rule, as in `RFC 5681 3.2`.
        source: &'static str,
    },
    /// A cable was cut or mended. `node` is its first end.
    Link {
        /// Which.
        link: usize,
        /// Whether it carries frames from now on.
        up: bool,
    },
}

/// Something that the experiment shows besides the trace.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Exhibit {
    /// A table.
    Table {
        /// What it shows.
        title: Text,
        /// The heads of its columns.
        columns: Vec<Text>,
        /// Its rows.
        rows: Vec<Vec<Words>>,
    },
    /// A line code: the level of the wire in each half of each bit.
    Waveform {
        /// What it shows.
        title: Text,
        /// The bits in the order in which they are sent, as `0` and `1`.
        bits: String,
        /// The levels, two for each bit, as `+` and `-`.
        levels: String,
        /// Names of stretches of bits.
        parts: Vec<Stretch>,
    },
    /// States that a search has found, and the ways between them.
    Graph {
        /// What it shows.
        title: Text,
        /// The states.
        states: Vec<GraphState>,
        /// The ways.
        edges: Vec<GraphEdge>,
        /// The states on the way to what was looked for, in order; empty if it was not found.
        path: Vec<usize>,
    },
}

/// A named stretch of bits.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Stretch {
    /// What it is.
    pub name: Text,
    /// Its first bit.
    pub begin: usize,
    /// One past its last bit.
    pub end: usize,
}

/// A state of a graph.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct GraphState {
    /// What it is called.
    pub label: Words,
    /// `start`, `good`, `bad` or empty.
    pub mark: &'static str,
}

/// A way between two states.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct GraphEdge {
    /// From.
    pub from: usize,
    /// To.
    pub to: usize,
    /// What happens.
    pub label: Words,
}

/// Something that was asserted of the trace.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Check {
    /// What was asserted.
    pub claim: Words,
    /// `held`, `failed`, or `skipped` because rules or parameters make it meaningless.
    pub verdict: &'static str,
    /// What was seen.
    pub seen: Words,
}
