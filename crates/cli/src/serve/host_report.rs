//! What `status` and `/metrics` tell of a host of ours.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use netstrata::Host;

use crate::status::report::{ConnectionReport, HostReport, Inside, ListenerReport};

/// A host as it stands: what all its shards have together. Each waits meanwhile, so this copies and formats later what it can.
pub(crate) fn report(host: &Host) -> HostReport {
    let first = host.shard(0);
    let addresses: Vec<_> =
        first.with(|stack, now| stack.addresses().map(|own| (own.address, own.rival(now))).collect());
    let (mut listeners, mut connections) = (Vec::new(), Vec::new());
    let mut counters = BTreeMap::new();
    for shard in host.shards() {
        let (listening, rows, counted) = shard.with(|stack, _| {
            let rows: Vec<_> = stack
                .tcp()
                .connections()
                .map(|row| (row, row.id.and_then(|id| stack.tcp().info(id))))
                .collect();
            (stack.tcp().listeners().collect::<Vec<_>>(), rows, counters_of(stack))
        });
        listening.iter().for_each(|row| add_listener(&mut listeners, row));
        connections.extend(rows.iter().map(|(row, info)| ConnectionReport {
            state: row.state.to_string(),
            local: row.tuple.local_address().to_string(),
            remote: row.tuple.remote_address().to_string(),
            inside: info.map(inside),
        }));
        for (name, count) in counted {
            *counters.entry(name).or_insert(0) += count;
        }
    }
    let statistics = host.statistics();
    let handed = [
        ("handed-to-other-shards", statistics.handed_over),
        ("lost-between-shards", statistics.handovers_lost),
    ];
    counters.extend(
        handed.into_iter().filter(|(_, count)| *count > 0).map(|(name, count)| (name.to_owned(), count)),
    );
    HostReport {
        name: host.name().to_owned(),
        addresses: addresses
            .iter()
            .map(|(address, rival)| match rival {
                Some(station) => format!("{address} CONFLICT with {station}"),
                None => address.to_string(),
            })
            .collect(),
        listeners,
        connections,
        counters,
        link_failures: host.link_failures(),
    }
}

/// Adds one shard's part of a listener.
fn add_listener(listeners: &mut Vec<ListenerReport>, row: &netstrata::tcp::ListenerSummary) {
    let local =
        row.address.map_or_else(|| format!("*:{}", row.port), |ip| SocketAddr::new(ip, row.port).to_string());
    let (half_open, waiting, backlog) = (row.half_open, row.waiting, row.backlog);
    match listeners.iter_mut().find(|listener| listener.local == local) {
        Some(listener) => {
            listener.half_open += half_open;
            listener.waiting += waiting;
            listener.backlog += backlog;
        }
        None => listeners.push(ListenerReport { local, half_open, waiting, backlog }),
    }
}

fn inside(info: netstrata::tcp::Info) -> Inside {
    let microseconds = |time: std::time::Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    Inside {
        receive_queue: info.receive_queue,
        send_queue: info.send_queue,
        in_flight: info.in_flight,
        rtt_us: microseconds(info.smoothed_rtt),
        rtt_variation_us: microseconds(info.rtt_variation),
        rto_us: microseconds(info.retransmission_timeout),
        congestion_window: info.congestion_window,
        slow_start_threshold: Some(info.slow_start_threshold).filter(|threshold| *threshold != u32::MAX),
        send_window: info.send_window,
        receive_window: info.receive_window,
        segment_size: info.segment_size,
        retransmissions: info.retransmissions,
        bytes_sent: info.bytes_sent,
        bytes_received: info.bytes_received,
        segments_sent: info.segments_sent,
        data_segments_sent: info.data_segments_sent,
        segments_received: info.segments_received,
        data_segments_received: info.data_segments_received,
        segments_out_of_order: info.segments_out_of_order,
        busy_us: microseconds(info.busy_time),
        window_limited_us: microseconds(info.window_limited_time),
        buffer_limited_us: microseconds(info.buffer_limited_time),
    }
}

fn counters_of(stack: &netstrata::stack::Stack) -> BTreeMap<String, u64> {
    let named = events(stack).into_iter().map(|(name, count)| (name.to_owned(), count));
    let dropped =
        stack.counters().dropped.iter().map(|(reason, count)| (format!("dropped: {reason}"), count));
    named.chain(dropped).filter(|(_, count)| *count > 0).collect()
}

/// How often what happened, by name.
pub(crate) fn events(stack: &netstrata::stack::Stack) -> Vec<(&'static str, u64)> {
    let (own, tcp) = (stack.counters(), stack.tcp().counters());
    vec![
        ("frames-received", own.link.received_frames),
        ("frames-sent", own.link.sent_frames),
        ("bytes-received", own.link.received_bytes),
        ("bytes-sent", own.link.sent_bytes),
        ("arp-conflicts", own.arp.conflicts),
        ("packets-received", own.ip.received),
        ("fragments-received", own.ip.received_fragments),
        ("echoes-answered", own.icmp.echoes_answered),
        ("icmp-errors-received", own.icmp.received_errors),
        ("icmp-errors-sent", own.icmp.sent_errors),
        ("segments-received", tcp.segments_received),
        ("segments-sent", tcp.segments_sent),
        ("retransmissions", tcp.retransmissions),
        ("retransmission-timeouts", tcp.timeouts),
        ("fast-retransmits", tcp.fast_retransmits),
        ("resets-received", tcp.resets_received),
        ("resets-sent", tcp.resets_sent),
        ("active-opens", tcp.active_opens),
        ("passive-opens", tcp.passive_opens),
        ("syn-cookies-sent", tcp.syn_cookies_sent),
        ("syn-cookies-accepted", tcp.syn_cookies_accepted),
        ("syn-cookies-refused", tcp.syn_cookies_refused),
        ("challenge-acks", tcp.challenge_acks),
        ("keepalive-probes", tcp.keepalive_probes),
        ("window-probes", tcp.window_probes),
        ("backlog-full", tcp.backlog_full),
    ]
}
