//! An open connection: every synchronized state but TIME-WAIT. `on_segment` follows RFC 9293 3.10.7.4 step by step.

use super::closing::Closing;
use super::fate::Fate;
use super::keepalive::KeepaliveState;
use super::syn_ack::SynAck;
use super::throttle::Throttle;
use super::time_wait::Remains;
use crate::environment::Environment;
use crate::error::{Dropped, Failure};
use crate::event::Readiness;
use crate::info::State;
use crate::negotiation::Negotiated;
use crate::receive::buffer::ReceiveBuffer;
use crate::receive::receiver::Receiver;
use crate::send::acknowledgment::Acknowledgment;
use crate::send::sender::Sender;
use crate::settings::Settings;
use crate::timers::{Timer, Timers};
use alloc::boxed::Box;
use basis::{Frame, Instant};
use core::hint::cold_path;
use wire::tcp::{Flags, Header};

/// Both halves of a connection, and how far its close has come.
#[derive(Clone, Debug)]
pub(crate) struct Open {
    pub(crate) send: Sender,
    pub(crate) receive: Receiver,
    pub(super) closing: Closing,
    pub(super) timers: Timers,
    pub(super) keepalive: KeepaliveState,
    pub(super) throttle: Throttle,
    pub(super) negotiated: Negotiated,
    /// A congestion mark came, and the peer has not slowed down yet.
    pub(super) echoes_marks: bool,
    /// Received bytes were or will be thrown away unread: the peer gets a RST once it has all that was written.
    pub(super) lost_input: bool,
    /// The SYN-ACK, while the peer has not acknowledged it though the connection is open (RFC 7413).
    pub(super) syn_ack: Option<Box<SynAck>>,
}

impl Open {
    // ---- in ----

    /// One segment of this connection.
    #[inline(always)]
    pub(crate) fn on_segment(
        &mut self,
        header: &Header,
        payload: &mut Frame,
        settings: &Settings,
        detached: bool,
        environment: &mut Environment<'_>,
    ) -> Result<Fate, Dropped> {
        self.receive.count_segment();
        let flags = header.flags;
        if !flags.intersects(Flags::ACK | Flags::RST | Flags::SYN) {
            cold_path();
            self.count_refused(payload);
            // Nothing of a synchronized connection looks like this (RFC 9293 3.10.7.4, fifth step): no answer, whatever its number.
            return Err(Dropped::BadFlags);
        }
        if self.syn_ack.is_some() && self.is_repeated_syn(header) {
            return Ok(Fate::Live);
        }
        let length =
            payload.len() as u32 + flags.contains(Flags::FIN) as u32 + flags.contains(Flags::SYN) as u32;
        // What a peer may be told to have come twice; a SYN's place is nobody's data.
        let text = if flags.contains(Flags::SYN) { 0 } else { length };
        // First: the sequence number, and PAWS before it (RFC 7323 5.3).
        let reset = flags.contains(Flags::RST);
        if !reset && self.receive.is_old(header.options.timestamps, environment.now) {
            cold_path();
            self.count_refused(payload);
            self.receive.note_old(header.sequence, text);
            self.answer_unacceptable(length == 0, environment);
            return Err(Dropped::OldTimestamp);
        }
        // What ends connections gets no allowance: a RST counts as one number (RFC 5961 3.2 wants it inside the window).
        if !self.receive.is_acceptable(header.sequence, length.max(reset as u32)) {
            cold_path();
            self.count_refused(payload);
            if !reset {
                self.receive.note_old(header.sequence, text);
                self.answer_unacceptable(length == 0 || flags.contains(Flags::SYN), environment);
                if self.receive.is_latest(header.sequence, length) && !flags.contains(Flags::SYN) {
                    return self.on_repeat(header, payload, settings, detached, environment);
                }
            }
            return Err(Dropped::OutsideWindow);
        }
        // Second: RST (RFC 5961 3.2).
        if reset {
            cold_path();
            self.count_refused(payload);
            return self.on_reset(header, environment);
        }
        // Fourth: SYN (RFC 5961 4.2).
        if flags.contains(Flags::SYN) {
            cold_path();
            self.count_refused(payload);
            self.challenge(environment);
            return Err(Dropped::BlindSyn);
        }
        if let Err(dropped) = self.take_acknowledgment(header, payload, settings, environment) {
            cold_path();
            self.count_refused(payload);
            return Err(dropped);
        }
        if self.negotiated.marks() {
            self.on_marks(header, payload, environment);
        }
        Ok(self.on_text(header, payload, settings, detached, environment))
    }

    /// What a segment brings is not taken in, but counts as received (RFC 4898).
    #[inline(never)]
    fn count_refused(&mut self, payload: &Frame) {
        if !payload.is_empty() {
            self.receive.count_data(payload);
        }
    }

    /// What the peer sent last has come once more, and its acknowledgment may be news.
    ///
    /// `Deviates:` RFC 9293 3.10.7.4 drops it whole. Two ends that miss each other's acknowledgments would then refuse each
    /// other's repeats, and with them the acknowledgments, for ever.
    #[inline(never)]
    fn on_repeat(
        &mut self,
        header: &Header,
        payload: &Frame,
        settings: &Settings,
        detached: bool,
        environment: &mut Environment<'_>,
    ) -> Result<Fate, Dropped> {
        self.take_acknowledgment(header, payload, settings, environment)?;
        // RFC 7323 4.3: its number is not above Last.ACK.sent, so that the answer echoes its timestamp.
        self.receive.note_timestamp(header, environment);
        Ok(self.fate(settings, detached, environment))
    }

    /// Fifth: ACK.
    #[inline(always)]
    fn take_acknowledgment(
        &mut self,
        header: &Header,
        payload: &Frame,
        settings: &Settings,
        environment: &mut Environment<'_>,
    ) -> Result<(), Dropped> {
        if !header.flags.contains(Flags::ACK) {
            return Err(Dropped::BadFlags);
        }
        self.on_heard(settings, environment.now);
        self.on_acknowledgment(header, payload, environment)?;
        if self.syn_ack.is_some() {
            self.on_syn_ack_acknowledged(header, environment);
        }
        Ok(())
    }

    /// [`Open::on_segment`] for the segment that ends a simultaneous open, which is rare.
    #[inline(never)]
    pub(crate) fn on_first_segment(
        &mut self,
        header: &Header,
        payload: &mut Frame,
        settings: &Settings,
        detached: bool,
        environment: &mut Environment<'_>,
    ) -> Result<Fate, Dropped> {
        self.on_segment(header, payload, settings, detached, environment)
    }

    /// The steps after the acknowledgment. A SYN-ACK takes only these: its acknowledgment was the handshake's, and its
    /// window, which is not scaled, was taken then.
    #[inline(always)]
    pub(crate) fn on_text(
        &mut self,
        header: &Header,
        payload: &mut Frame,
        settings: &Settings,
        detached: bool,
        environment: &mut Environment<'_>,
    ) -> Fate {
        // Sixth, the urgent pointer: urgent data stays in the stream (RFC 6093 4).
        // Seventh and eighth: the text and the FIN.
        if (detached || self.receive.discarding())
            && !payload.is_empty()
            && self.is_beyond_reading(header, payload)
        {
            cold_path();
            // Who has closed both directions by hand is not there for more, either (as Linux).
            if detached || self.is_finishing() {
                self.lose_input(environment);
                if self.send.queued() == 0 {
                    return Fate::Deserted(header.acknowledgment);
                }
            }
        }
        self.receive.note_timestamp(header, environment);
        if !payload.is_empty() {
            self.receive.count_data(payload);
            self.receive.tune(header, environment);
            self.receive.acks.note_push(header.flags.contains(Flags::PSH));
        }
        let fin = header.flags.contains(Flags::FIN);
        self.receive.accept(header.sequence, payload, fin, &mut self.timers, environment);
        self.fate(settings, detached, environment)
    }

    /// The peer lives.
    #[inline(always)]
    fn on_heard(&mut self, settings: &Settings, now: Instant) {
        if settings.asks_silent_peers() {
            self.wait_for_silence(settings, now);
        } else {
            self.keepalive.on_heard(None, &mut self.timers, now);
        }
    }

    #[inline(never)]
    fn wait_for_silence(&mut self, settings: &Settings, now: Instant) {
        self.keepalive.on_heard(settings.keepalive(), &mut self.timers, now);
    }

    fn on_reset(&mut self, header: &Header, environment: &mut Environment<'_>) -> Result<Fate, Dropped> {
        if header.sequence != self.receive.next() {
            self.challenge(environment);
            return Err(Dropped::BlindReset);
        }
        environment.counters.resets_received += 1;
        // `Deviates:` in CLOSING and LAST-ACK RFC 9293 3.10.7.4 just ends. But this side's FIN was not acknowledged: whoever asks is told.
        match self.state() {
            State::CloseWait => Ok(Fate::Failed(Failure::BrokenPipe)),
            _ => Ok(Fate::Failed(Failure::Reset)),
        }
    }

    #[inline(always)]
    fn on_acknowledgment(
        &mut self,
        header: &Header,
        payload: &Frame,
        environment: &mut Environment<'_>,
    ) -> Result<(), Dropped> {
        let (timestamps, now) = (&self.receive.timestamps, environment.now);
        let echoed = || timestamps.round_trip(header.options.timestamps, now);
        let carries_data = !payload.is_empty() || header.flags.contains(Flags::FIN);
        let marked = header.flags.contains(Flags::ECE) && self.negotiated.marks();
        let under_way = self.send.under_way();
        self.send.on_heard();
        match self.send.on_acknowledgment(header, carries_data, echoed, &mut self.timers, environment) {
            Acknowledgment::Nothing => Ok(()),
            Acknowledgment::Progress => {
                if marked {
                    cold_path();
                    self.send.on_congestion_echo(under_way, environment);
                }
                if self.send.fin_sent() && self.send.all_acknowledged() {
                    self.closing.on_acknowledged();
                    // Its place is FIN-WAIT-2's now.
                    self.timers.stop(Timer::Pacing);
                }
                Ok(())
            }
            Acknowledgment::Unsent => {
                cold_path();
                self.answer_unacceptable(payload.is_empty(), environment);
                Err(Dropped::BadAcknowledgment)
            }
            Acknowledgment::TooOld => {
                cold_path();
                self.challenge(environment);
                Err(Dropped::BadAcknowledgment)
            }
        }
    }

    /// An acknowledgment for a segment outside the window. Only data and FINs, which cannot
    /// answer each other for ever, are always answered.
    fn answer_unacceptable(&mut self, limited: bool, environment: &mut Environment<'_>) {
        if !limited || self.throttle.allow(environment.now) {
            self.receive.acks.now();
        }
    }

    /// RFC 5961: the true peer answers a challenge with the right number; a blind attacker never sees it.
    fn challenge(&mut self, environment: &mut Environment<'_>) {
        if self.throttle.allow(environment.now) {
            environment.counters.challenge_acks += 1;
            self.receive.acks.now();
        }
    }

    // ---- the application ----

    pub(crate) fn on_settings(&mut self, settings: &Settings, environment: &Environment<'_>) {
        self.send.set_bounds(settings.send_buffer(environment.config));
        let config = environment.config;
        self.send.select_congestion(settings.congestion(config), config.slow_start_exit);
        self.receive.set_bounds(settings.receive_buffer(environment.config));
        self.keepalive.on_heard(settings.keepalive(), &mut self.timers, environment.now);
    }

    /// What the application can do without waiting; `reported` is what it was told.
    #[inline(always)]
    pub(crate) fn readiness(&self, reported: Readiness) -> Readiness {
        let finished = self.receive.finished();
        Readiness::CONNECTED
            | Readiness::READABLE.when(self.receive.is_readable())
            | Readiness::WRITABLE.when(self.is_writable(reported) || self.is_finishing())
            | Readiness::READ_CLOSED.when(finished)
            | Readiness::DRAINED.when(self.is_drained())
    }

    /// Whether there is room for enough to be worth a write.
    #[inline(always)]
    pub(super) fn is_writable(&self, reported: Readiness) -> bool {
        // Once full, it is writable again when a quarter is free: fewer and larger writes. Less will do when nothing is under
        // way whose acknowledgment would free more: the peer's window may stay closed until its application has it all.
        let told = reported.contains(Readiness::WRITABLE);
        let enough = if told || self.send.all_acknowledged() { 1 } else { self.send.limit() / 4 };
        self.send.room() >= enough
    }

    /// It ends: gives back what it holds to send, and returns what was received and not read.
    pub(crate) fn give_up(&mut self, environment: &mut Environment<'_>) -> Option<Box<ReceiveBuffer>> {
        if self.syn_ack.take().is_some() {
            environment.counters.fast_opens_lost += 1;
            *environment.early -= 1;
        }
        self.send.discard(environment);
        self.receive.take_buffer()
    }

    /// What TIME-WAIT needs to know.
    pub(crate) fn remains(&mut self, lane: u8) -> Remains {
        let window = self.receive.offer();
        let timestamps = self.receive.timestamps;
        Remains {
            lane,
            owes: self.receive.acks.is_due(),
            window,
            send_next: self.send.next_sequence(),
            receive_next: self.receive.next(),
            timestamps: timestamps.enabled,
            recent: timestamps.recent(),
            timestamp_offset: timestamps.offset(),
        }
    }
}
