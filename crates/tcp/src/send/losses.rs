//! What an acknowledgment tells of losses. Everything here is rare, and out of the way of what is not.

use super::acknowledgment::Growth;
use super::delivered::Delivered;
use super::rack::DUPLICATE_THRESHOLD;
use super::rate::Rate;
use super::recovery::{Alarm, Episode, Phase, TailProbe};
use super::sender::Sender;
use crate::congestion::Setback;
use crate::environment::Environment;
use crate::timers::{Timer, Timers};
use alloc::boxed::Box;
use basis::Instant;
use core::time::Duration;
use wire::tcp::{Header, SackBlock, Seq};

/// What an acknowledgment says beside what it delivers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    pub(super) progress: bool,
    pub(super) duplicate: bool,
    /// What arrived twice (RFC 2883).
    pub(super) twice: Option<SackBlock>,
    /// That is the tail loss probe.
    pub(super) probe_twice: bool,
}

impl Sender {
    /// An acknowledgment while something is unusual, or the one that makes it so.
    #[cold]
    #[inline(never)]
    pub(super) fn on_unusual(
        &mut self,
        header: &Header,
        duplicate: bool,
        echoed: Option<Duration>,
        timers: &mut Timers,
        environment: &mut Environment<'_>,
    ) {
        let (now, oldest) = (environment.now, self.flight.oldest);
        self.track_lone_fin();
        if self.recovery.attentive {
            self.note_starved();
        }
        let mut episode = self.recovery.episode.take().unwrap_or_else(|| Episode::new(oldest));
        let mut delivered = Delivered::new(now, echoed, episode.lag, self.rtt.shortest());
        let twice = self.take_blocks(header, &mut delivered);
        let acknowledgment = header.acknowledgment;
        let progress = acknowledgment.after(oldest);
        let before = self.flight.outstanding();
        if let Some(block) = twice {
            let segments = block.right.since(block.left).div_ceil(u32::from(self.segment_size).max(1));
            let tally = self.congestion.tally();
            tally.twice = tally.twice.saturating_add(segments);
        }
        let mut round_trip = None;
        if progress && self.expiries > 0 {
            self.congestion.tally().on_progress(now);
        }
        if progress {
            // A timestamp that was older than its sending tells no round trip.
            let echoed = || echoed.filter(|_| episode.lag == 0);
            round_trip = self.advance(acknowledgment, Some(&mut delivered), echoed, environment);
        } else if let Some(rtt) = delivered.round_trip() {
            self.rtt.sample(rtt, now);
        }
        let probe_twice = matches!(episode.probe, TailProbe::Sent { end, repeated: true }
            if twice.is_some_and(|block| block.right == end));
        let told = Told { progress, duplicate, twice, probe_twice };
        let arrived = self.arrived(&episode, &delivered, told, before);
        self.judge_probe(&mut episode, acknowledgment, told, environment);
        self.look_for_spurious(&mut episode, &delivered, told, environment);
        let restart = progress && self.on_progress_of_repair(&mut episode, arrived, before, round_trip, now);
        let mut overtaken = None;
        if self.recovery.selective {
            overtaken = self.on_selective(&mut episode, &delivered, told, environment);
            if !progress {
                self.grow_by_selections(&episode, &delivered, before, now);
            }
        } else if duplicate {
            self.on_duplicate(&mut episode, environment);
        }
        if progress {
            self.tune(environment.memory);
        }
        if restart {
            self.timeout_at = self.rtt.timeout_after(now);
        }
        self.close(episode, progress, overtaken, timers, now);
        self.take_sample(&delivered, arrived, now);
    }

    /// Marks what the peer reports selectively (RFC 2018 4). Returns what it reports as having arrived twice (RFC 2883 4).
    fn take_blocks(&mut self, header: &Header, delivered: &mut Delivered) -> Option<SackBlock> {
        if !self.recovery.selective {
            return None;
        }
        let (oldest, next) = (self.flight.oldest, self.flight.next);
        let blocks = &header.options.sack;
        let twice = blocks.first().copied().filter(|block| {
            // Below what is acknowledged, or inside what the next block reports.
            let below = block.right.at_or_before(header.acknowledgment);
            let inside = blocks.get(1).is_some_and(|other| {
                other.left.at_or_before(block.left) && block.right.at_or_before(other.right)
            });
            let sent = block.right.at_or_before(next) && block.left.at_or_after(oldest - self.window.largest);
            (below || inside) && sent && block.left.before(block.right)
        });
        // While longer segments try the path, nobody knows where each began.
        let segment_size = if self.rare.is_some() { 0 } else { u32::from(self.segment_size) };
        if let Some(buffer) = &mut self.buffer {
            for block in blocks.iter().skip(twice.is_some() as usize) {
                // What was never sent cannot have arrived. A block lies above its own acknowledgment, though SND.UNA may be further.
                let sound = block.left.after(header.acknowledgment) && block.left.before(block.right);
                let sound = sound && block.right.at_or_before(next) && block.right.after(oldest);
                if sound && !buffer.board.is_part(oldest, block.left, block.right, segment_size) {
                    buffer.board.select(oldest, block.left, block.right, delivered);
                }
            }
        }
        twice
    }

    /// Bytes that are told to have arrived for the first time, of `before` under way. Each counts once (RFC 3465 2.1): duplicate
    /// acknowledgments have told of some.
    fn arrived(&self, episode: &Episode, delivered: &Delivered, told: Told, before: u32) -> u32 {
        let segment_size = self.segment_size as u32;
        let count = before.saturating_sub(self.flight.outstanding());
        match (self.recovery.selective, told.progress) {
            (true, _) => delivered.bytes,
            (false, true) => {
                count.saturating_sub(episode.classic.duplicates * segment_size).max(count.min(segment_size))
            }
            (false, false) => segment_size * u32::from(told.duplicate),
        }
    }

    /// New data was acknowledged, of `before` bytes under way. Returns whether the time-out begins anew.
    fn on_progress_of_repair(
        &mut self,
        episode: &mut Episode,
        arrived: u32,
        before: u32,
        round_trip: Option<u32>,
        now: Instant,
    ) -> bool {
        let count = before.saturating_sub(self.flight.outstanding());
        let segment_size = self.segment_size as u32;
        let (oldest, selective) = (self.flight.oldest, self.recovery.selective);
        (episode.forced, episode.repeats) = (false, 0);
        episode.selections = episode.selections.min(self.selected().div_ceil(segment_size.max(1)));
        episode.classic.duplicates = 0;
        episode.classic.last_progress = count;
        let over = match episode.phase {
            Phase::Watch => false,
            // RFC 6582 4: duplicates of what a time-out sent again may still come.
            Phase::Resend if !selective => oldest.after(episode.point),
            Phase::Resend | Phase::Repair => oldest.at_or_after(episode.point),
        };
        let mut restart = true;
        match episode.phase {
            Phase::Repair if over => {
                // RFC 6582 3.2 step 3 fears a burst; proportional rate reduction leaves none (RFC 9937 6).
                let pipe = self.pipe();
                let threshold = self.congestion.slow_start_threshold();
                self.congestion
                    .on_recovered(if selective { pipe.max(threshold) } else { pipe }, segment_size);
                self.recovery.reordering.on_recovered();
            }
            Phase::Repair if !selective => restart = self.on_partial(episode, count),
            Phase::Repair => {}
            Phase::Resend | Phase::Watch => {
                let limited = self.is_window_limited(before) || self.lost() > 0;
                self.grow(Growth { bytes: arrived, limited, before, round_trip }, now);
            }
        }
        if over {
            self.congestion.on_repaired();
            episode.settle();
            if let Some(undo) = &mut episode.undo {
                undo.on_recovered(self.flight.next);
            }
        }
        restart
    }

    /// On a path that reorders much, most bytes are told to have arrived before those below them: they count then, for they will
    /// not be counted again, and nothing is held to be lost.
    fn grow_by_selections(&mut self, episode: &Episode, delivered: &Delivered, before: u32, now: Instant) {
        let reorders = u32::from(self.recovery.reordering.extent().0) > DUPLICATE_THRESHOLD;
        if reorders && delivered.bytes > 0 && episode.phase == Phase::Watch && self.lost() == 0 {
            let limited = self.is_window_limited(before);
            self.grow(Growth { bytes: delivered.bytes, limited, before, round_trip: None }, now);
        }
    }

    /// What selective acknowledgments tell: what is lost, and how much may be sent meanwhile. Returns when RACK wants to look again.
    fn on_selective(
        &mut self,
        episode: &mut Episode,
        delivered: &Delivered,
        told: Told,
        environment: &mut Environment<'_>,
    ) -> Option<Instant> {
        let segment_size = self.segment_size as u32;
        episode.selections += delivered.selected.div_ceil(segment_size.max(1));
        if let Some(numbers) = episode.rack.update(delivered, environment.now) {
            self.recovery.reordering.note(numbers.div_ceil(segment_size.max(1)));
        }
        let before = self.lost();
        let overtaken = self.lose_overtaken(episode, environment.now);
        let lost = self.lost();
        if episode.phase == Phase::Watch
            && lost > 0
            && !(self.rare.is_some() && self.excuse_probe(lost, environment))
        {
            self.begin_repair(episode, delivered.bytes, environment);
        }
        if episode.phase == Phase::Repair {
            let (threshold, pipe) = (self.congestion.slow_start_threshold(), self.pipe());
            let safe = told.progress && lost <= before;
            episode.rate.on_acknowledged(delivered.bytes, pipe, threshold, segment_size, safe);
        }
        overtaken
    }

    /// Takes for lost what RACK says is (RFC 8985 6.2 steps 4 and 5). Returns when the rest of what was overtaken will be.
    fn lose_overtaken(&mut self, episode: &Episode, now: Instant) -> Option<Instant> {
        let patience = self.patience(episode);
        let (oldest, latest) = (self.flight.oldest, episode.rack.latest);
        self.buffer.as_mut()?.board.lose_overtaken(oldest, latest, patience, now)
    }

    /// How long a segment is under way, at most, unless it is lost.
    pub(super) fn patience(&self, episode: &Episode) -> Duration {
        let certain = episode.phase != Phase::Watch || episode.selections >= DUPLICATE_THRESHOLD;
        let window = self.recovery.reordering.window(self.rtt.shortest(), self.rtt.smoothed(), certain);
        episode.rack.rtt + window
    }

    /// Fast recovery begins (RFC 6675 5, RFC 9937 6). `delivered` is what the acknowledgment that tells it has delivered.
    fn begin_repair(&mut self, episode: &mut Episode, delivered: u32, environment: &mut Environment<'_>) {
        let outstanding = self.flight.outstanding();
        episode.begin(Phase::Repair, self.flight.oldest, self.flight.next);
        episode.rate = Rate::new((outstanding - self.selected()).saturating_add(delivered));
        let in_flight = outstanding.min(self.congestion.window());
        let segment_size = self.segment_size as u32;
        self.congestion.on_congestion_event(Setback { in_flight, segment_size });
        environment.counters.fast_retransmits += 1;
        environment.counters.rack_recoveries += 1;
    }

    /// The reordering timer expired: what was overtaken is lost by now.
    pub(super) fn on_overtaken_expired(&mut self, timers: &mut Timers, environment: &mut Environment<'_>) {
        let oldest = self.flight.oldest;
        let mut episode = self.recovery.episode.take().unwrap_or_else(|| Episode::new(oldest));
        let delivered = Delivered::new(environment.now, None, episode.lag, self.rtt.shortest());
        let told = Told { progress: false, duplicate: false, twice: None, probe_twice: false };
        let overtaken = self.on_selective(&mut episode, &delivered, told, environment);
        self.close(episode, false, overtaken, timers, environment.now);
        self.note_losses(environment.now);
    }

    /// Arms the timer after all has been looked at, and forgets the episode if it is over. `overtaken` is when RACK wants to look
    /// again.
    fn close(
        &mut self,
        mut episode: Box<Episode>,
        progress: bool,
        overtaken: Option<Instant>,
        timers: &mut Timers,
        now: Instant,
    ) {
        let marked = self.selected() > 0 || self.lost() > 0;
        let usual = episode.phase == Phase::Watch && !marked && episode.probe == TailProbe::None;
        // Who has to look again must remember what at.
        if !episode.is_over(self.flight.oldest, marked) || overtaken.is_some() {
            self.recovery.episode = Some(episode);
        } else if self.recovery.attentive {
            *episode = Episode::beginning(self.flight.oldest);
            self.recovery.episode = Some(episode);
        }
        if self.flight.outstanding() == 0 {
            self.stop_timeout(timers);
        } else if let Some(at) = overtaken.filter(|at| *at < self.timeout_at) {
            self.recovery.alarm = Alarm::Overtaken;
            timers.arm(Timer::Retransmit, at);
        } else if usual && self.recovery.selective {
            if progress || self.recovery.alarm != Alarm::TailProbe {
                self.schedule_probe(false, timers, now);
            }
        } else {
            self.recovery.alarm = Alarm::Timeout;
            timers.arm(Timer::Retransmit, self.timeout_at);
        }
    }

    // ---- the scoreboard ----

    /// Numbers that the peer has reported selectively.
    pub(super) fn selected(&self) -> u32 {
        self.buffer.as_ref().map_or(0, |buffer| buffer.board.selected())
    }

    /// Numbers that are to be sent again.
    pub(super) fn lost(&self) -> u32 {
        self.buffer.as_ref().map_or(0, |buffer| buffer.board.lost())
    }

    /// The first of them.
    pub(super) fn first_lost(&self) -> Option<Seq> {
        Some(self.buffer.as_ref()?.board.first_lost(self.flight.oldest)?.0)
    }

    /// Numbers that are believed to be in the network. RFC 6675: pipe.
    pub(super) fn pipe(&self) -> u32 {
        self.flight.outstanding().saturating_sub(self.selected() + self.lost())
    }
}
