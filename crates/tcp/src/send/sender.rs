//! The sender of one connection: what it keeps, what it does with acknowledgments, and what it sends next.

use super::account::{Account, Held};
use super::buffer::SendBuffer;
use super::in_flight::InFlight;
use super::marks::{Marks, WriteMarks};
use super::probe::Probe;
use super::rare::Rare;
use super::recovery::{Episode, Recovery};
use super::window::SendWindow;
use crate::config::{BufferBounds, HostConfig};
use crate::congestion::{Algorithm, Congestion, Setback, SlowStartExit, Stage};
use crate::environment::Environment;
use crate::memory::Memory;
use crate::rtt::{RttEstimator, micros};
use crate::settings::Settings;
use crate::timers::Timers;
use alloc::boxed::Box;
use basis::{ChunkPool, Instant};
use bytes::Bytes;
use core::time::Duration;
use wire::tcp::Seq;

/// The sending half of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    pub(super) flight: InFlight,
    pub(super) window: SendWindow,
    pub(super) congestion: Congestion,
    pub(super) recovery: Recovery,
    pub(super) rtt: RttEstimator,
    pub(super) probe: Probe,
    pub(super) marks: Marks,
    /// Nothing for most.
    pub(super) rare: Option<Box<Rare>>,
    /// Nothing while nothing is buffered.
    pub(super) buffer: Option<Box<SendBuffer>>,
    /// Most bytes in the buffer.
    pub(super) limit: u32,
    /// What `limit` may grow to.
    most: u32,
    /// Payload of a full segment.
    pub(super) segment_size: u16,
    /// Retransmission time-outs since the peer last acknowledged something new.
    pub(super) expiries: u8,
    /// A FIN was sent: the highest number is its.
    pub(super) fin_sent: bool,
    pub(super) held: Held,
    pub(super) account: Account,
    /// When the retransmission timer expires, unless it is armed for something earlier.
    pub(super) timeout_at: Instant,
    /// When something was last sent.
    pub(super) last_sent: Instant,
    /// Since when the oldest data has been waiting for its acknowledgment.
    pub(super) waiting_since: Instant,
}

impl Sender {
    /// Nothing was sent yet; see [`Sender::begin`].
    pub(crate) const FRESH: Sender = Sender {
        flight: InFlight::new(Seq(0)),
        window: SendWindow::CLOSED,
        congestion: Congestion::FRESH,
        recovery: Recovery::FRESH,
        rtt: RttEstimator::new(),
        probe: Probe::NONE,
        marks: Marks::NONE,
        rare: None,
        buffer: None,
        limit: 0,
        most: 0,
        segment_size: 0,
        expiries: 0,
        fin_sent: false,
        held: Held::FREE,
        account: Account::NOTHING,
        timeout_at: Instant::FAR_FUTURE,
        last_sent: Instant::ZERO,
        waiting_since: Instant::FAR_FUTURE,
    };

    /// A fresh one begins. `next` is the number after the SYN; `window` that of the segment that completed the handshake; `selective`
    /// tells that both sides speak of selective acknowledgments.
    #[inline(always)]
    pub(crate) fn begin(
        &mut self,
        next: Seq,
        window: SendWindow,
        segment_size: u16,
        selective: bool,
        settings: &Settings,
        config: &HostConfig,
    ) {
        (self.flight, self.window, self.segment_size) = (InFlight::new(next), window, segment_size);
        self.congestion.begin(settings.congestion(config), segment_size as u32);
        self.congestion.set_slow_start_exit(config.slow_start_exit);
        self.congestion.begin_at(next);
        self.recovery.selective = selective;
        if self.congestion.is_modelled() {
            self.recovery.attend(true, next);
        }
        let buffer = settings.send_buffer(config);
        self.limit = buffer.initial.max(2 * self.congestion.window()).min(buffer.most);
        self.most = buffer.most;
    }

    // ---- the application ----

    /// Takes in as much of `data` as there is room for. A record ends only when all of it was taken.
    #[inline]
    pub(crate) fn write(
        &mut self,
        data: &[u8],
        marks: WriteMarks,
        environment: &mut Environment<'_>,
    ) -> usize {
        self.take_in(data.len(), marks, environment, |buffer, limit, segment_size, chunks| {
            buffer.write(data, limit, segment_size, chunks)
        })
    }

    /// [`Sender::write`] of memory that can be shared; what is taken in is taken off the front of `bytes`.
    pub(crate) fn write_bytes(
        &mut self,
        bytes: &mut Bytes,
        marks: WriteMarks,
        environment: &mut Environment<'_>,
    ) -> usize {
        self.take_in(bytes.len(), marks, environment, |buffer, limit, segment_size, chunks| {
            buffer.write_bytes(bytes, limit, segment_size, chunks)
        })
    }

    /// Lets `write` lay as many of `length` bytes into the buffer as there is room for.
    #[inline(always)]
    fn take_in(
        &mut self,
        length: usize,
        marks: WriteMarks,
        environment: &mut Environment<'_>,
        write: impl FnOnce(&mut SendBuffer, usize, usize, &mut ChunkPool) -> usize,
    ) -> usize {
        if length == 0 {
            return 0;
        }
        if environment.memory.is_short() {
            self.limit = self.limit.min(environment.memory.allowance());
        }
        if self.recovery.attentive {
            self.note_starved();
        }
        let buffer = match &mut self.buffer {
            Some(buffer) => buffer,
            vacant => vacant.insert(environment.memory.take_send()),
        };
        let used = buffer.used();
        let limit = self.limit as usize;
        let count = write(buffer, limit, self.segment_size as usize, &mut environment.memory.chunks);
        let now = buffer.used();
        environment.memory.recharge(used, now);
        let length_now = buffer.len() as u32;
        self.marks.on_write(marks.more);
        self.note_write(count, length, environment.now);
        if marks.end_of_record || self.rare.is_some() {
            let ends = marks.end_of_record && count == length;
            self.note_record(ends, self.flight.oldest + length_now);
        }
        count
    }

    /// How many of the `length` bytes from `from` on belong to one record, and whether it ends with them.
    #[inline]
    pub(super) fn record(&self, from: Seq, length: u32) -> (u32, bool) {
        match &self.rare {
            None => (length, false),
            Some(rare) => rare.records.within(from, length),
        }
    }

    /// Bytes up to `end` were written, and perhaps a record ends there.
    #[cold]
    #[inline(never)]
    pub(super) fn note_record(&mut self, ends: bool, end: Seq) {
        let rare = self.rare.get_or_insert_default();
        rare.records.note(ends, self.flight.oldest, end);
        self.rare.take_if(|rare| Rare::is_empty(rare));
    }

    /// The peer was heard: what was held back for more need not wait any longer.
    #[inline]
    pub(crate) fn on_heard(&mut self) {
        self.marks.on_acknowledgment();
    }

    /// The application wants what is held back to leave.
    pub(crate) fn release(&mut self) {
        self.marks.release();
    }

    /// The congestion window has grown: so much again should be ready when it is acknowledged. Also lets what had to shrink
    /// while memory was short grow again.
    #[inline]
    pub(super) fn tune(&mut self, memory: &Memory) {
        let wanted = self.congestion.window().saturating_mul(2).min(self.most);
        if wanted > self.limit && !memory.is_short() {
            self.limit = wanted;
        }
    }

    /// Bytes that a write would take now.
    #[inline]
    pub(crate) fn room(&self) -> usize {
        (self.limit as usize).saturating_sub(self.queued())
    }

    /// Bytes written and not yet acknowledged.
    #[inline]
    pub(crate) fn queued(&self) -> usize {
        self.buffer.as_ref().map_or(0, |buffer| buffer.len())
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit as usize
    }

    /// The application chooses: a fixed size, or other bounds.
    pub(crate) fn set_bounds(&mut self, bounds: BufferBounds) {
        self.limit = if bounds.initial == bounds.most { bounds.most } else { self.limit.min(bounds.most) };
        self.most = bounds.most;
    }

    pub(crate) fn select_congestion(&mut self, algorithm: Algorithm, exit: SlowStartExit) {
        self.congestion.select(algorithm);
        self.congestion.set_slow_start_exit(exit);
        self.attend();
    }

    /// Bytes under way.
    #[inline]
    pub(crate) fn under_way(&self) -> u32 {
        self.flight.outstanding()
    }

    /// An acknowledgment told of a congestion mark; `under_way` bytes were before it.
    #[cold]
    pub(crate) fn on_congestion_echo(&mut self, under_way: u32, environment: &mut Environment<'_>) {
        self.congestion.note_marked(under_way.saturating_sub(self.flight.outstanding()));
        // A loss in the same window has been answered already (RFC 3168 6.1.2).
        if self.recovery.is_busy() {
            return;
        }
        let setback = Setback {
            in_flight: under_way.min(self.congestion.window()),
            segment_size: self.segment_size as u32,
        };
        let slower = self.congestion.on_congestion_echo(
            self.flight.oldest,
            self.flight.next,
            setback,
            environment.now,
        );
        environment.counters.congestion_echoes += slower as u64;
    }

    /// Whether the window has been reduced since this was last asked: the peer is told (CWR).
    pub(crate) fn take_slowed_down(&mut self) -> bool {
        self.congestion.take_slowed_down()
    }

    // ---- path and reports ----

    /// The path takes less than thought: smaller segments, and what is under way goes again (RFC 1191 6.4).
    pub(super) fn shrink_segments(&mut self, segment_size: u16) {
        if segment_size < self.segment_size {
            self.segment_size = segment_size;
            self.resend();
        }
    }

    /// Something is unusual from now on.
    pub(super) fn watch(&mut self) {
        let oldest = self.flight.oldest;
        self.recovery.episode.get_or_insert_with(|| Episode::new(oldest));
    }

    /// Bytes of payload of a full segment.
    pub(crate) fn segment_size(&self) -> u16 {
        self.segment_size
    }

    /// All that is under way goes again, and the path is not to blame.
    fn resend(&mut self) {
        let (oldest, next) = (self.flight.oldest, self.flight.next);
        self.track_lone_fin();
        if let Some(buffer) = self.buffer.as_mut().filter(|_| oldest != next) {
            let mut episode = self.recovery.episode.take().unwrap_or_else(|| Episode::new(oldest));
            episode.resend(next);
            self.recovery.episode = Some(episode);
            buffer.board.lose_sent_until(oldest, Instant::FAR_FUTURE);
        }
    }

    /// Takes over what left with the SYN (RFC 7413): of it `taken` bytes are acknowledged already, and `rest` goes again.
    #[cold]
    pub(crate) fn take_over(
        &mut self,
        taken: u32,
        rest: &[u8],
        timers: &mut Timers,
        environment: &mut Environment<'_>,
    ) {
        self.count_syn_data();
        self.count_bytes(taken);
        if rest.is_empty() {
            return;
        }
        // It was taken in before there was a limit.
        self.limit = self.limit.max(rest.len() as u32);
        // What follows does not join it: it was pushed once.
        let marks = WriteMarks { end_of_record: true, ..WriteMarks::default() };
        let count = self.write(rest, marks, environment) as u32;
        let (now, from) = (environment.now, self.flight.next);
        self.push(from, from + count, true);
        self.flight.sent(count, now);
        self.flight.forget_timing();
        if let Some(buffer) = &mut self.buffer {
            buffer.board.sent(self.flight.next, false, now);
        }
        self.count_bytes(count);
        (self.last_sent, self.waiting_since) = (now, now);
        self.begin_timeout(timers, now);
        self.resend();
    }

    /// SND.UNA, the number to be sent next, and one past the highest number ever sent: SND.NXT.
    pub(crate) fn numbers(&self) -> (Seq, Seq, Seq) {
        (self.flight.oldest, self.first_lost().unwrap_or(self.flight.next), self.flight.next)
    }

    /// The state of a congestion control that has a model.
    pub(crate) fn stage(&self) -> Option<Stage> {
        self.congestion.stage()
    }

    /// Whether slow start goes on by a quarter only (HyStart++).
    pub(crate) fn is_conservative(&self) -> bool {
        self.congestion.is_conservative()
    }

    /// SND.NXT.
    #[inline]
    pub(crate) fn next_sequence(&self) -> Seq {
        self.flight.next
    }

    /// The number of a segment without data: never beyond the peer's window, where it would not be looked at. The window may
    /// have shrunk below what was sent.
    #[inline]
    pub(crate) fn bare_sequence(&self) -> Seq {
        self.flight.next.min(self.flight.oldest + self.window.size)
    }

    /// Whether `sequence` is among the numbers sent and not acknowledged.
    pub(crate) fn is_in_flight(&self, sequence: Seq) -> bool {
        sequence.within(self.flight.oldest, self.flight.outstanding())
    }

    /// Whether as much as a full segment has arrived, and nothing has timed out since.
    pub(crate) fn is_getting_through(&self) -> bool {
        let arrived = self.bytes_sent().saturating_sub(u64::from(self.flight.outstanding()));
        arrived >= u64::from(self.segment_size) && self.expiries == 0
    }

    pub(crate) fn sample_rtt(&mut self, rtt: Duration, now: Instant) {
        self.rtt.sample(micros(rtt), now);
    }

    /// The SYN was `repeated` so often by its timer, or its round trip is not known for another reason.
    pub(crate) fn on_lost_syn(&mut self, repeated: u8) {
        self.rtt.on_lost_syn();
        if repeated > 1 {
            self.congestion.on_lost_syns(self.segment_size as u32);
        }
    }

    /// Gives the buffer back: nothing more will be sent.
    pub(crate) fn discard(&mut self, environment: &mut Environment<'_>) {
        if let Some(buffer) = self.buffer.take() {
            environment.memory.give_send(buffer);
        }
    }
}
