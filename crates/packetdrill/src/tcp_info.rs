//! `TCP_INFO`: what a connection tells of itself, laid out as Linux has it.

use crate::socket::{Role, Socket};
use crate::world::World;
use basis::Instant;
use nix::errno::Errno;
use std::os::fd::RawFd;
use std::time::Duration;
use tcp::{Info, State, Trust};

/// Bytes of the structure.
const LENGTH: usize = 280;

/// The report of the socket `number`.
pub(crate) fn of(world: &World, number: RawFd) -> Result<Vec<u8>, Errno> {
    let socket = world.descriptors.get(number)?;
    let mut out = Layout([0; LENGTH]);
    match socket.role {
        Role::Datagrams(_) => return Err(Errno::EOPNOTSUPP),
        Role::Fresh => out.byte(0, state(State::Closed)),
        Role::Listener(id) => {
            out.byte(0, state(State::Listen));
            let row = world.stack.tcp().listeners().find(|row| row.id == id);
            let (waiting, backlog) = row.map_or((0, 0), |row| (row.waiting, row.backlog));
            out.word(24, waiting);
            out.word(28, backlog.saturating_sub(1));
        }
        Role::Connection(id) => match world.stack.tcp().info(id) {
            Some(info) => out.connection(&info, socket, world.now),
            None => out.byte(0, state(State::Closed)),
        },
    }
    Ok(out.0.to_vec())
}

/// Numbers of states and of the sender's state; both are Linux's.
fn state(state: State) -> u8 {
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
fn trust(trust: Trust) -> u8 {
    match trust {
        Trust::Open => 0,
        Trust::Disorder => 1,
        Trust::Reduced => 2,
        Trust::Recovery => 3,
        Trust::Loss => 4,
    }
}

/// Bits of the options.
const TIMESTAMPS: u8 = 1;
const SELECTIVE: u8 = 2;
const SCALING: u8 = 4;
const MARKS: u8 = 8;
const SYN_DATA: u8 = 32;

struct Layout([u8; LENGTH]);

impl Layout {
    fn put(&mut self, at: usize, bytes: &[u8]) {
        if let Some(place) = self.0.get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    }

    fn byte(&mut self, at: usize, value: u8) {
        self.put(at, &[value]);
    }

    fn word(&mut self, at: usize, value: u32) {
        self.put(at, &value.to_ne_bytes());
    }

    fn long(&mut self, at: usize, value: u64) {
        self.put(at, &value.to_ne_bytes());
    }

    fn connection(&mut self, info: &Info, socket: &Socket, now: Instant) {
        let history = &socket.history;
        let micros = |time: Duration| u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
        let segment = info.segment_size.max(1);
        let segments = |bytes: u32| bytes.div_ceil(segment);
        self.byte(0, state(info.state));
        self.byte(1, trust(info.trust));
        self.byte(2, info.timeouts);
        self.byte(3, info.probes);
        self.byte(4, info.backoff.max(info.probes));
        let option = |on: bool, bit: u8| if on { bit } else { 0 };
        self.byte(
            5,
            option(info.timestamps, TIMESTAMPS)
                | option(info.selective_acknowledgments, SELECTIVE)
                | option(info.window_scale.is_some(), SCALING)
                | option(info.congestion_marks, MARKS)
                | option(info.syn_data, SYN_DATA),
        );
        let (ours, peers) = info.window_scale.unwrap_or((0, 0));
        self.byte(6, peers & 15 | ours << 4);
        self.byte(7, u8::from(info.delivery_rate_starved));
        self.word(8, micros(info.retransmission_timeout));
        self.word(12, 40_000); // the delay of an acknowledgment, in microseconds
        self.word(16, info.segment_size);
        self.word(20, info.peer_segment_size);
        self.word(24, segments(info.in_flight)); // unacked
        self.word(28, segments(info.selected)); // sacked
        // What is sent again still counts.
        let repairs = matches!(info.trust, Trust::Recovery | Trust::Loss);
        self.word(32, segments(info.lost + if repairs { info.repeated } else { 0 }));
        self.word(36, segments(info.repeated)); // retrans
        let milliseconds = |time: Duration| u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
        self.word(44, milliseconds(history.since_sent(now)));
        self.word(52, milliseconds(history.since_received(now)));
        self.word(60, info.path_mtu);
        self.word(68, micros(info.smoothed_rtt));
        self.word(72, micros(info.rtt_variation));
        let threshold = match info.slow_start_threshold {
            u32::MAX => i32::MAX as u32,
            bytes => bytes / segment,
        };
        self.word(76, threshold);
        self.word(80, info.congestion_window / segment);
        // advmss, less the timestamps that every segment carries
        self.word(84, info.offered_segment_size.saturating_sub(if info.timestamps { 12 } else { 0 }));
        self.word(88, u32::from(info.reordering));
        self.word(100, info.retransmissions); // total_retrans
        self.long(104, info.pacing_rate.unwrap_or(0));
        self.long(112, info.max_pacing_rate.unwrap_or(u64::MAX));
        self.long(120, info.bytes_acknowledged());
        self.long(128, info.bytes_received);
        self.word(136, info.segments_sent);
        self.word(140, info.segments_received);
        self.word(144, info.unsent());
        self.word(148, micros(info.shortest_rtt));
        self.word(152, info.data_segments_received);
        self.word(156, info.data_segments_sent);
        self.long(160, info.delivery_rate.unwrap_or(0));
        let [busy, receiver, buffer] = history.limits(now).map(|time| time.as_micros() as u64);
        self.long(168, busy + receiver + buffer);
        self.long(176, receiver);
        self.long(184, buffer);
        let counted = |bytes: u64| u32::try_from(bytes.div_ceil(u64::from(segment))).unwrap_or(u32::MAX);
        // The SYN counts, too, once it is acknowledged, and what was acknowledged with it is part of it.
        let opened = !matches!(info.state, State::SynSent | State::SynReceived | State::Closed);
        let early = if info.syn_data { socket.send_memory.early() } else { 0 };
        self.word(192, counted(info.delivered.saturating_sub(early)).saturating_add(u32::from(opened)));
        self.word(196, counted(info.delivered_marked));
        self.long(200, info.bytes_sent + info.bytes_repeated);
        self.long(208, info.bytes_repeated);
        self.word(216, info.duplicates_reported);
        self.word(220, u32::from(info.reorderings));
        self.word(224, info.segments_out_of_order);
        self.word(228, info.send_window);
        self.word(232, info.receive_window);
        let short = |count: u32| u16::try_from(count).unwrap_or(u16::MAX).to_ne_bytes();
        self.put(240, &short(info.total_timeouts));
        self.put(242, &short(info.timeout_recoveries));
        let present = info.timeout_since.map_or(Duration::ZERO, |since| now.saturating_since(since));
        self.word(244, milliseconds(info.timeout_time + present));
    }
}
