//! The variables of a connection, as they are drawn: each has a fixed name, and a number or nothing.

use basis::Instant;
use tcp::{Inspection, ListenerSummary, State, Timer};

/// Names, in the order of [`Values`]. Times are nanoseconds, sequence numbers absolute, the rest bytes unless said otherwise.
pub(crate) const NAMES: [&str; 25] = [
    "iss",
    "irs",
    "snd_una",
    "snd_nxt",
    "snd_max",
    "snd_wnd",
    "rcv_nxt",
    "rcv_wnd",
    "cwnd",
    "ssthresh",
    "flight",
    "send_queue",
    "receive_queue",
    "mss",
    "srtt",
    "rttvar",
    "rto",
    "retransmissions",
    "bytes_sent",
    "bytes_received",
    "recovering",
    "conservative",
    "detached",
    "half_open",
    "waiting",
];

/// The places of those that tell why something happens.
pub(crate) const SLOW_START_THRESHOLD: usize = 9;
pub(crate) const RECOVERING: usize = 20;
pub(crate) const CONSERVATIVE: usize = 21;

pub(crate) type Values = [Option<u64>; NAMES.len()];

/// What a connection's inside shows. `iss` and `irs` are what they were before, if they were known.
pub(crate) fn of_connection(inspection: &Inspection, known: &Values) -> Values {
    let info = &inspection.info;
    let opening = matches!(info.state, State::SynSent | State::SynReceived);
    let number = |value: u32| Some(u64::from(value));
    let known_or =
        |index: usize, first: u32| if opening { number(first) } else { known[index].or(number(first)) };
    let heard = info.state != State::SynSent;
    let time = |time: core::time::Duration| {
        (!time.is_zero()).then(|| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
    };
    let buffers = !opening && info.state != State::TimeWait;
    let open = |value: u32| if buffers { number(value) } else { None };
    let oldest = inspection.send_oldest.0;
    [
        known_or(0, if opening { oldest } else { oldest.wrapping_sub(1) }),
        if heard { known_or(1, inspection.receive_next.0.wrapping_sub(1)) } else { None },
        number(oldest),
        number(inspection.send_next.0),
        number(inspection.send_highest.0),
        open(info.send_window),
        if heard { number(inspection.receive_next.0) } else { None },
        open(info.receive_window),
        open(info.congestion_window),
        open(info.slow_start_threshold).filter(|threshold| *threshold != u64::from(u32::MAX)),
        open(info.in_flight),
        open(info.send_queue),
        open(info.receive_queue),
        open(info.segment_size),
        time(info.smoothed_rtt),
        time(info.rtt_variation),
        time(info.retransmission_timeout),
        number(info.retransmissions),
        Some(info.bytes_sent),
        Some(info.bytes_received),
        Some(u64::from(info.in_recovery)),
        Some(u64::from(inspection.conservative)),
        Some(u64::from(inspection.detached)),
        None,
        None,
    ]
}

/// What a listener shows.
pub(crate) fn of_listener(summary: &ListenerSummary) -> Values {
    let mut values = [None; NAMES.len()];
    values[NAMES.len() - 2] = Some(u64::from(summary.half_open));
    values[NAMES.len() - 1] = Some(u64::from(summary.waiting));
    values
}

/// The armed timers of a connection, by name.
pub(crate) fn timers(inspection: &Inspection) -> Vec<(&'static str, Instant)> {
    let armed = inspection.timers().map(|(timer, until)| (timer_name(timer), until));
    armed.chain(inspection.time_wait.map(|until| ("time-wait", until))).collect()
}

fn timer_name(timer: Timer) -> &'static str {
    match timer {
        Timer::Retransmit => "retransmit",
        Timer::Probe => "probe",
        Timer::DelayedAck => "delayed-ack",
        Timer::Keepalive => "keepalive",
        Timer::FinWait2 => "fin-wait-2",
        Timer::Pacing => "pacing",
    }
}
