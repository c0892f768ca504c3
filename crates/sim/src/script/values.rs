//! The values that assertions name.

use super::machine::Machine;
use basis::Instant;
use std::time::Duration;
use tcp::{Counters, FourTuple, Info, State, Trust};

/// The value of `name` for the connection `tuple`.
pub(crate) fn value(machine: &Machine, tuple: FourTuple, name: &str) -> Result<i64, String> {
    if let Some(state) = state_number(name) {
        return Ok(state);
    }
    let host = machine.stack.tcp();
    let (connections, half_open, time_wait) = host.population();
    let table = match name {
        "connections" => Some(connections),
        "half_open" => Some(half_open),
        "time_wait" => Some(time_wait),
        "buffered" => Some(host.buffered()),
        "undelivered" => Some(host.undelivered()),
        _ => None,
    };
    if let Some(size) = table {
        return Ok(size as i64);
    }
    if let Some(count) = counter(host.counters(), name) {
        return Ok(count as i64);
    }
    let summary = host.connections().find(|summary| summary.tuple == tuple && summary.state != State::Closed);
    if name == "tcpi_state" {
        let state = summary.map_or(State::Closed, |summary| summary.state);
        return Ok(state_code(state));
    }
    let id = summary.and_then(|summary| summary.id).ok_or("there is no connection to ask")?;
    let info = host.info(id).ok_or("there is no connection to ask")?;
    let now = machine.now;
    let found = of_connection(&info, name).or_else(|| of_its_past(&info, now, name));
    found.ok_or_else(|| format!("unknown value `{name}`"))
}

/// Windows are counted in segments, as TCP_INFO does.
fn of_connection(info: &Info, name: &str) -> Option<i64> {
    let segments = |bytes: u32| match bytes {
        u32::MAX => i32::MAX as i64,
        bytes => bytes as i64 / info.segment_size.max(1) as i64,
    };
    Some(match name {
        "tcpi_snd_cwnd" => segments(info.congestion_window),
        "tcpi_snd_ssthresh" => segments(info.slow_start_threshold),
        "tcpi_unacked" => segments(info.in_flight + info.segment_size.saturating_sub(1)),
        "tcpi_snd_mss" => info.segment_size as i64,
        "tcpi_pmtu" => info.path_mtu as i64,
        "tcpi_rto" => info.retransmission_timeout.as_micros() as i64,
        "tcpi_rtt" => info.smoothed_rtt.as_micros() as i64,
        "tcpi_rttvar" => info.rtt_variation.as_micros() as i64,
        "tcpi_total_retrans" => info.retransmissions as i64,
        "tcpi_bytes_sent" => info.bytes_sent as i64,
        "tcpi_bytes_retrans" => info.bytes_repeated as i64,
        "tcpi_dsack_dups" => info.duplicates_reported as i64,
        "tcpi_total_rto" => info.total_timeouts as i64,
        "tcpi_total_rto_recoveries" => info.timeout_recoveries as i64,
        "tcpi_total_rto_time" => info.timeout_time.as_millis() as i64,
        "tcpi_delivery_rate" => info.delivery_rate.unwrap_or(0) as i64,
        "tcpi_delivery_rate_app_limited" => info.delivery_rate_starved as i64,
        "tcpi_pacing_rate" => info.pacing_rate.map_or(-1, |rate| rate as i64),
        "tcpi_max_pacing_rate" => info.max_pacing_rate.map_or(-1, |rate| rate as i64),
        "tcpi_min_rtt" => info.shortest_rtt.as_micros() as i64,
        "delivered_bytes" => info.delivered as i64,
        "delivered_marked_bytes" => info.delivered_marked as i64,
        "tcpi_bytes_received" => info.bytes_received as i64,
        "tcpi_notsent_bytes" => info.unsent() as i64,
        "tcpi_bytes_acked" => info.bytes_acknowledged() as i64,
        "tcpi_advmss" => info.offered_segment_size as i64,
        "tcpi_backoff" => info.backoff as i64,
        "receive_buffer" => info.receive_buffer as i64,
        "send_buffer" => info.send_buffer as i64,
        "tcpi_snd_wnd" => info.send_window as i64,
        "tcpi_rcv_wnd" => info.receive_window as i64,
        "tcpi_snd_wscale" => info.window_scale.map_or(0, |(_, theirs)| theirs as i64),
        "tcpi_rcv_wscale" => info.window_scale.map_or(0, |(ours, _)| ours as i64),
        "tcpi_timestamps" => info.timestamps as i64,
        "tcpi_sack" => info.selective_acknowledgments as i64,
        "ecn" => info.congestion_marks as i64,
        "in_recovery" => info.in_recovery as i64,
        "tcpi_ca_state" => trust_code(info.trust),
        "cwnd_bytes" => info.congestion_window as i64,
        "ssthresh_bytes" => info.slow_start_threshold as i64,
        _ => return None,
    })
}

/// What came and went, and how long it took: in microseconds, or milliseconds for the last ones, as TCP_INFO does.
fn of_its_past(info: &Info, now: Instant, name: &str) -> Option<i64> {
    let spent = |ended: Duration, since: Option<Instant>| {
        (ended + since.map_or(Duration::ZERO, |since| now.saturating_since(since))).as_micros() as i64
    };
    let ago = |time: Option<Duration>| time.map_or(-1, |time| time.as_millis() as i64);
    Some(match name {
        "tcpi_segs_out" => info.segments_sent as i64,
        "tcpi_segs_in" => info.segments_received as i64,
        "tcpi_data_segs_out" => info.data_segments_sent as i64,
        "tcpi_data_segs_in" => info.data_segments_received as i64,
        "tcpi_rcv_ooopack" => info.segments_out_of_order as i64,
        "tcpi_busy_time" => spent(info.busy_time, info.busy_since),
        "tcpi_rwnd_limited" => spent(info.window_limited_time, info.window_limited_since),
        "tcpi_sndbuf_limited" => spent(info.buffer_limited_time, info.buffer_limited_since),
        "tcpi_last_data_sent" => ago(info.last_sent.map(|sent| now.saturating_since(sent))),
        "tcpi_last_data_recv" => ago(info.since_received(now)),
        _ => return None,
    })
}

fn counter(counters: &Counters, name: &str) -> Option<u64> {
    Some(match name {
        "retransmissions" => counters.retransmissions,
        "timeouts" => counters.timeouts,
        "fast_retransmits" => counters.fast_retransmits,
        "congestion_marks" => counters.congestion_marks,
        "congestion_echoes" => counters.congestion_echoes,
        "fast_opens" => counters.fast_opens,
        "fast_opens_completed" => counters.fast_opens_completed,
        "fast_opens_lost" => counters.fast_opens_lost,
        "tail_probes" => counters.tail_probes,
        "rack_recoveries" => counters.rack_recoveries,
        "reordering_timeouts" => counters.reordering_timeouts,
        "black_holes" => counters.black_holes,
        "path_probes" => counters.path_probes,
        "path_probes_arrived" => counters.path_probes_arrived,
        "path_probes_lost" => counters.path_probes_lost,
        "tail_repairs" => counters.tail_repairs,
        "forward_probes" => counters.forward_probes,
        "spurious_repairs" => counters.spurious_repairs,
        "spurious_timeouts" => counters.spurious_timeouts,
        "undone_by_duplicate" => counters.undone_by_duplicate,
        "undone_by_timestamp" => counters.undone_by_timestamp,
        "undone_by_forward" => counters.undone_by_forward,
        "resets_sent" => counters.resets_sent,
        "resets_received" => counters.resets_received,
        "syn_cookies_sent" => counters.syn_cookies_sent,
        "syn_cookies_accepted" => counters.syn_cookies_accepted,
        "syn_cookies_refused" => counters.syn_cookies_refused,
        "challenge_acks" => counters.challenge_acks,
        "keepalive_probes" => counters.keepalive_probes,
        "window_probes" => counters.window_probes,
        "backlog_full" => counters.backlog_full,
        "memory_short" => counters.memory_short,
        "outside_window" => counters.outside_window,
        "old_timestamp" => counters.old_timestamp,
        "bad_acknowledgment" => counters.bad_acknowledgment,
        "blind_attacks" => counters.blind_attacks,
        "no_socket" => counters.no_socket,
        "unusable" => counters.unusable,
        "malformed" => counters.malformed,
        _ => return None,
    })
}

/// The states under Linux's names.
fn state_number(name: &str) -> Option<i64> {
    let state = match name.strip_prefix("TCP_")? {
        "ESTABLISHED" => State::Established,
        "SYN_SENT" => State::SynSent,
        "SYN_RECV" => State::SynReceived,
        "FIN_WAIT1" => State::FinWait1,
        "FIN_WAIT2" => State::FinWait2,
        "TIME_WAIT" => State::TimeWait,
        "CLOSE" => State::Closed,
        "CLOSE_WAIT" => State::CloseWait,
        "LAST_ACK" => State::LastAck,
        "LISTEN" => State::Listen,
        "CLOSING" => State::Closing,
        "INFINITE_SSTHRESH" => return Some(i32::MAX as i64),
        "CA_Open" => return Some(trust_code(Trust::Open)),
        "CA_Disorder" => return Some(trust_code(Trust::Disorder)),
        "CA_CWR" => return Some(trust_code(Trust::Reduced)),
        "CA_Recovery" => return Some(trust_code(Trust::Recovery)),
        "CA_Loss" => return Some(trust_code(Trust::Loss)),
        _ => return None,
    };
    Some(state_code(state))
}

/// What a sender makes of its path, in Linux's numbers.
fn trust_code(trust: Trust) -> i64 {
    match trust {
        Trust::Open => 0,
        Trust::Disorder => 1,
        Trust::Reduced => 2,
        Trust::Recovery => 3,
        Trust::Loss => 4,
    }
}

/// And their numbers.
fn state_code(state: State) -> i64 {
    match state {
        State::Established => 1,
        State::SynSent => 2,
        State::SynReceived => 3,
        State::FinWait1 => 4,
        State::FinWait2 => 5,
        State::TimeWait => 6,
        State::Closed => 7,
        State::CloseWait => 8,
        State::LastAck => 9,
        State::Listen => 10,
        State::Closing => 11,
    }
}
