//! What BBR knows of one connection, and what it does with an acknowledgment (draft-ietf-ccwg-bbr 5.2).

use super::super::controller::Signal;
use super::super::window::{Window, initial_window};
use super::parts::{Aggregation, Bandwidth, Congested, Cycle, FullPipe, RoundTrip, Rounds, Undo};
use super::stage::Stage;
use basis::Instant;
use wire::tcp::Seq;

/// No bound.
pub(super) const UNBOUNDED: u32 = u32::MAX;

/// One connection's model and state. The parts are by concern, the draft's names beside each.
#[derive(Clone, Debug)]
pub(crate) struct Bbr {
    pub(super) stage: Stage,
    pub(super) rounds: Rounds,
    pub(super) bandwidth: Bandwidth,
    pub(super) round_trip: RoundTrip,
    pub(super) aggregation: Aggregation,
    pub(super) pipe: FullPipe,
    pub(super) cycle: Cycle,
    pub(super) congested: Congested,
    pub(super) undo: Undo,
    /// BBR.inflight_longterm, or [`UNBOUNDED`].
    pub(super) longterm: u32,
    /// BBR.inflight_shortterm, or [`UNBOUNDED`].
    pub(super) shortterm: u32,
    /// BBR.prior_cwnd: the last window that neither losses nor ProbeRTT had bound.
    pub(super) prior_window: u32,
    /// Losses are being repaired.
    pub(super) recovering: bool,
    /// They were seen without a time-out.
    pub(super) fast_recovery: bool,
    /// BBR.idle_restart.
    pub(super) idle_restart: bool,
    /// C.pacing_rate; 0 before anything was sent.
    pub(super) pacing_rate: u64,
    /// A round trip was measured: the first pacing rate is not made of nothing.
    measured: bool,
    /// C.InitialCwnd.
    pub(super) initial_window: u32,
    pub(super) segment_size: u32,
    /// The window was filled in this round, and in the last one: C.is_cwnd_limited.
    filled: (bool, bool),
    /// Where chance comes from.
    seed: u64,
}

impl Bbr {
    /// The control of a connection that goes on from `window`.
    pub(crate) fn new(window: &Window) -> Bbr {
        Bbr {
            stage: Stage::Startup,
            rounds: Rounds::default(),
            bandwidth: Bandwidth::default(),
            round_trip: RoundTrip::new(),
            aggregation: Aggregation::default(),
            pipe: FullPipe::default(),
            cycle: Cycle::new(),
            congested: Congested::default(),
            undo: Undo::default(),
            longterm: UNBOUNDED,
            shortterm: UNBOUNDED,
            prior_window: 0,
            recovering: false,
            fast_recovery: false,
            idle_restart: false,
            pacing_rate: 0,
            measured: false,
            initial_window: window.size,
            segment_size: 0,
            filled: (false, false),
            seed: 0,
        }
    }

    /// `bytes` are about to be sent, with which `in_flight` are under way; `starved` tells that what was sent last followed a silence of the
    /// application. `smoothed` is the round trip in microseconds, zero if it is not known.
    pub(crate) fn on_transmit(
        &mut self,
        bytes: u32,
        in_flight: u32,
        starved: bool,
        delivered: u64,
        window: &mut Window,
        context: Context,
    ) {
        self.begin(context);
        self.segment_size = context.segment_size;
        if in_flight <= bytes && starved {
            self.restart_from_idle(window, delivered, context.now);
        }
        self.filled.0 |= in_flight.saturating_add(self.segment_size) > window.size;
    }

    /// OnInit, as far as it needs to know the time; before the first segment is sent.
    pub(crate) fn begin(&mut self, context: Context) {
        if self.pacing_rate != 0 {
            return;
        }
        let Context { now, smoothed, segment_size, next } = context;
        (self.segment_size, self.seed) = (segment_size, u64::from(next.0) ^ now.as_nanos());
        self.initial_window = self.initial_window.max(initial_window(segment_size));
        self.round_trip.begin(smoothed, now);
        self.aggregation.begin(now);
        self.begin_pacing(smoothed);
        self.measured = smoothed != 0;
    }

    /// An acknowledgment came: UpdateModelAndState, and the window of UpdateControlParameters.
    pub(crate) fn on_signal(&mut self, window: &mut Window, signal: &Signal) {
        self.segment_size = signal.segment_size;
        if let Some(round_trip) = signal.round_trip.filter(|_| !self.measured) {
            self.measured = true;
            self.begin_pacing(round_trip);
        }
        self.update_round(signal);
        self.update_latest(signal);
        self.update_congestion(window, signal);
        self.update_aggregation(window, signal);
        self.check_full_pipe(signal);
        self.check_startup_done(signal);
        self.check_drain_done(signal);
        self.update_cycle(window, signal);
        self.update_round_trip(signal);
        self.check_probe_rtt(window, signal);
        self.advance_latest(signal);
        self.bandwidth.bound();
        self.set_pacing_rate(self.stage.pacing_gain());
        self.set_window(window, signal);
        if self.rounds.started {
            self.filled = (false, self.filled.0);
        }
    }

    /// C.is_cwnd_limited.
    pub(super) fn is_window_limited(&self) -> bool {
        self.filled.0 || self.filled.1
    }

    /// What the rate of sending is to be.
    pub(crate) fn pacing_rate(&self) -> u64 {
        self.pacing_rate
    }

    /// Whether it sends little on purpose, so that what is delivered meanwhile tells nothing of the path.
    pub(crate) fn is_pausing(&self) -> bool {
        self.stage == Stage::ProbeRtt
    }

    pub(crate) fn stage(&self) -> Stage {
        self.stage
    }

    /// Chance: the same for the same connection. Its seed grew from the host's by way of the initial sequence number.
    pub(super) fn draw(&mut self) -> u64 {
        // SplitMix64 (Steele, Lea and Flood, 2014).
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.seed ^ self.seed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }
}

/// What is known when something is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context {
    pub(crate) now: Instant,
    /// The smoothed round trip in microseconds; zero before the first measurement.
    pub(crate) smoothed: u32,
    pub(crate) segment_size: u32,
    /// SND.NXT.
    pub(crate) next: Seq,
}

#[cfg(test)]
mod tests;
