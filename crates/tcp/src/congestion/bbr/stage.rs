//! The states, with their gains (draft-ietf-ccwg-bbr 5.6.1).

use core::fmt;

/// What BBR is doing: BBR.state (draft-ietf-ccwg-bbr 5.1.1).
///
/// ```
/// assert_eq!(netstrata_tcp::congestion::Stage::Down.to_string(), "probe-bw-down");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// It doubles its rate each round trip, until that brings no more.
    Startup,
    /// The queue that this has left drains.
    Drain,
    /// It sends less than the path takes (ProbeBW_DOWN).
    Down,
    /// As much (ProbeBW_CRUISE).
    Cruise,
    /// As much, without a bound that a loss has set (ProbeBW_REFILL).
    Refill,
    /// More, to see whether the path takes it (ProbeBW_UP).
    Up,
    /// It sends little for a while, to see how short the round trip is.
    ProbeRtt,
}

impl Stage {
    /// BBR.pacing_gain, in per cent.
    pub(super) const fn pacing_gain(self) -> u64 {
        match self {
            Stage::Startup => 277,
            Stage::Drain => 50,
            Stage::Down => 90,
            Stage::Cruise | Stage::Refill | Stage::ProbeRtt => 100,
            Stage::Up => 125,
        }
    }

    /// BBR.cwnd_gain, in per cent.
    pub(super) const fn window_gain(self) -> u64 {
        match self {
            Stage::ProbeRtt => 50,
            Stage::Up => 225,
            _ => 200,
        }
    }

    /// IsInAProbeBWState.
    pub(super) const fn is_probe_bw(self) -> bool {
        matches!(self, Stage::Down | Stage::Cruise | Stage::Refill | Stage::Up)
    }

    /// IsProbingBW: losses tell of its own probing, not of others.
    pub(super) const fn is_accelerating(self) -> bool {
        matches!(self, Stage::Startup | Stage::Refill | Stage::Up)
    }

    /// Its name: "startup", "drain", "probe-bw-down", "probe-bw-cruise", "probe-bw-refill", "probe-bw-up" or "probe-rtt".
    pub const fn name(self) -> &'static str {
        match self {
            Stage::Startup => "startup",
            Stage::Drain => "drain",
            Stage::Down => "probe-bw-down",
            Stage::Cruise => "probe-bw-cruise",
            Stage::Refill => "probe-bw-refill",
            Stage::Up => "probe-bw-up",
            Stage::ProbeRtt => "probe-rtt",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// BBR.ack_phase: what acknowledgments tell of a probe.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Feedback {
    /// Nothing.
    None,
    Refilling,
    /// The probe has begun, and what it sent first is not acknowledged yet.
    Starting,
    /// They tell of the probe.
    Arriving,
    /// The probe is over, and they still do.
    Stopping,
}
