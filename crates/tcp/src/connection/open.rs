//! An open connection: every synchronized state but TIME-WAIT. `on_segment` follows RFC 9293 3.10.7.4 step by step.

use super::closing::Closing;
use super::fate::Fate;
use super::keepalive::KeepaliveState;
use super::syn_ack::SynAck;
use super::throttle::Throttle;
use super::time_wait::Remains;
use crate::config::{MtuProbing, Settings};
use crate::environment::Environment;
use crate::error::{Dropped, Failure};
use crate::event::Readiness;
use crate::info::{Info, State};
use crate::inspection::Inspection;
use crate::negotiation::Negotiated;
use crate::receive::receiver::Receiver;
use crate::receive::timestamps::TimestampState;
use crate::segment::{FourTuple, Path, Way};
use crate::send::acknowledgment::Acknowledgment;
use crate::send::expiry::Expiry;
use crate::send::sender::Sender;
use crate::send::window::SendWindow;
use crate::timers::{Timer, Timers};
use alloc::boxed::Box;
use basis::{Frame, Instant};
use core::hint::cold_path;
use core::time::Duration;
use wire::tcp::{Flags, Header, Seq};

/// Both halves of a connection, and how far its close has come.
#[derive(Clone, Debug)]
pub(crate) struct Open {
    pub(crate) send: Sender,
    pub(crate) receive: Receiver,
    pub(super) closing: Closing,
    pub(super) timers: Timers,
    pub(super) keepalive: KeepaliveState,
    throttle: Throttle,
    pub(super) negotiated: Negotiated,
    /// A congestion mark came, and the peer has not slowed down yet.
    pub(super) echoes_marks: bool,
    /// Received bytes were or will be thrown away unread: the peer gets a RST once it has all that was written.
    lost_input: bool,
    /// The SYN-ACK, while the peer has not acknowledged it though the connection is open (RFC 7413).
    pub(super) syn_ack: Option<Box<SynAck>>,
}

/// What a completed handshake hands over.
#[derive(Debug)]
pub(crate) struct Established {
    /// The first number that the peer has not acknowledged: it may have taken in data with the SYN (RFC 7413).
    pub(crate) next: Seq,
    /// IRS.
    pub(crate) peer_initial: Seq,
    /// The window of the segment that completed the handshake.
    pub(crate) send_window: SendWindow,
    pub(crate) negotiated: Negotiated,
    /// The peer's last timestamp.
    pub(crate) recent: u32,
    pub(crate) timestamp_offset: u32,
    /// The window of our SYN.
    pub(crate) window: u16,
    pub(crate) round_trip: Option<Duration>,
    /// How often this host's SYN or SYN-ACK was repeated by its timer.
    pub(crate) repeated: u8,
    /// The peer has not acknowledged the SYN-ACK yet.
    pub(crate) early: bool,
}

impl Open {
    /// `path` is the way to the peer at `tuple`.
    pub(crate) fn new(
        established: &Established,
        tuple: &FourTuple,
        path: Path,
        settings: &Settings,
        environment: &Environment<'_>,
    ) -> Open {
        let now = environment.now;
        let negotiated = established.negotiated;
        let most = settings.max_segment_size().unwrap_or(u16::MAX);
        let segment_size = negotiated.payload(path.maximum_segment_size(tuple.local).min(most));
        let timestamps = TimestampState::new(
            negotiated.timestamps(),
            established.recent,
            established.timestamp_offset,
            now,
        );
        let mut open = Open {
            send: Sender::new(
                established.next,
                established.send_window,
                segment_size,
                negotiated.selective_acknowledgments(),
                settings,
                environment.config,
            ),
            receive: Receiver::new(
                established.peer_initial + 1,
                established.window,
                negotiated.receive_shift(),
                negotiated.selective_acknowledgments(),
                timestamps,
                settings.receive_buffer(environment.config),
                now,
            ),
            closing: Closing::new(),
            timers: Timers::new(),
            keepalive: KeepaliveState::default(),
            throttle: Throttle::default(),
            negotiated,
            echoes_marks: false,
            lost_input: false,
            syn_ack: None,
        };
        match established.round_trip {
            Some(rtt) => open.send.sample_rtt(rtt),
            None if established.early => {}
            None => open.send.on_lost_syn(established.repeated),
        }
        open.keepalive.on_heard(settings.keepalive(), &mut open.timers, now);
        if settings.mtu_probing(environment.config) == MtuProbing::Always {
            open.begin_search(Way { path, local: tuple.local }, settings, environment);
        }
        open
    }

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
        let flags = header.flags;
        if !flags.intersects(Flags::ACK | Flags::RST | Flags::SYN) {
            cold_path();
            // Nothing of a synchronized connection looks like this (RFC 9293 3.10.7.4, fifth step): no answer, whatever its number.
            return Err(Dropped::BadFlags);
        }
        if self.syn_ack.is_some() && self.is_repeated_syn(header) {
            return Ok(Fate::Live);
        }
        let length =
            payload.len() as u32 + flags.contains(Flags::FIN) as u32 + flags.contains(Flags::SYN) as u32;
        // First: the sequence number, and PAWS before it (RFC 7323 5.3).
        let reset = flags.contains(Flags::RST);
        if !reset && self.receive.is_old(header.options.timestamps, environment.now) {
            cold_path();
            self.receive.note_old(header.sequence, payload.len() as u32);
            self.answer_unacceptable(length == 0, environment);
            return Err(Dropped::OldTimestamp);
        }
        // What ends connections gets no allowance: a RST counts as one number (RFC 5961 3.2 wants it inside the window).
        if !self.receive.is_acceptable(header.sequence, length.max(reset as u32)) {
            cold_path();
            if !reset {
                self.receive.note_old(header.sequence, payload.len() as u32);
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
            return self.on_reset(header, environment);
        }
        // Fourth: SYN (RFC 5961 4.2).
        if flags.contains(Flags::SYN) {
            cold_path();
            self.challenge(environment);
            return Err(Dropped::BlindSyn);
        }
        // Fifth: ACK.
        if !flags.contains(Flags::ACK) {
            return Err(Dropped::BadFlags);
        }
        self.on_heard(settings, environment.now);
        self.on_acknowledgment(header, payload, environment)?;
        if self.syn_ack.is_some() {
            self.on_syn_ack_acknowledged(header, environment);
        }
        if self.negotiated.marks() {
            self.on_marks(header, payload, environment);
        }
        Ok(self.on_text(header, payload, settings, detached, environment))
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
        if !header.flags.contains(Flags::ACK) {
            return Err(Dropped::OutsideWindow);
        }
        self.on_heard(settings, environment.now);
        self.on_acknowledgment(header, payload, environment)?;
        Ok(self.fate(settings, detached, environment))
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
        if detached && !payload.is_empty() && self.is_beyond_reading(header, payload) {
            cold_path();
            self.lose_input(environment);
            if self.send.queued() == 0 {
                return Fate::Deserted(header.acknowledgment);
            }
        }
        self.receive.note_timestamp(header, environment);
        if !payload.is_empty() {
            self.receive.tune(header, environment);
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
        match self.state() {
            // Both sides have closed already, and the peer has all that was written.
            State::Closing | State::LastAck if self.send.queued() == 0 => Ok(Fate::Closed),
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

    /// Whether the segment holds bytes that have not come before.
    fn is_beyond_reading(&self, header: &Header, payload: &Frame) -> bool {
        (header.sequence + payload.len() as u32).after(self.receive.next()) && !self.receive.finished()
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

    #[inline(always)]
    fn fate(&mut self, settings: &Settings, detached: bool, environment: &Environment<'_>) -> Fate {
        let peer_finished = self.receive.finished();
        if self.lost_input && self.send.queued() == 0 {
            cold_path();
            return Fate::Reset(Failure::Aborted);
        }
        if self.closing.acknowledged() && !peer_finished && detached && !self.timers.is_armed(Timer::FinWait2)
        {
            cold_path();
            self.timers.arm(
                Timer::FinWait2,
                environment.now + settings.fin_wait_2().unwrap_or(environment.config.fin_wait_2),
            );
        }
        self.closing.fate(peer_finished)
    }

    // ---- the application ----

    /// The application closes its sending direction.
    pub(crate) fn finish_sending(&mut self) {
        self.closing.ask(self.receive.finished());
    }

    /// Whether the application has closed its sending direction.
    pub(crate) fn is_finishing(&self) -> bool {
        self.closing.asked()
    }

    /// Bytes came that nobody will read: they were lost, and the peer must know (RFC 1122 4.2.2.13, RFC 2525 2.17). But what was
    /// written before goes first: a RST would destroy it on its way.
    pub(crate) fn lose_input(&mut self, environment: &mut Environment<'_>) {
        self.lost_input = true;
        self.receive.discard(environment);
    }

    /// The application is gone.
    pub(crate) fn on_detached(&mut self, settings: &Settings, environment: &Environment<'_>) -> Fate {
        self.fate(settings, true, environment)
    }

    /// Whether everything, this side's FIN included, has arrived.
    pub(crate) fn is_drained(&self) -> bool {
        self.send.queued() == 0 && (!self.closing.asked() || self.closing.acknowledged())
    }

    pub(crate) fn on_settings(&mut self, settings: &Settings, environment: &Environment<'_>) {
        self.send.set_bounds(settings.send_buffer(environment.config));
        self.send.select_congestion(settings.congestion.unwrap_or(environment.config.congestion));
        self.receive.set_bounds(settings.receive_buffer(environment.config));
        self.keepalive.on_heard(settings.keepalive(), &mut self.timers, environment.now);
    }

    /// What the application can do without waiting; `reported` is what it was told.
    #[inline(always)]
    pub(crate) fn readiness(&self, reported: Readiness) -> Readiness {
        let (room, limit) = (self.send.room(), self.send.limit());
        // Once full, it is writable again when a quarter is free: fewer and larger writes. Less will do when nothing is under
        // way whose acknowledgment would free more: the peer's window may stay closed until its application has it all.
        let told = reported.contains(Readiness::WRITABLE);
        let enough = if told || self.send.all_acknowledged() { 1 } else { limit / 4 };
        let finished = self.receive.finished();
        Readiness::CONNECTED
            | Readiness::READABLE.when(self.receive.is_readable())
            | Readiness::WRITABLE.when(room >= enough || self.is_finishing())
            | Readiness::READ_CLOSED.when(finished)
            | Readiness::DRAINED.when(self.is_drained())
    }

    // ---- timers ----

    pub(crate) fn next_deadline(&self) -> Instant {
        self.timers.next()
    }

    pub(crate) fn on_timeout(
        &mut self,
        way: Way,
        settings: &Settings,
        detached: bool,
        environment: &mut Environment<'_>,
    ) -> Fate {
        while let Some(timer) = self.timers.pop_expired(!self.closing.acknowledged(), environment.now) {
            let alive = match timer {
                Timer::DelayedAck => {
                    self.receive.acks.now();
                    true
                }
                Timer::Retransmit if self.syn_ack.is_some() => self.on_syn_ack_expired(environment),
                Timer::Retransmit => {
                    match self.send.on_retransmit_expired(settings, &mut self.timers, environment) {
                        Expiry::Retry => true,
                        Expiry::Stuck => {
                            self.on_stuck(way, settings, environment);
                            true
                        }
                        Expiry::GiveUp => false,
                    }
                }
                Timer::Probe => self.send.on_probe_expired(settings, detached, environment) == Expiry::Retry,
                Timer::Keepalive => self.on_keepalive_expired(settings, environment),
                // What waited for its departure is due.
                Timer::Pacing => true,
                Timer::FinWait2 => return Fate::Closed,
            };
            if !alive {
                return Fate::Reset(Failure::TimedOut);
            }
        }
        Fate::Live
    }

    fn on_keepalive_expired(&mut self, settings: &Settings, environment: &mut Environment<'_>) -> bool {
        let Some(keepalive) = settings.keepalive() else { return true };
        let busy = !self.send.all_acknowledged() || self.timers.is_armed(Timer::Probe);
        self.keepalive.on_expired(keepalive, settings.user_timeout(), busy, &mut self.timers, environment.now)
    }

    // ---- reports ----

    pub(crate) fn state(&self) -> State {
        match self.closing.state(self.receive.finished()) {
            State::Established if self.syn_ack.is_some() => State::SynReceived,
            state => state,
        }
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

    pub(crate) fn inspect(&self, inspection: &mut Inspection) {
        let (oldest, next, highest) = self.send.numbers();
        inspection.set_numbers(oldest, next, self.receive.next());
        inspection.send_highest = highest;
        inspection.conservative = self.send.is_conservative();
        inspection.stage = self.send.stage();
        inspection.deadlines = self.timers.deadlines(!self.closing.acknowledged());
    }

    pub(crate) fn report(&self, info: &mut Info) {
        self.send.report(info);
        self.receive.report(info);
        info.congestion_marks = self.negotiated.marks();
        info.syn_data = self.negotiated.syn_data();
        info.window_scale =
            self.negotiated.scaling().then(|| (self.negotiated.receive_shift(), self.negotiated.send_shift));
    }
}
