//! RACK: a segment is lost if one sent later has arrived and enough time has passed (RFC 8985 6).

use super::delivered::Delivered;
use basis::Instant;
use core::time::Duration;
use wire::tcp::Seq;

/// So many segments that arrived behind a missing one tell that it is lost (RFC 5681 3.2; RFC 8985: DupThresh).
pub(super) const DUPLICATE_THRESHOLD: u32 = 3;
/// Round trips of recovery after which a widened window is narrow again (RFC 8985 6.2 step 4).
const PERSISTENCE: u8 = 16;
/// No window but zero is shorter. Where the clock is too coarse to tell round trips from nothing, it is all the patience there is.
const SHORTEST_WINDOW: Duration = Duration::from_millis(1);

/// The segment delivered last, by the time of its sending.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rack {
    /// RACK.xmit_ts and RACK.end_seq.
    pub(super) latest: (Instant, Seq),
    /// RACK.rtt.
    pub(super) rtt: Duration,
    /// One past the highest number delivered. RACK.fack.
    front: Seq,
}

impl Rack {
    pub(super) fn new(oldest: Seq) -> Rack {
        Rack { latest: (Instant::ZERO, oldest), rtt: Duration::ZERO, front: oldest }
    }

    /// RFC 8985 6.2 steps 2 and 3. If something arrived after what was sent behind it, returns by how many numbers it was overtaken.
    pub(super) fn update(&mut self, delivered: &Delivered, now: Instant) -> Option<u32> {
        if let Some(sent_at) = delivered.noted {
            self.rtt = now.saturating_since(sent_at);
        }
        if let Some((sent_at, end)) = delivered.latest {
            let (at, last) = self.latest;
            if at < sent_at || at == sent_at && last.before(end) {
                self.latest = (sent_at, end);
            }
        }
        let front = self.front;
        let overtaken = delivered.lowest_original.filter(|(_, end)| end.before(front));
        let reordered = overtaken.map(|(begin, _)| front.since(begin));
        if let Some(highest) = delivered.highest {
            self.front = self.front.max(highest);
        }
        reordered
    }
}

/// How patient RACK is: it outlasts a recovery.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reordering {
    /// How often the path was seen to reorder. RACK.reordering_seen.
    times: u8,
    /// How many segments the most overtaken one was overtaken by; no less than three.
    extent: u8,
    /// Quarters of the shortest round trip to wait. RACK.reo_wnd_mult.
    steps: u8,
    /// Recoveries until it is one quarter again. RACK.reo_wnd_persist.
    persistence: u8,
}

impl Reordering {
    pub(super) const fn new() -> Reordering {
        Reordering { times: 0, extent: DUPLICATE_THRESHOLD as u8, steps: 1, persistence: PERSISTENCE }
    }

    /// A segment was overtaken by `segments`.
    pub(super) fn note(&mut self, segments: u32) {
        self.times = self.times.saturating_add(1);
        self.extent = self.extent.max(u8::try_from(segments).unwrap_or(u8::MAX));
    }

    /// By how many segments one was overtaken, three or more, and how often that was seen.
    pub(super) fn extent(&self) -> (u8, u8) {
        (self.extent, self.times)
    }

    /// Something was sent again for nothing: more patience.
    pub(super) fn widen(&mut self) {
        self.steps = self.steps.saturating_add(1);
        self.persistence = PERSISTENCE;
    }

    /// A recovery has ended.
    pub(super) fn on_recovered(&mut self) {
        self.persistence = self.persistence.saturating_sub(1);
        if self.persistence == 0 {
            self.steps = 1;
        }
    }

    /// By how many milliseconds the timestamp of what is sent again is older than its sending: as much as originals may be late, and no
    /// more than the shortest round trip.
    ///
    /// `Deviates:` RFC 7323 3.2 has the clock's present value. What fills a gap sets TS.Recent, and whatever was sent before it and is
    /// still under way would be an old duplicate to the peer (5.3 R1): on a path that reorders each repair would be the next loss.
    /// What is lost was sent a round trip and this window ago, so that its own timestamp is older still.
    pub(super) fn lag(&self, shortest: Duration, smoothed: Duration) -> u16 {
        if self.times == 0 {
            return 0;
        }
        u16::try_from(self.window(shortest, smoothed, true).min(shortest).as_millis()).unwrap_or(0)
    }

    /// RACK.reo_wnd. `certain` tells that enough was delivered, or a loss is being repaired already, so that no time is to be
    /// lost on a path that does not reorder.
    ///
    /// `Deviates:` RFC 8985 6.2 step 4 has no least window. A clock whose ticks are longer than a round trip would leave none,
    /// and the first segment overtaken would count as lost.
    pub(super) fn window(&self, shortest: Duration, smoothed: Duration, certain: bool) -> Duration {
        if certain && self.times == 0 {
            return Duration::ZERO;
        }
        (shortest / 4).saturating_mul(self.steps as u32).min(smoothed).max(SHORTEST_WINDOW)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn the_window_is_a_quarter_and_grows_with_spurious_repairs_up_to_a_round_trip() {
        let mut reordering = Reordering::new();
        assert_eq!(reordering.window(40 * MS, 50 * MS, false), 10 * MS);
        assert_eq!(reordering.window(40 * MS, 50 * MS, true), Duration::ZERO);
        reordering.note(5);
        assert_eq!(reordering.extent(), (5, 1));
        reordering.widen();
        assert_eq!(reordering.window(40 * MS, 50 * MS, true), 20 * MS);
        for _ in 0..300 {
            reordering.widen();
        }
        assert_eq!(reordering.window(40 * MS, 50 * MS, true), 50 * MS);
        for _ in 0..PERSISTENCE {
            reordering.on_recovered();
        }
        assert_eq!(reordering.window(40 * MS, 50 * MS, true), 10 * MS);
    }

    #[test]
    fn timestamps_lag_on_a_path_that_reorders_by_the_window_and_no_more_than_a_round_trip() {
        let mut reordering = Reordering::new();
        assert_eq!(reordering.lag(40 * MS, 50 * MS), 0);
        reordering.note(3);
        assert_eq!(reordering.lag(40 * MS, 50 * MS), 10);
        (0..9).for_each(|_| reordering.widen());
        assert_eq!(reordering.lag(40 * MS, 50 * MS), 40);
        assert_eq!(reordering.lag(Duration::ZERO, 50 * MS), 0);
    }

    #[test]
    fn a_clock_that_stands_still_leaves_some_patience() {
        let reordering = Reordering::new();
        assert_eq!(reordering.window(Duration::ZERO, Duration::ZERO, false), MS);
    }
}
