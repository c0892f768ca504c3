//! The sender of one connection: what it keeps, what it does with acknowledgments, and what it sends next.

use super::buffer::SendBuffer;
use super::in_flight::InFlight;
use super::probe::Probe;
use super::recovery::{Progress, Recovery};
use super::segmenter::{Decision, Situation, decide};
use super::window::SendWindow;
use crate::config::Settings;
use crate::congestion::{Acknowledged, Congestion};
use crate::environment::Environment;
use crate::rtt::RttEstimator;
use crate::timers::{Timer, Timers};
use alloc::boxed::Box;
use basis::{Frame, Instant};
use core::time::Duration;
use wire::tcp::{Flags, Header, Seq};

/// The sending half of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    flight: InFlight,
    window: SendWindow,
    congestion: Congestion,
    recovery: Recovery,
    rtt: RttEstimator,
    probe: Probe,
    /// Nothing while nothing is buffered.
    buffer: Option<Box<SendBuffer>>,
    /// Most bytes in the buffer.
    limit: u32,
    /// Payload of a full segment.
    segment_size: u16,
    /// Retransmission time-outs since the peer last acknowledged something new.
    expiries: u8,
    /// The last call was held back by the congestion window.
    congestion_limited: bool,
    /// A FIN was sent: the highest number is its.
    fin_sent: bool,
    retransmissions: u32,
    bytes_sent: u64,
    /// When something was last sent.
    last_sent: Instant,
    /// Since when the oldest data has been waiting for its acknowledgment.
    waiting_since: Instant,
}

/// A segment's place and flags; its payload is in the frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outbound {
    pub(crate) sequence: Seq,
    pub(crate) flags: Flags,
}

/// What an acknowledgment did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Acknowledgment {
    /// Nothing new.
    Nothing,
    /// New data.
    Progress,
    /// It acknowledges numbers that were never sent.
    Unsent,
    /// It is older than any segment of the last window (RFC 5961 5.2).
    TooOld,
}

/// What a time-out led to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Expiry {
    /// Something is due to be sent.
    Retry,
    /// The peer has been silent for too long.
    GiveUp,
}

impl Sender {
    /// `next` is the number after the SYN; `header` the segment that completed the handshake.
    pub(crate) fn new(
        next: Seq,
        header: &Header,
        shift: u8,
        segment_size: u16,
        settings: &Settings,
    ) -> Sender {
        Sender {
            flight: InFlight::new(next),
            window: SendWindow::new(header, shift),
            congestion: Congestion::new(settings.congestion, segment_size as u32),
            recovery: Recovery::new(next - 1),
            rtt: RttEstimator::new(),
            probe: Probe::default(),
            buffer: None,
            limit: settings.send_buffer,
            segment_size,
            expiries: 0,
            congestion_limited: false,
            fin_sent: false,
            retransmissions: 0,
            bytes_sent: 0,
            last_sent: Instant::ZERO,
            waiting_since: Instant::FAR_FUTURE,
        }
    }

    // ---- the application ----

    /// Takes in as much of `data` as there is room for.
    pub(crate) fn write(&mut self, data: &[u8], environment: &mut Environment<'_>) -> usize {
        if data.is_empty() {
            return 0;
        }
        let buffer = self.buffer.get_or_insert_with(|| environment.memory.take_send());
        buffer.write(data, self.limit as usize, self.segment_size as usize, &mut environment.memory.chunks)
    }

    /// Bytes that a write would take now.
    pub(crate) fn room(&self) -> usize {
        (self.limit as usize).saturating_sub(self.queued())
    }

    /// Bytes written and not yet acknowledged.
    pub(crate) fn queued(&self) -> usize {
        self.buffer.as_ref().map_or(0, |buffer| buffer.len())
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit as usize
    }

    pub(crate) fn set_limit(&mut self, limit: u32) {
        self.limit = limit;
    }

    // ---- acknowledgments ----

    /// Takes in the acknowledgment and window of a segment (RFC 9293 3.10.7.4, fifth step).
    /// `echoed` is the round-trip time that a timestamp tells, if one does.
    pub(crate) fn on_acknowledgment(
        &mut self,
        header: &Header,
        carries_data: bool,
        echoed: Option<Duration>,
        timers: &mut Timers,
        environment: &mut Environment<'_>,
    ) -> Acknowledgment {
        let acknowledgment = header.acknowledgment;
        if acknowledgment.after(self.flight.highest) {
            return Acknowledgment::Unsent;
        }
        if acknowledgment.before(self.flight.oldest - self.window.largest) {
            return Acknowledgment::TooOld;
        }
        self.probe.answered();
        if acknowledgment.before(self.flight.oldest) {
            return Acknowledgment::Nothing;
        }
        let old_size = self.window.size;
        self.window.update(header);
        if self.window.size > old_size && timers.is_armed(Timer::Probe) {
            timers.stop(Timer::Probe);
            self.probe.reset();
        }
        if acknowledgment == self.flight.oldest {
            // RFC 5681 2; a selective acknowledgment is a duplicate whatever its window (RFC 6675 2).
            let same_window = self.window.size == old_size || !header.options.sack.is_empty();
            if !carries_data && same_window && self.flight.outstanding() > 0 {
                self.on_duplicate(environment);
            }
            return Acknowledgment::Nothing;
        }
        self.on_progress(acknowledgment, echoed, timers, environment);
        Acknowledgment::Progress
    }

    fn on_duplicate(&mut self, environment: &mut Environment<'_>) {
        let segment_size = self.segment_size as u32;
        if self.recovery.on_duplicate(&self.flight, segment_size, &mut self.congestion) {
            environment.counters.fast_retransmits += 1;
        }
    }

    fn on_progress(
        &mut self,
        acknowledgment: Seq,
        echoed: Option<Duration>,
        timers: &mut Timers,
        environment: &mut Environment<'_>,
    ) {
        let count = acknowledgment.since(self.flight.oldest);
        let measured = self.flight.acknowledged(acknowledgment, environment.now);
        match measured.or(echoed) {
            Some(rtt) => self.rtt.sample(rtt),
            None => self.rtt.reset_backoff(),
        }
        self.expiries = 0;
        if let Some(buffer) = &mut self.buffer {
            buffer.acknowledge(count as usize);
            if buffer.len() == 0
                && let Some(buffer) = self.buffer.take()
            {
                environment.memory.give_send(buffer);
            }
        }
        let segment_size = self.segment_size as u32;
        let progress = self.recovery.on_progress(count, &self.flight, segment_size, &mut self.congestion);
        if progress == Progress::Normal {
            self.congestion.on_acknowledged(Acknowledged {
                bytes: count,
                segment_size,
                window_limited: self.congestion_limited,
            });
        }
        self.waiting_since = environment.now;
        if self.flight.outstanding() == 0 {
            timers.stop(Timer::Retransmit);
            self.waiting_since = Instant::FAR_FUTURE;
        } else if progress != (Progress::Partial { first: false }) {
            self.arm_retransmit(timers, environment.now, None);
        }
    }

    /// Whether all that was ever sent, a FIN included, has been acknowledged.
    pub(crate) fn all_acknowledged(&self) -> bool {
        self.flight.outstanding() == 0
    }

    /// Whether a FIN was sent, so that it has a number.
    pub(crate) fn fin_sent(&self) -> bool {
        self.fin_sent
    }

    // ---- what is sent next ----

    /// Lays the payload of the next segment into `frame`. `fin` tells that a FIN follows the last byte.
    pub(crate) fn next_segment(
        &mut self,
        frame: &mut Frame,
        fin: bool,
        settings: &Settings,
        timers: &mut Timers,
        environment: &mut Environment<'_>,
    ) -> Option<Outbound> {
        if core::mem::take(&mut self.recovery.retransmit) {
            return self.retransmit_oldest(frame, fin, timers, environment);
        }
        let queued = self.queued() as u32;
        let flight = self.flight.flight();
        // SND.NXT lies beyond the queue only by the FIN.
        let unsent = queued.saturating_sub(flight);
        let fin_unsent = fin && flight <= queued;
        if unsent == 0 && !fin_unsent {
            return None;
        }
        if flight == 0 && self.flight.outstanding() == 0 {
            self.restart_after_idle(environment.now);
        }
        let length = match self.decide(unsent, flight, fin, settings, environment) {
            Decision::Send(length) => length,
            Decision::Wait if unsent == 0 => 0,
            Decision::Wait => return None,
            Decision::Blocked => {
                self.wait_for_window(settings, timers, environment.now);
                return None;
            }
        };
        self.probe.overridden = false;
        timers.stop(Timer::Probe);
        Some(self.emit(flight, length, fin_unsent, frame, timers, environment))
    }

    fn decide(
        &mut self,
        unsent: u32,
        flight: u32,
        fin: bool,
        settings: &Settings,
        environment: &Environment<'_>,
    ) -> Decision {
        let segment_size = self.segment_size as u32;
        let congestion = self.congestion.window() + self.recovery.allowance(segment_size);
        let most = match environment.config.super_segments {
            true => 65_535 / segment_size.max(1) * segment_size,
            false => segment_size,
        };
        // What headers need of the 65 535 bytes of a datagram.
        let most = if most + 120 > 65_535 { most - segment_size } else { most };
        let usable = congestion.min(self.window.size).saturating_sub(flight);
        self.congestion_limited = congestion <= self.window.size && unsent >= usable;
        let decision = decide(Situation {
            unsent,
            usable,
            segment_size,
            most: most.max(segment_size),
            in_flight: flight > 0,
            eager: settings.no_delay || fin,
            largest_window: self.window.largest,
        });
        match decision {
            Decision::Blocked if self.probe.overridden && usable > 0 => Decision::Send(usable.min(unsent)),
            decision => decision,
        }
    }

    /// Sends `length` bytes from SND.NXT, and the FIN if it fits.
    fn emit(
        &mut self,
        flight: u32,
        length: u32,
        fin_unsent: bool,
        frame: &mut Frame,
        timers: &mut Timers,
        environment: &mut Environment<'_>,
    ) -> Outbound {
        let sequence = self.flight.next;
        let length = self.fill(frame, flight, length, environment);
        let last = flight + length == self.queued() as u32;
        let fin = fin_unsent && last;
        self.fin_sent |= fin;
        let flags = if fin { Flags::FIN } else { Flags::NONE };
        let flags = if last && length > 0 { flags | Flags::PSH } else { flags };
        let fresh = self.flight.sent(length + fin as u32, environment.now);
        if fresh < length + fin as u32 {
            self.count_retransmission(environment);
            self.flight.forget_timing();
        }
        self.bytes_sent += fresh.min(length) as u64;
        self.note_sent(timers, environment.now);
        Outbound { sequence, flags }
    }

    /// Sends the oldest segment again (RFC 5681 3.2 step 3).
    fn retransmit_oldest(
        &mut self,
        frame: &mut Frame,
        fin: bool,
        timers: &mut Timers,
        environment: &mut Environment<'_>,
    ) -> Option<Outbound> {
        let queued = self.queued() as u32;
        let outstanding = self.flight.outstanding();
        if outstanding == 0 {
            return None;
        }
        let wanted = queued.min(outstanding).min(self.segment_size as u32);
        let length = self.fill(frame, 0, wanted, environment);
        let with_fin = fin && length == queued && outstanding > queued;
        let flags = if with_fin { Flags::FIN } else { Flags::NONE };
        let flags = if length == queued && length > 0 { flags | Flags::PSH } else { flags };
        self.flight.forget_timing();
        self.count_retransmission(environment);
        self.note_sent(timers, environment.now);
        Some(Outbound { sequence: self.flight.oldest, flags })
    }

    fn fill(
        &mut self,
        frame: &mut Frame,
        offset: u32,
        length: u32,
        environment: &mut Environment<'_>,
    ) -> u32 {
        let segment_size = self.segment_size as usize;
        let Some(buffer) = &mut self.buffer else { return 0 };
        let chunks = &mut environment.memory.chunks;
        let length = buffer.fill(offset as usize, length as usize, segment_size, frame, chunks);
        if length > segment_size {
            frame.segment_size = self.segment_size;
        }
        length as u32
    }

    fn count_retransmission(&mut self, environment: &mut Environment<'_>) {
        self.retransmissions = self.retransmissions.saturating_add(1);
        environment.counters.retransmissions += 1;
    }

    fn note_sent(&mut self, timers: &mut Timers, now: Instant) {
        self.last_sent = now;
        if self.waiting_since == Instant::FAR_FUTURE {
            self.waiting_since = now;
        }
        if !timers.is_armed(Timer::Retransmit) {
            self.arm_retransmit(timers, now, None);
        }
    }

    /// RFC 5681 4.1: after an idle time the path is probed anew.
    fn restart_after_idle(&mut self, now: Instant) {
        if self.last_sent != Instant::ZERO && now - self.last_sent > self.rtt.timeout() {
            self.congestion.on_idle(self.segment_size as u32);
        }
    }

    // ---- timers ----

    fn arm_retransmit(&mut self, timers: &mut Timers, now: Instant, give_up: Option<Instant>) {
        let deadline = now + self.rtt.timeout();
        timers.arm(Timer::Retransmit, give_up.map_or(deadline, |give_up| deadline.min(give_up)));
    }

    /// Nothing may be sent and nothing is in flight, so no acknowledgment will open the window: probe for it.
    fn wait_for_window(&mut self, settings: &Settings, timers: &mut Timers, now: Instant) {
        if self.flight.outstanding() == 0 && !timers.is_armed(Timer::Probe) && !self.probe.due {
            if self.waiting_since == Instant::FAR_FUTURE {
                self.waiting_since = now;
            }
            let deadline = now + self.probe.interval(self.rtt.timeout());
            timers.arm(Timer::Probe, deadline.min(self.give_up_at(settings)));
        }
    }

    fn give_up_at(&self, settings: &Settings) -> Instant {
        settings.user_timeout().map_or(Instant::FAR_FUTURE, |timeout| self.waiting_since + timeout)
    }

    /// The retransmission timer expired (RFC 6298 5.4 to 5.6).
    pub(crate) fn on_retransmit_expired(
        &mut self,
        settings: &Settings,
        timers: &mut Timers,
        environment: &mut Environment<'_>,
    ) -> Expiry {
        if self.flight.outstanding() == 0 {
            return Expiry::Retry;
        }
        let give_up = self.give_up_at(settings);
        let by_count = settings.user_timeout().is_none() && self.expiries >= environment.config.retries;
        if environment.now >= give_up || by_count {
            return Expiry::GiveUp;
        }
        environment.counters.timeouts += 1;
        let segment_size = self.segment_size as u32;
        self.congestion.on_timeout(self.flight.outstanding(), segment_size, self.expiries == 0);
        self.recovery.on_timeout(self.flight.highest);
        self.expiries = self.expiries.saturating_add(1);
        self.flight.go_back();
        // A window that closed behind the data must not keep the repair from being sent.
        self.recovery.retransmit = self.window.size == 0;
        self.rtt.back_off();
        self.arm_retransmit(timers, environment.now, Some(give_up));
        Expiry::Retry
    }

    /// The probe timer expired: ask, or send what fits however little it is.
    pub(crate) fn on_probe_expired(
        &mut self,
        settings: &Settings,
        environment: &mut Environment<'_>,
    ) -> Expiry {
        if self.queued() as u32 <= self.flight.flight() {
            return Expiry::Retry;
        }
        let by_count = self.probe.unanswered() >= environment.config.retries;
        if environment.now >= self.give_up_at(settings) || by_count {
            return Expiry::GiveUp;
        }
        self.probe.expired();
        match self.window.size {
            0 => self.probe.due = true,
            _ => self.probe.overridden = true,
        }
        Expiry::Retry
    }

    /// Takes the due zero-window probe: an old number without data, which the peer must answer with its window.
    pub(crate) fn take_probe(
        &mut self,
        settings: &Settings,
        timers: &mut Timers,
        now: Instant,
    ) -> Option<Seq> {
        if !core::mem::take(&mut self.probe.due) {
            return None;
        }
        self.wait_for_window(settings, timers, now);
        Some(self.flight.next - 1)
    }

    // ---- path and reports ----

    /// The path takes less than thought: smaller segments, and what is under way goes again (RFC 1191 6.4).
    pub(crate) fn shrink_segments(&mut self, segment_size: u16) {
        if segment_size < self.segment_size {
            self.segment_size = segment_size;
            self.recovery.retransmit = false;
            self.flight.go_back();
        }
    }

    /// SND.NXT, the number of a segment without data.
    pub(crate) fn next_sequence(&self) -> Seq {
        self.flight.highest
    }

    /// Whether `sequence` is among the numbers sent and not acknowledged.
    pub(crate) fn is_in_flight(&self, sequence: Seq) -> bool {
        sequence.within(self.flight.oldest, self.flight.outstanding())
    }

    pub(crate) fn sample_rtt(&mut self, rtt: Duration) {
        self.rtt.sample(rtt);
    }

    /// Fills in what a report tells of the sender.
    pub(crate) fn report(&self, info: &mut crate::info::Info) {
        info.send_queue = self.queued() as u32;
        info.in_flight = self.flight.outstanding();
        info.congestion_window = self.congestion.window();
        info.slow_start_threshold = self.congestion.slow_start_threshold();
        info.send_window = self.window.size;
        info.segment_size = self.segment_size as u32;
        info.smoothed_rtt = self.rtt.smoothed();
        info.rtt_variation = self.rtt.variation();
        info.retransmission_timeout = self.rtt.timeout();
        info.retransmissions = self.retransmissions;
        info.bytes_sent = self.bytes_sent;
        info.in_recovery = self.recovery.active();
    }

    /// Gives the buffer back: nothing more will be sent.
    pub(crate) fn discard(&mut self, environment: &mut Environment<'_>) {
        if let Some(buffer) = self.buffer.take() {
            environment.memory.give_send(buffer);
        }
    }
}
