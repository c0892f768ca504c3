//! What a sender counts of itself: segments, bytes, and how long it was busy and what held it back (RFC 4898).

use super::account::Held;
use super::sender::Sender;
use crate::spell::Spell;
use basis::Instant;
use core::hint::cold_path;
use core::time::Duration;

/// The unit of time spent, as a power of two of nanoseconds. Whole ticks since the beginning are subtracted from each other, so that
/// nothing is lost however short the parts are that a time is summed up of.
const TICK: u32 = 10;

impl Sender {
    /// The handshake took so many segments.
    pub(crate) fn count_handshake(&mut self, segments: u8) {
        self.account.segments = self.account.segments.wrapping_add(u32::from(segments));
    }

    /// The SYN carried data.
    pub(super) fn count_syn_data(&mut self) {
        self.account.data_segments = self.account.data_segments.wrapping_add(1);
    }

    /// A segment leaves; see [`Sender::count_data`] and [`Sender::count_pieces`].
    #[inline(always)]
    pub(crate) fn count_segment(&mut self) {
        self.account.segments = self.account.segments.wrapping_add(1);
    }

    /// The segment that leaves carries data, if that is `length` bytes.
    #[inline(always)]
    pub(super) fn count_data(&mut self, length: u32) {
        self.account.data_segments = self.account.data_segments.wrapping_add(u32::from(length > 0));
    }

    /// And so much that it will be cut into several.
    pub(super) fn count_pieces(&mut self, length: usize) {
        let more = length.div_ceil(usize::from(self.segment_size).max(1)) as u32 - 1;
        self.account.segments = self.account.segments.wrapping_add(more);
        self.account.data_segments = self.account.data_segments.wrapping_add(more);
    }

    /// Segments sent, and those of them with data.
    pub(super) fn segments(&self) -> (u32, u32) {
        (self.account.segments, self.account.data_segments)
    }

    /// So many bytes leave for the first time.
    #[inline(always)]
    pub(super) fn count_bytes(&mut self, count: u32) {
        if self.account.bytes.add(count) {
            cold_path();
            self.congestion.tally().turns.0 += 1;
        }
    }

    /// Payload sent, each byte once.
    pub(super) fn bytes_sent(&self) -> u64 {
        self.account.bytes.total(self.congestion.tallied().turns.0)
    }

    /// Something that waited since `waiting_since` was acknowledged.
    #[inline(always)]
    pub(super) fn count_busy(&mut self, now: Instant) {
        debug_assert!(self.waiting_since <= now);
        let tick = |at: Instant| (at.as_nanos() >> TICK) as u32;
        if self.account.busy.add(tick(now).wrapping_sub(tick(self.waiting_since))) {
            cold_path();
            self.congestion.tally().turns.1 += 1;
        }
    }

    /// How long the sender was busy, and since when it is now.
    pub(super) fn busy(&self) -> Spell {
        let ticks = self.account.busy.total(self.congestion.tallied().turns.1);
        Spell {
            lasted: Duration::from_nanos(ticks << TICK),
            since: Some(self.waiting_since).filter(|since| *since != Instant::FAR_FUTURE),
        }
    }

    /// Of `length` bytes that were to be written `count` had room.
    #[inline(always)]
    pub(super) fn note_write(&mut self, count: usize, length: usize, now: Instant) {
        if count < length || self.held != Held::FREE {
            cold_path();
            self.note_refusal(count < length, now);
        }
    }

    #[inline(never)]
    fn note_refusal(&mut self, refused: bool, now: Instant) {
        if self.held.has(Held::BUFFER) {
            self.congestion.tally().buffer.end(now);
        }
        self.held = Held(self.held.0 & Held::WINDOW.0 | if refused { Held::REFUSED.0 } else { 0 });
    }

    /// New data leaves.
    #[inline(always)]
    pub(super) fn note_released(&mut self, now: Instant) {
        if self.held.has(Held(Held::WINDOW.0 | Held::BUFFER.0)) {
            cold_path();
            self.release_hold(now);
        }
    }

    #[inline(never)]
    fn release_hold(&mut self, now: Instant) {
        let tally = self.congestion.tally();
        tally.window.end(now);
        tally.buffer.end(now);
        self.held.0 &= Held::REFUSED.0;
    }

    /// All was sent that is written.
    #[inline(always)]
    pub(super) fn note_all_sent(&mut self, now: Instant) {
        if self.held == Held::REFUSED {
            cold_path();
            self.held.0 |= Held::BUFFER.0;
            self.congestion.tally().buffer.begin(now);
        }
    }

    /// Of the `unsent` bytes none can leave now, with `outstanding` under way: perhaps because the peer's window is full.
    #[inline(never)]
    pub(super) fn note_stopped(&mut self, unsent: u32, outstanding: u32, now: Instant) {
        let segment = unsent.min(u32::from(self.segment_size));
        let (congestion, pipe) = match self.recovery.is_quiet() {
            true => (self.congestion.window(), outstanding),
            false => (self.repair_window(), self.pipe()),
        };
        let room = self.window.size.saturating_sub(outstanding);
        let full = segment > 0 && room < segment && congestion.saturating_sub(pipe) >= segment;
        match full {
            true if !self.held.has(Held::WINDOW) => {
                self.held.0 |= Held::WINDOW.0;
                self.congestion.tally().window.begin(now);
            }
            false => self.note_released(now),
            true => {}
        }
    }
}
