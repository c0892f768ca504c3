//! Packetization layer path MTU discovery (RFC 4821, RFC 8899): what the path carries is found out by what arrives. Routers that
//! drop long packets and say nothing, or whose word is swallowed on its way, are noticed, and longer segments are tried.

use basis::Instant;
use core::time::Duration;
use wire::tcp::Seq;

/// So many times is the oldest segment sent again before a time-out tells that it may be too long: R1 (RFC 9293 3.8.3, RFC 4821 7.7).
pub(super) const PATIENCE: u8 = 3;
/// A size of which so many probes were lost is too long (RFC 8899 5.1.2: MAX_PROBES).
const MAX_PROBES: u8 = 3;
/// What is less is not worth a search (RFC 4821 7.3).
const LEAST_GAIN: u16 = 8;
/// The path may have become wider meanwhile (RFC 8899 5.1.1: PMTU_RAISE_TIMER; RFC 1191 6.3).
pub(super) const RAISE_AFTER: Duration = Duration::from_secs(600);
/// After a lost probe the next one waits at least so long (RFC 8899 5.1.1: PROBE_TIMER).
pub(super) const LEAST_PAUSE: Duration = Duration::from_secs(1);
/// Segments that follow a probe, so that its loss is noticed without a time-out.
pub(super) const FOLLOWERS: u32 = 4;

/// What a search keeps within. All are bytes of payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SegmentSizes {
    /// Every path is taken to carry so much.
    pub(crate) floor: u16,
    /// Where a search begins. RFC 8899: BASE_PLPMTU.
    pub(crate) base: u16,
    /// What the interface, the peer and the application allow. RFC 8899: MAX_PLPMTU.
    pub(crate) most: u16,
}

/// A search for the longest segment that arrives; the longest known to is the sender's segment size (RFC 4821 7.1: search_low).
#[derive(Clone, Debug)]
pub(super) struct PathSearch {
    pub(super) sizes: SegmentSizes,
    /// The longest that is not known to be lost. RFC 4821 7.1: search_high.
    pub(super) high: u16,
    /// Where the probe lies that is under way.
    pub(super) probe: Option<(Seq, Seq)>,
    /// Where a probe lay that was lost, as far as it is not sent again: that is no sign of congestion.
    pub(super) excused: Option<(Seq, Seq)>,
    /// Probes of the present size that were lost.
    pub(super) failures: u8,
    /// No probe before.
    pub(super) due: Instant,
}

/// What a sender with something new to send makes of its search.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum NextProbe {
    /// Nothing.
    None,
    /// It holds back until there is room for a probe.
    Wait,
    /// A segment of so many bytes tries the path.
    Send(u16),
}

impl PathSearch {
    pub(super) fn new(sizes: SegmentSizes, high: u16, due: Instant) -> PathSearch {
        PathSearch { sizes, high, probe: None, excused: None, failures: 0, due }
    }

    /// The next size to try, halfway to what is not known to be lost.
    pub(super) fn candidate(&self, low: u16) -> Option<u16> {
        match self.high.saturating_sub(low) {
            0 => None,
            gap if gap < LEAST_GAIN => (self.high == self.sizes.most).then_some(self.high),
            gap => Some(low + gap.div_ceil(2)),
        }
    }

    /// A probe of `size` bytes was lost, and nothing else.
    pub(super) fn on_lost(&mut self, size: u16, low: u16, pause: Duration, now: Instant) {
        self.failures += 1;
        if self.failures >= MAX_PROBES {
            (self.high, self.failures) = (size - 1, 0);
        }
        self.rest(low, pause, now);
    }

    /// No probe for a while: for ten minutes, if all sizes have been tried.
    pub(super) fn rest(&mut self, low: u16, pause: Duration, now: Instant) {
        self.due = now + if self.candidate(low).is_some() { pause } else { RAISE_AFTER };
    }
}

#[cfg(test)]
mod tests;
