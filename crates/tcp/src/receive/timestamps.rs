//! The timestamps option (RFC 7323): protection against old duplicates, and round-trip times.

use basis::Instant;
use core::time::Duration;
use wire::tcp::{Header, Seq, Timestamps};

/// After so long without a segment TS.Recent says nothing any more (RFC 7323 5.5: 24 days).
const OUTDATED: u32 = 24 * 24 * 3_600;
/// Ticks by which a segment may lag behind others: too few for the sequence numbers to come round meanwhile.
const LONGEST_LAG: u32 = 1_000;

/// Both sides' timestamps on one connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimestampState {
    /// The peer's last timestamp: TS.Recent.
    recent: u32,
    /// When it came, in seconds.
    recent_at: u32,
    /// What this host's clock is shifted by on this connection (RFC 7323 5.4), in milliseconds.
    offset: u32,
    pub(crate) enabled: bool,
}

impl TimestampState {
    /// Neither side has any.
    pub(super) const NONE: TimestampState =
        TimestampState { recent: 0, recent_at: 0, offset: 0, enabled: false };

    pub(crate) fn new(enabled: bool, recent: u32, offset: u32, now: Instant) -> TimestampState {
        TimestampState { recent, recent_at: seconds(now), offset, enabled }
    }

    /// This host's clock on this connection: one tick a millisecond.
    pub(crate) fn clock(&self, now: Instant) -> u32 {
        clock(self.offset, now)
    }

    /// What a segment carries, with the time of `lag` milliseconds ago.
    #[inline]
    pub(crate) fn option(&self, now: Instant, lag: u32) -> Option<Timestamps> {
        self.enabled.then(|| Timestamps { value: self.clock(now).wrapping_sub(lag), echo: self.recent })
    }

    /// Whether the segment is an old duplicate (PAWS, RFC 7323 5.3). A RST is never one.
    ///
    /// `Deviates:` RFC 7323 3.2 drops a segment that lacks agreed timestamps. Boxes on the way that take options out would then
    /// stop the connection; other hosts take it too.
    #[inline]
    pub(crate) fn is_old(&self, timestamps: Option<Timestamps>, now: Instant) -> bool {
        match timestamps {
            Some(timestamps) if self.enabled => self.is_before_recent(timestamps, now),
            _ => false,
        }
    }

    /// Whether a segment with these timestamps is certainly no old duplicate, however long ago the last one came.
    #[inline]
    pub(super) fn is_newest(&self, timestamps: Option<Timestamps>) -> bool {
        timestamps.is_none_or(|timestamps| !is_before(timestamps.value, self.recent)) || !self.enabled
    }

    #[inline]
    fn is_before_recent(&self, timestamps: Timestamps, now: Instant) -> bool {
        is_before(timestamps.value, self.recent) && self.is_recent(now)
    }

    /// Whether TS.Recent still says something.
    #[inline(never)]
    fn is_recent(&self, now: Instant) -> bool {
        seconds(now).wrapping_sub(self.recent_at) < OUTDATED
    }

    /// Whether `value`, which is older than TS.Recent, is no older than `least` and lags behind by a little only.
    pub(super) fn lags_behind(&self, value: u32, least: u32) -> bool {
        !is_before(value, least) && self.recent.wrapping_sub(value) <= LONGEST_LAG
    }

    /// Keeps the segment's timestamp if the segment touches what was acknowledged last (RFC 7323 4.3).
    #[inline]
    pub(crate) fn update(&mut self, header: &Header, last_acknowledged: Seq, now: Instant) {
        if let Some(timestamps) = header.options.timestamps
            && self.enabled
            && header.sequence.at_or_before(last_acknowledged)
            && !self.is_before_recent(timestamps, now)
        {
            self.recent = timestamps.value;
            self.recent_at = seconds(now);
        }
    }

    /// The time since the timestamp that is echoed, in whole milliseconds (RFC 7323 4.1).
    pub(crate) fn round_trip(&self, timestamps: Option<Timestamps>, now: Instant) -> Option<Duration> {
        let echo = timestamps.filter(|_| self.enabled)?.echo;
        let elapsed = self.clock(now).wrapping_sub(echo);
        // An echo of nothing we sent lately tells nothing.
        (echo != 0 && elapsed < 120_000).then(|| Duration::from_millis(elapsed as u64))
    }

    pub(crate) fn recent(&self) -> u32 {
        self.recent
    }

    pub(crate) fn offset(&self) -> u32 {
        self.offset
    }
}

/// A clock of one tick a millisecond, shifted by `offset`.
pub(crate) fn clock(offset: u32, now: Instant) -> u32 {
    (now.as_millis() as u32).wrapping_add(offset)
}

/// Whether timestamp `a` is older than `b` (RFC 7323 5.2: modular comparison).
pub(crate) fn is_before(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}

fn seconds(now: Instant) -> u32 {
    (now.as_millis() / 1_000) as u32
}
