//! What a connection tells about itself.

use crate::congestion::Algorithm;
use crate::event::{ConnectionId, ListenerId};
use crate::segment::FourTuple;
use basis::Instant;
use core::fmt;
use core::net::IpAddr;
use core::time::Duration;

/// The states of a connection (RFC 9293 3.3.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum State {
    Listen,
    SynSent,
    SynReceived,
    Established,
    FinWait1,
    FinWait2,
    CloseWait,
    Closing,
    LastAck,
    TimeWait,
    Closed,
}

impl State {
    /// The name of RFC 9293 3.3.2: `SYN-SENT`.
    pub const fn name(self) -> &'static str {
        match self {
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
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A connection's inside, as `TCP_INFO` tells it. Bytes unless said otherwise, where Linux's structure counts segments in `unacked`,
/// `sacked`, `lost`, `retrans`, `snd_cwnd` and `snd_ssthresh`.
///
/// Of that structure's fields `last_ack_recv` is not told, since a connection that is idle would have to keep it.
/// What is counted of losses (`bytes_retrans`, `dsack_dups`, `total_rto*`) is exact: it is kept from the first loss on. A SYN's
/// repetitions are not in it. `ato` is 40 ms, always; `fackets` and `last_ack_sent`
/// mean nothing any more in Linux either; `rehash` has no meaning without flow labels.
///
/// Times that go on are told by their beginning, by the host's clock: `busy_time` is what has ended, and `busy_since` when the
/// present one began. They are exact to a microsecond.
#[derive(Clone, Copy, Debug)]
pub struct Info {
    /// The state.
    pub state: State,
    /// Received and not yet read.
    pub receive_queue: u32,
    /// Written and not yet acknowledged.
    pub send_queue: u32,
    /// Sent and not yet acknowledged.
    pub in_flight: u32,
    /// The congestion control; `None` before the connection is open and after its end.
    pub congestion: Option<Algorithm>,
    /// The congestion window.
    pub congestion_window: u32,
    /// The slow start threshold; `u32::MAX` before the first loss.
    pub slow_start_threshold: u32,
    /// The window the peer offers.
    pub send_window: u32,
    /// The largest window it ever offered.
    pub largest_send_window: u32,
    /// What the receive buffer may hold.
    pub receive_buffer: u32,
    /// What the send buffer may hold.
    pub send_buffer: u32,
    /// The window offered to the peer.
    pub receive_window: u32,
    /// Bytes of the longest packet that the path is believed to carry.
    pub path_mtu: u32,
    /// Largest payload of a segment sent.
    pub segment_size: u32,
    /// Smoothed round-trip time; zero before the first measurement.
    pub smoothed_rtt: Duration,
    /// Round-trip time variation.
    pub rtt_variation: Duration,
    /// The retransmission time-out.
    pub retransmission_timeout: Duration,
    /// Segments sent again (tcpi_total_retrans).
    pub retransmissions: u32,
    /// Segments sent, also those without data, those sent again and those of the handshake; a super-segment counts for as many as it is
    /// cut into (tcpi_segs_out; RFC 4898 tcpEStatsPerfSegsOut). It comes round after 2^32, as the next three do.
    pub segments_sent: u32,
    /// Segments of them with data (tcpi_data_segs_out; tcpEStatsPerfDataSegsOut).
    pub data_segments_sent: u32,
    /// Segments received, whatever became of them; of a handshake's first segment one is counted (tcpi_segs_in; tcpEStatsPerfSegsIn).
    pub segments_received: u32,
    /// Segments of them with data (tcpi_data_segs_in; tcpEStatsPerfDataSegsIn).
    pub data_segments_received: u32,
    /// Segments with data or a FIN that came before their turn and were kept (tcpi_rcv_ooopack).
    pub segments_out_of_order: u32,
    /// How long something was under way or waited for the peer's window, up to the last acknowledgment (tcpi_busy_time).
    pub busy_time: Duration,
    /// Since when something has been, beyond that.
    pub busy_since: Option<Instant>,
    /// How long the peer's window, and it alone, held back what was to be sent (tcpi_rwnd_limited).
    pub window_limited_time: Duration,
    /// When the present such time began.
    pub window_limited_since: Option<Instant>,
    /// How long all was sent and the application would have written more than the send buffer took (tcpi_sndbuf_limited).
    pub buffer_limited_time: Duration,
    /// When the present such time began.
    pub buffer_limited_since: Option<Instant>,
    /// Payload sent, each byte once.
    pub bytes_sent: u64,
    /// Payload sent again (tcpi_bytes_retrans).
    pub bytes_repeated: u64,
    /// Segments that the peer has reported to have got twice (RFC 2883; tcpi_dsack_dups).
    pub duplicates_reported: u32,
    /// Retransmission time-outs of data in all (tcpi_total_rto).
    pub total_timeouts: u32,
    /// Rows of them without progress between, the present one included (tcpi_total_rto_recoveries).
    pub timeout_recoveries: u32,
    /// How long those that have ended lasted, from the first time-out to the next progress (tcpi_total_rto_time).
    pub timeout_time: Duration,
    /// When the present one began, by the host's clock.
    pub timeout_since: Option<Instant>,
    /// Payload that has arrived at the peer, each byte once.
    pub delivered: u64,
    /// Payload of it that was acknowledged with a congestion mark.
    pub delivered_marked: u64,
    /// How fast the path delivered what was sent last, in bytes a second, once that is known. Only connections that pace measure it:
    /// others would pay for it with each segment.
    pub delivery_rate: Option<u64>,
    /// Whether that was only as fast as the application wrote.
    pub delivery_rate_starved: bool,
    /// The rate at which payload leaves at most, in bytes a second; `None` without pacing.
    pub pacing_rate: Option<u64>,
    /// What of it the application has set: [`crate::SocketOptions::max_pacing_rate`].
    pub max_pacing_rate: Option<u64>,
    /// Payload received in order.
    pub bytes_received: u64,
    /// Whether window scaling is on, and both shifts: ours and the peer's.
    pub window_scale: Option<(u8, u8)>,
    /// Whether timestamps are on.
    pub timestamps: bool,
    /// Whether selective acknowledgments are on.
    pub selective_acknowledgments: bool,
    /// Whether both ends understand congestion marks (RFC 3168).
    pub congestion_marks: bool,
    /// Whether data on the SYN was taken in (RFC 7413).
    pub syn_data: bool,
    /// Whether the sender is repairing a loss.
    pub in_recovery: bool,
    /// What the sender makes of the path.
    pub trust: Trust,
    /// Of what is under way: reported selectively (RFC 2018).
    pub selected: u32,
    /// Of what is under way: taken for lost and not sent again yet.
    pub lost: u32,
    /// Of what is under way: sent again.
    pub repeated: u32,
    /// How far segments were seen to overtake each other: segments, 3 or more.
    pub reordering: u8,
    /// How often they were, up to 255.
    pub reorderings: u8,
    /// Retransmission time-outs since the peer last acknowledged something new.
    pub timeouts: u8,
    /// Probes of a closed window since the peer was last heard.
    pub probes: u8,
    /// The shortest round-trip time lately; zero before the first measurement.
    pub shortest_rtt: Duration,
    /// The largest segment received, as far as it matters for acknowledgments.
    pub peer_segment_size: u32,
    /// The segment size that the peer is or was offered, without options: what the interface takes.
    pub offered_segment_size: u32,
    /// How often the retransmission time-out was doubled.
    pub backoff: u8,
    /// When data was last sent, by the host's clock; `None` if none ever was.
    pub last_sent: Option<Instant>,
    /// When data last came in order, in milliseconds of the host's clock, modulo 2^32; `None` if none ever did. See
    /// [`Info::since_received`].
    pub last_received: Option<u32>,
}

/// What the sender makes of the path, from the best to the worst.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Trust {
    /// All is well.
    #[default]
    Open,
    /// Something was overtaken: it may be late, or lost.
    Disorder,
    /// A congestion mark in the present window was answered (RFC 3168).
    Reduced,
    /// A loss is being repaired that was seen without a time-out.
    Recovery,
    /// A time-out is being repaired.
    Loss,
}

impl Info {
    /// Payload that the peer has acknowledged (tcpi_bytes_acked); a FIN counts for a byte.
    ///
    /// ```
    /// # fn of(info: netstrata_tcp::Info) {
    /// assert!(info.bytes_acknowledged() <= info.bytes_sent);
    /// # }
    /// ```
    pub const fn bytes_acknowledged(&self) -> u64 {
        self.bytes_sent.saturating_sub(self.in_flight as u64)
    }

    /// How long ago data last came in order (tcpi_last_data_recv), in milliseconds of at most 49 days; `None` if none ever did. `now` is
    /// the host's clock.
    pub fn since_received(&self, now: Instant) -> Option<Duration> {
        let last = self.last_received?;
        Some(Duration::from_millis(u64::from((now.as_millis() as u32).wrapping_sub(last))))
    }

    /// Payload written and never sent (tcpi_notsent_bytes).
    pub const fn unsent(&self) -> u32 {
        self.send_queue.saturating_sub(self.in_flight)
    }

    /// A connection of which nothing but the state is known yet.
    pub(crate) const fn in_state(state: State) -> Info {
        Info {
            state,
            receive_queue: 0,
            send_queue: 0,
            in_flight: 0,
            congestion: None,
            congestion_window: 0,
            slow_start_threshold: u32::MAX,
            send_window: 0,
            largest_send_window: 0,
            receive_buffer: 0,
            send_buffer: 0,
            receive_window: 0,
            path_mtu: 0,
            segment_size: 0,
            smoothed_rtt: Duration::ZERO,
            rtt_variation: Duration::ZERO,
            retransmission_timeout: Duration::ZERO,
            retransmissions: 0,
            segments_sent: 0,
            data_segments_sent: 0,
            segments_received: 0,
            data_segments_received: 0,
            segments_out_of_order: 0,
            busy_time: Duration::ZERO,
            busy_since: None,
            window_limited_time: Duration::ZERO,
            window_limited_since: None,
            buffer_limited_time: Duration::ZERO,
            buffer_limited_since: None,
            bytes_sent: 0,
            bytes_repeated: 0,
            duplicates_reported: 0,
            total_timeouts: 0,
            timeout_recoveries: 0,
            timeout_time: Duration::ZERO,
            timeout_since: None,
            delivered: 0,
            delivered_marked: 0,
            delivery_rate: None,
            delivery_rate_starved: false,
            pacing_rate: None,
            max_pacing_rate: None,
            bytes_received: 0,
            window_scale: None,
            timestamps: false,
            selective_acknowledgments: false,
            congestion_marks: false,
            syn_data: false,
            in_recovery: false,
            trust: Trust::Open,
            selected: 0,
            lost: 0,
            repeated: 0,
            reordering: 3,
            reorderings: 0,
            timeouts: 0,
            probes: 0,
            shortest_rtt: Duration::ZERO,
            peer_segment_size: 0,
            offered_segment_size: 0,
            backoff: 0,
            last_sent: None,
            last_received: None,
        }
    }
}

/// One row of a report on a host's connections.
#[derive(Clone, Copy, Debug)]
pub struct Summary {
    /// The application's handle; `None` for half-open and TIME-WAIT, which have none.
    pub id: Option<ConnectionId>,
    /// The addresses and ports.
    pub tuple: FourTuple,
    /// The state.
    pub state: State,
    /// Whether the application has closed its handle.
    pub detached: bool,
}

/// One row of a report on a host's listeners.
#[derive(Clone, Copy, Debug)]
pub struct ListenerSummary {
    /// The listener.
    pub id: ListenerId,
    /// The address listened on; `None` for every address.
    pub address: Option<IpAddr>,
    /// The port listened on.
    pub port: u16,
    /// Connections in SYN-RECEIVED.
    pub half_open: u32,
    /// Connections that wait to be accepted.
    pub waiting: u32,
    /// The bound of each of the two.
    pub backlog: u32,
}
