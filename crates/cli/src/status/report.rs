//! What a running server tells about itself. One JSON object on one line; fields are only ever added.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::gateway::report::GatewayReport;

/// The question.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "kebab-case")]
pub(crate) enum Request {
    /// Everything.
    Status,
}

/// The answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub(crate) enum Answer {
    /// Everything.
    Status(Box<Report>),
    /// The question was not understood.
    Error {
        /// Why, in one line.
        message: String,
    },
}

/// A server as it stands.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Report {
    /// The program.
    pub(crate) program: Program,
    /// The services, and where they are reached.
    pub(crate) services: Vec<Reach>,
    /// The hosts of our own stack; none with `--link host`.
    pub(crate) hosts: Vec<HostReport>,
    /// The calls that the services hold, oldest first.
    pub(crate) calls: Vec<CallReport>,
    /// The calls that are carried from published ports, oldest first.
    pub(crate) carried: Vec<CallReport>,
    /// Calls that found no room.
    pub(crate) refused: u64,
    /// What a gateway carries for its guests, if it is one.
    #[serde(default)]
    pub(crate) gateway: Option<GatewayReport>,
}

/// The serving program.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Program {
    /// Its process.
    pub(crate) pid: u32,
    /// Its version.
    pub(crate) version: String,
    /// Its network, as given to `--link`.
    pub(crate) link: String,
    /// How long it has been running.
    pub(crate) uptime_seconds: f64,
    /// Whether a server is kept from opening files that are none of its business, as its own try shows; nothing where that cannot be
    /// told.
    #[serde(default)]
    pub(crate) kept_out: Option<bool>,
    /// Whether it is kept from starting programs and from raw sockets, in the same way.
    #[serde(default)]
    pub(crate) sealed: Option<bool>,
}

/// A service, and where it is reached.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Reach {
    /// The service's name.
    pub(crate) service: String,
    /// What it does.
    pub(crate) about: String,
    /// Where it listens.
    pub(crate) address: String,
    /// Where the operating system listens for it.
    pub(crate) published: Vec<String>,
}

/// One host of our own stack.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct HostReport {
    /// Its name.
    pub(crate) name: String,
    /// Its addresses. One that is lost, or that another station claimed within the last seconds, is followed by
    /// `CONFLICT with` and that station's hardware address.
    pub(crate) addresses: Vec<String>,
    /// Its TCP listeners.
    pub(crate) listeners: Vec<ListenerReport>,
    /// Its TCP connections.
    pub(crate) connections: Vec<ConnectionReport>,
    /// How often what happened, by name; those that are zero are left out.
    pub(crate) counters: BTreeMap<String, u64>,
    /// Why its links broke for good, one line each.
    #[serde(default)]
    pub(crate) link_failures: Vec<String>,
}

/// One TCP listener.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct ListenerReport {
    /// Where it listens.
    pub(crate) local: String,
    /// Connections whose handshake is not done.
    pub(crate) half_open: u32,
    /// Connections that wait to be taken.
    pub(crate) waiting: u32,
    /// The bound of each of the two.
    pub(crate) backlog: u32,
}

/// One TCP connection. Queues, windows and sizes are bytes, times microseconds.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct ConnectionReport {
    /// The state of RFC 9293 3.3.2.
    pub(crate) state: String,
    /// The host's address and port.
    pub(crate) local: String,
    /// The peer's address and port.
    pub(crate) remote: String,
    /// Its inside, where it still has one: half-open connections and those in TIME-WAIT have none.
    pub(crate) inside: Option<Inside>,
}

/// The inside of a TCP connection.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Inside {
    /// Received and not yet read.
    pub(crate) receive_queue: u32,
    /// Written and not yet acknowledged.
    pub(crate) send_queue: u32,
    /// Sent and not yet acknowledged.
    pub(crate) in_flight: u32,
    /// Smoothed round-trip time.
    pub(crate) rtt_us: u64,
    /// Variation of the round-trip time.
    pub(crate) rtt_variation_us: u64,
    /// Retransmission time-out.
    pub(crate) rto_us: u64,
    /// Congestion window.
    pub(crate) congestion_window: u32,
    /// Slow start threshold; none before the first loss.
    pub(crate) slow_start_threshold: Option<u32>,
    /// The window that the peer offers.
    pub(crate) send_window: u32,
    /// The window offered to the peer.
    pub(crate) receive_window: u32,
    /// Largest payload of a segment.
    pub(crate) segment_size: u32,
    /// Segments sent again.
    pub(crate) retransmissions: u32,
    /// Payload sent, each byte once.
    pub(crate) bytes_sent: u64,
    /// Payload received in order.
    pub(crate) bytes_received: u64,
    /// Segments sent, those without data and those sent again as well.
    pub(crate) segments_sent: u32,
    /// Those of them with data.
    pub(crate) data_segments_sent: u32,
    /// Segments received.
    pub(crate) segments_received: u32,
    /// Those of them with data.
    pub(crate) data_segments_received: u32,
    /// Segments that came before their turn.
    pub(crate) segments_out_of_order: u32,
    /// How long something was under way, up to the last acknowledgment.
    pub(crate) busy_us: u64,
    /// How long the peer's window held back what was to be sent.
    pub(crate) window_limited_us: u64,
    /// How long the application would have written more than the send buffer took.
    pub(crate) buffer_limited_us: u64,
}

/// One call.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct CallReport {
    /// The service.
    pub(crate) service: String,
    /// The address it was made to.
    pub(crate) local: String,
    /// The address it came from.
    pub(crate) peer: String,
    /// How long it has been going on.
    pub(crate) seconds: f64,
    /// Bytes from the caller.
    pub(crate) received: u64,
    /// Bytes to the caller.
    pub(crate) sent: u64,
}

impl From<services::Call> for CallReport {
    fn from(call: services::Call) -> CallReport {
        CallReport {
            service: call.service.to_owned(),
            local: call.local.to_string(),
            peer: call.peer.to_string(),
            seconds: call.lasted.as_secs_f64(),
            received: call.received,
            sent: call.sent,
        }
    }
}
