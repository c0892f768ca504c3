//! What a host has seen, counted by kind.

use crate::error::Dropped;

/// Counts since the host began. Each wraps after 2^64.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Counters {
    /// Segments that arrived, bad ones included.
    pub segments_received: u64,
    /// Segments sent; a super-segment counts once.
    pub segments_sent: u64,
    /// Segments sent again.
    pub retransmissions: u64,
    /// Retransmission time-outs.
    pub timeouts: u64,
    /// Fast retransmits.
    pub fast_retransmits: u64,
    /// Congestion marks on packets received (RFC 3168).
    pub congestion_marks: u64,
    /// Of the fast retransmits, those that RACK began (RFC 8985 6.2).
    pub rack_recoveries: u64,
    /// Times that RACK waited for what was overtaken, and then took it for lost (RFC 8985 6.3).
    pub reordering_timeouts: u64,
    /// Times that a sender slowed down because its peer told of a mark.
    pub congestion_echoes: u64,
    /// Tail loss probes (RFC 8985 7).
    pub tail_probes: u64,
    /// Tail loss probes that have repaired a loss nobody saw (RFC 8985 7.4).
    pub tail_repairs: u64,
    /// Paths found to swallow long segments (RFC 2923 2.1).
    pub black_holes: u64,
    /// Segments sent to see whether the path carries that much (RFC 4821 7).
    pub path_probes: u64,
    /// Those that arrived.
    pub path_probes_arrived: u64,
    /// Those that were lost, and nothing else.
    pub path_probes_lost: u64,
    /// Times that F-RTO sent new data after a time-out, to see whether it came too early (RFC 5682 2.1).
    pub forward_probes: u64,
    /// Repairs that turned out to have been for nothing, and were undone.
    pub spurious_repairs: u64,
    /// Of these, time-outs that came too early, or rows of them (RFC 4015 2); the others are fast recoveries.
    pub spurious_timeouts: u64,
    /// Of these, what a duplicate selective acknowledgment proved (RFC 3708).
    pub undone_by_duplicate: u64,
    /// Of these, what a timestamp proved (RFC 3522).
    pub undone_by_timestamp: u64,
    /// Of these, what F-RTO proved (RFC 5682).
    pub undone_by_forward: u64,
    /// RSTs sent.
    pub resets_sent: u64,
    /// RSTs that ended a connection.
    pub resets_received: u64,
    /// Connections begun by this host.
    pub active_opens: u64,
    /// Connections completed by a listener.
    pub passive_opens: u64,
    /// Connections whose SYN came with a cookie and was believed (RFC 7413).
    pub fast_opens: u64,
    /// Those of them whose handshake was completed.
    pub fast_opens_completed: u64,
    /// Those of them that ended before.
    pub fast_opens_lost: u64,
    /// SYNs answered by a cookie (RFC 4987).
    pub syn_cookies_sent: u64,
    /// Connections that a cookie came back for; they are among those completed by a listener.
    pub syn_cookies_accepted: u64,
    /// ACKs to a listener that had given cookies lately, with none that is good.
    pub syn_cookies_refused: u64,
    /// ACKs sent to challenge a doubtful segment (RFC 5961).
    pub challenge_acks: u64,
    /// Keepalive probes sent.
    pub keepalive_probes: u64,
    /// Zero-window probes sent.
    pub window_probes: u64,
    /// Replies to segments of no connection that were dropped because the queue of such replies was full, or because there were
    /// too many lately.
    pub replies_dropped: u64,
    /// Segments that were malformed.
    pub malformed: u64,
    /// Segments for which there was no connection and no listener.
    pub no_socket: u64,
    /// SYNs or completing ACKs dropped because a backlog was full.
    pub backlog_full: u64,
    /// Segments dropped because a table was full.
    pub table_full: u64,
    /// SYNs and data dropped because the buffers of the host held as much as they may.
    pub memory_short: u64,
    /// Segments outside the window.
    pub outside_window: u64,
    /// Segments with an old timestamp.
    pub old_timestamp: u64,
    /// Segments with an unusable acknowledgment.
    pub bad_acknowledgment: u64,
    /// RSTs and SYNs that did not prove their sender.
    pub blind_attacks: u64,
    /// Segments with unusable flags or source.
    pub unusable: u64,
}

impl Counters {
    pub(crate) fn count(&mut self, dropped: Dropped) {
        let counter = match dropped {
            Dropped::Malformed(_) => &mut self.malformed,
            Dropped::NoSocket => &mut self.no_socket,
            Dropped::BacklogFull => &mut self.backlog_full,
            Dropped::TableFull => &mut self.table_full,
            Dropped::MemoryShort => &mut self.memory_short,
            Dropped::OutsideWindow => &mut self.outside_window,
            Dropped::OldTimestamp => &mut self.old_timestamp,
            Dropped::BadAcknowledgment => &mut self.bad_acknowledgment,
            Dropped::BlindReset | Dropped::BlindSyn => &mut self.blind_attacks,
            Dropped::BadFlags | Dropped::BadSource => &mut self.unusable,
        };
        *counter += 1;
    }
}
