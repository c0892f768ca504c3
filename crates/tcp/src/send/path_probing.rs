//! What a sender does to find out what its path carries: see [`super::path_mtu`].

use super::path_mtu::{FOLLOWERS, LEAST_PAUSE, NextProbe, PathSearch, RAISE_AFTER, SegmentSizes};
use super::rare::Rare;
use super::sender::Sender;
use crate::environment::Environment;
use basis::Instant;
use core::time::Duration;
use wire::tcp::Seq;

impl Sender {
    /// Begins with segments that every path should carry, and searches upwards from there.
    pub(crate) fn begin_search(&mut self, sizes: SegmentSizes, now: Instant) {
        let high = self.segment_size;
        self.segment_size = high.min(sizes.base);
        if self.segment_size < high {
            self.rare.get_or_insert_default().search = Some(PathSearch::new(sizes, high, now));
        }
    }

    /// A router has said that segments of more than `size` bytes are too long for the path. With `sizes`, longer ones are tried again
    /// when that is long ago.
    pub(crate) fn on_too_big(&mut self, size: u16, sizes: Option<SegmentSizes>, now: Instant) {
        if size >= self.segment_size {
            return;
        }
        self.shrink_segments(size);
        if let Some(sizes) = sizes {
            self.rare.get_or_insert_default().search = Some(PathSearch::new(sizes, size, now + RAISE_AFTER));
        }
    }

    /// The oldest segment was lost again and again. If a shorter one might arrive, the path swallows long ones: a black hole
    /// (RFC 2923 2.1, RFC 4821 7.7).
    pub(crate) fn on_stuck(&mut self, sizes: SegmentSizes, environment: &mut Environment<'_>) {
        let high = self.segment_size;
        let size = if high > sizes.base { sizes.base } else { (high / 2).max(sizes.floor) };
        let (lost, _) = self.record(self.flight.oldest, (self.queued() as u32).min(u32::from(high)));
        if size >= high || lost <= u32::from(size) {
            return;
        }
        self.shrink_segments(size);
        self.rare.get_or_insert_default().search = Some(PathSearch::new(sizes, high, environment.now));
        environment.counters.black_holes += 1;
    }

    /// Whether `sequence` is that of a probe under way.
    pub(crate) fn is_path_probe(&self, sequence: Seq) -> bool {
        self.search().and_then(|search| search.probe).is_some_and(|(left, _)| left == sequence)
    }

    /// A router has said that the probe under way is too long, and that `size` bytes are not. If these are no fewer than the probe's,
    /// it says nothing (RFC 8899 4.6.2).
    pub(crate) fn on_probe_too_big(&mut self, size: u16, now: Instant) {
        let low = self.segment_size;
        let (oldest, pause) = (self.flight.oldest, self.pause_of_search());
        let Some(search) = self.search_mut() else { return };
        let contradicted = |(left, right): &mut (Seq, Seq)| u32::from(size) < right.since(*left);
        let Some((left, right)) = search.probe.take_if(contradicted) else { return };
        (search.high, search.failures) = (size.max(low), 0);
        search.rest(low, pause, now);
        search.excused = Some((left, right));
        if let Some(buffer) = &mut self.buffer {
            buffer.board.lose(oldest, left.max(oldest), right);
        }
        self.watch();
    }

    /// Whether longer segments are searched for.
    pub(crate) fn is_searching(&self) -> bool {
        self.search().is_some()
    }

    fn search(&self) -> Option<&PathSearch> {
        self.rare.as_ref()?.search.as_ref()
    }

    fn search_mut(&mut self) -> Option<&mut PathSearch> {
        self.rare.as_mut()?.search.as_mut()
    }

    /// Losses of probes are no signs of congestion, so they must be rarer than those that are: a fifth of the time between two
    /// losses of a connection that has the path for itself (RFC 4821 7.6.2).
    fn pause_of_search(&self) -> Duration {
        let segments = self.congestion.window() / u32::from(self.segment_size).max(1);
        (self.rtt.smoothed() * (segments / 10)).max(LEAST_PAUSE)
    }

    /// Whether a probe is to be sent now, with `unsent` bytes to send and `outstanding` under way (RFC 4821 7.4, 7.5).
    #[cold]
    #[inline(never)]
    pub(super) fn next_path_probe(&mut self, unsent: u32, outstanding: u32, now: Instant) -> NextProbe {
        let low = self.segment_size;
        let (next, window, congestion) = (self.flight.next, self.window.size, self.congestion.window());
        let quiet = self.recovery.is_quiet();
        let Some(search) = self.search_mut() else {
            return NextProbe::None;
        };
        if !quiet || search.probe.is_some() || now < search.due {
            return NextProbe::None;
        }
        if search.candidate(low).is_none() {
            search.high = search.sizes.most;
        }
        let Some(size) = search.candidate(low) else {
            self.end_search();
            return NextProbe::None;
        };
        let needed = u32::from(size) + FOLLOWERS * u32::from(low);
        let fits = unsent >= needed && window.saturating_sub(outstanding) >= needed && congestion >= needed;
        if !fits || self.record(next, u32::from(size)).0 < u32::from(size) {
            return NextProbe::None;
        }
        if congestion.saturating_sub(outstanding) >= u32::from(size) {
            NextProbe::Send(size)
        } else {
            NextProbe::Wait
        }
    }

    /// The numbers from `left` to `right` are a probe.
    pub(super) fn note_path_probe(&mut self, left: Seq, right: Seq, environment: &mut Environment<'_>) {
        if let Some(search) = self.search_mut() {
            (search.probe, search.excused) = (Some((left, right)), None);
            environment.counters.path_probes += 1;
        }
    }

    /// All before `upto` has arrived.
    #[cold]
    #[inline(never)]
    pub(super) fn judge_path_probe(&mut self, upto: Seq, environment: &mut Environment<'_>) {
        let Some(search) = self.search_mut() else { return };
        search.excused.take_if(|(_, right)| upto.at_or_after(*right));
        if let Some((left, right)) = search.probe.take_if(|(_, right)| upto.at_or_after(*right)) {
            let size = right.since(left) as u16;
            search.failures = 0;
            search.rest(size, Duration::ZERO, environment.now);
            let over = size >= search.sizes.most;
            self.segment_size = size;
            environment.counters.path_probes_arrived += 1;
            if over {
                self.end_search();
            }
        }
    }

    fn end_search(&mut self) {
        if let Some(rare) = &mut self.rare {
            rare.search = None;
        }
        self.rare.take_if(|rare| Rare::is_empty(rare));
    }

    /// Whether a probe, or one that was lost before, is all that is taken for lost: `lost` numbers. Then the path is not wide
    /// enough, and that says nothing of congestion (RFC 4821 7.6.2).
    #[cold]
    #[inline(never)]
    pub(super) fn excuse_probe(&mut self, lost: u32, environment: &mut Environment<'_>) -> bool {
        let (low, pause, oldest) = (self.segment_size, self.pause_of_search(), self.flight.oldest);
        let first_lost = self.buffer.as_ref().and_then(|buffer| buffer.board.first_lost(oldest));
        let (Some(search), Some((first, run))) = (self.search_mut(), first_lost) else { return false };
        let Some((left, right)) = search.probe.or(search.excused) else { return false };
        let alone = run == lost && first.at_or_after(left) && (first + run).at_or_before(right);
        if alone && search.probe.take().is_some() {
            search.excused = Some((left, right));
            search.on_lost(right.since(left) as u16, low, pause, environment.now);
            environment.counters.path_probes_lost += 1;
        }
        alone
    }

    /// Duplicate acknowledgments tell that the probe is lost, which is the oldest segment.
    #[cold]
    pub(super) fn lose_oldest_probe(&mut self, environment: &mut Environment<'_>) {
        let oldest = self.flight.oldest;
        let right = self.search().and_then(|search| search.probe).map_or(oldest, |(_, right)| right);
        if let Some(buffer) = &mut self.buffer {
            buffer.board.lose(oldest, oldest, right);
        }
        self.excuse_probe(self.lost(), environment);
    }

    /// A time-out: the oldest segment is lost. If that is a probe, it may be too long (RFC 4821 7.6.3).
    #[cold]
    pub(super) fn on_path_probe_expired(&mut self, environment: &mut Environment<'_>) {
        let (low, pause, oldest) = (self.segment_size, self.pause_of_search(), self.flight.oldest);
        let Some(search) = self.search_mut() else { return };
        search.excused = None;
        if let Some((left, right)) = search.probe.take_if(|(left, _)| *left == oldest) {
            search.on_lost(right.since(left) as u16, low, pause, environment.now);
            environment.counters.path_probes_lost += 1;
        }
    }

    /// The numbers from `left` to `right` were sent again. What becomes of them says nothing of a probe any more (RFC 4821 7.6.4).
    #[cold]
    pub(super) fn on_path_probe_repeated(&mut self, left: Seq, right: Seq, now: Instant) {
        let (low, pause) = (self.segment_size, self.pause_of_search());
        let Some(search) = self.search_mut() else { return };
        let touched = |(from, to): &mut (Seq, Seq)| left.before(*to) && right.after(*from);
        if search.probe.take_if(touched).is_some() {
            search.rest(low, pause, now);
        }
        if let Some((from, to)) = search.excused.take_if(touched)
            && right.before(to)
        {
            search.excused = Some((right.max(from), to));
        }
    }
}
