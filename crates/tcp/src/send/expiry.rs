//! The sender's timers: retransmission (RFC 6298), tail loss probes (RFC 8985 7) and probing a closed window (RFC 9293 3.8.6.1).

use super::path_mtu::PATIENCE;
use super::recovery::{Alarm, Episode, Phase, TailProbe};
use super::sender::Sender;
use super::spurious::Forward;
use crate::congestion::Setback;
use crate::environment::Environment;
use crate::settings::Settings;
use crate::timers::{Timer, Timers};
use basis::Instant;
use wire::tcp::Seq;

/// What a time-out led to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Expiry {
    /// Something is due to be sent.
    Retry,
    /// So it is, and the oldest segment was lost so often that it may be too long for the path.
    Stuck,
    /// The peer has been silent for too long.
    GiveUp,
}

impl Sender {
    /// The oldest data under way was acknowledged or sent: its time-out begins (RFC 6298 5.1 to 5.3).
    #[inline]
    pub(super) fn restart_timeout(&mut self, timers: &mut Timers, now: Instant) {
        if self.flight.outstanding() == 0 {
            self.stop_timeout(timers);
            return;
        }
        self.timeout_at = self.rtt.timeout_after(now);
        self.recovery.alarm = Alarm::Timeout;
        timers.arm(Timer::Retransmit, self.timeout_at);
    }

    /// [`Sender::restart_timeout`] and [`Sender::schedule_probe`] at once, while nothing is unusual.
    #[inline(always)]
    pub(super) fn restart_alarm(&mut self, timers: &mut Timers, now: Instant) {
        match self.flight.outstanding() > 0 && self.recovery.selective {
            true => {
                self.timeout_at = self.rtt.timeout_after(now);
                self.schedule_probe(false, timers, now);
            }
            false => self.restart_timeout(timers, now),
        }
    }

    /// What is under way has had no timer of its own so far.
    pub(crate) fn begin_timeout(&mut self, timers: &mut Timers, now: Instant) {
        self.restart_timeout(timers, now);
        self.schedule_probe(false, timers, now);
    }

    /// Nothing is under way any more.
    #[inline]
    pub(super) fn stop_timeout(&mut self, timers: &mut Timers) {
        timers.stop(Timer::Retransmit);
        self.timeout_at = Instant::FAR_FUTURE;
        self.waiting_since = Instant::FAR_FUTURE;
    }

    /// Puts a tail loss probe before the time-out (RFC 8985 7.2), while nothing is unusual. `accompanied` tells that more than one segment
    /// is under way, however short they are.
    #[inline]
    pub(super) fn schedule_probe(&mut self, accompanied: bool, timers: &mut Timers, now: Instant) {
        let outstanding = self.flight.outstanding();
        if self.recovery.selective && outstanding > 0 {
            if outstanding > self.window.size && self.is_tail_beyond_window() {
                // The window has shrunk behind all of the last segment: it would not be taken in.
                self.recovery.alarm = Alarm::Timeout;
                timers.arm(Timer::Retransmit, self.timeout_at);
                return;
            }
            let alone = !accompanied && outstanding <= self.segment_size as u32;
            self.recovery.alarm = Alarm::TailProbe;
            timers.arm(Timer::Retransmit, self.timeout_at.min(self.rtt.probe_after(now, alone)));
        }
    }

    /// Nothing may be sent and nothing is in flight, so no acknowledgment will open the window: probe for it.
    pub(super) fn wait_for_window(&mut self, settings: &Settings, timers: &mut Timers, now: Instant) {
        if self.flight.outstanding() == 0 && !timers.is_armed(Timer::Probe) && !self.probe.due {
            if self.waiting_since == Instant::FAR_FUTURE {
                self.waiting_since = now;
            }
            let deadline = now + self.probe.interval(self.rtt.timeout());
            timers.arm(Timer::Probe, deadline.min(self.give_up_at(settings)));
        }
    }

    pub(super) fn give_up_at(&self, settings: &Settings) -> Instant {
        settings.user_timeout().map_or(Instant::FAR_FUTURE, |timeout| self.waiting_since + timeout)
    }

    /// The retransmission timer expired, whatever it was armed for.
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
        if environment.now >= give_up {
            return Expiry::GiveUp;
        }
        self.track_lone_fin();
        if self.recovery.attentive {
            self.note_starved();
        }
        match core::mem::replace(&mut self.recovery.alarm, Alarm::Timeout) {
            Alarm::Overtaken if environment.now < self.timeout_at => {
                environment.counters.reordering_timeouts += 1;
                self.on_overtaken_expired(timers, environment);
                return Expiry::Retry;
            }
            Alarm::TailProbe => {
                let oldest = self.flight.oldest;
                self.recovery.episode.get_or_insert_with(|| Episode::new(oldest)).probe = TailProbe::Due;
                environment.counters.tail_probes += 1;
            }
            _ if settings.user_timeout().is_none() && self.expiries >= environment.config.retries => {
                return Expiry::GiveUp;
            }
            _ => self.on_timeout(environment),
        }
        self.timeout_at = self.rtt.timeout_after(environment.now);
        timers.arm(Timer::Retransmit, self.timeout_at.min(give_up));
        let stuck = |episode: &Episode| episode.phase == Phase::Resend && episode.repeats >= PATIENCE;
        match self.recovery.episode.as_deref().is_some_and(stuck) {
            true => Expiry::Stuck,
            false => Expiry::Retry,
        }
    }

    /// RFC 6298 5.4 to 5.6, RFC 5681 3.1: all that is under way is taken for lost, and the oldest segment goes again.
    fn on_timeout(&mut self, environment: &mut Environment<'_>) {
        environment.counters.timeouts += 1;
        self.congestion.tally().on_timeout(environment.now);
        if self.rare.is_some() {
            self.on_path_probe_expired(environment);
        }
        let (oldest, next, segment_size) = (self.flight.oldest, self.flight.next, self.segment_size as u32);
        let mut episode = self.recovery.episode.take().unwrap_or_else(|| Episode::new(oldest));
        let first = self.expiries == 0;
        // Once for one loss: fast recovery has done it already.
        let punish = first && episode.phase != Phase::Repair;
        let undo = episode.undo.take().filter(|_| !punish);
        // RFC 8985 6.3: what was sent less than a round trip ago is not lost yet.
        let patience = self.patience(&episode).max(self.rtt.smoothed());
        let latest = if self.recovery.selective {
            Instant::ZERO + environment.now.saturating_since(Instant::ZERO + patience)
        } else {
            Instant::FAR_FUTURE
        };
        // RFC 5682 2.1 step 1: only the first time-out of a connection without losses may have come too early.
        let forward = if first && episode.phase == Phase::Watch { Forward::First } else { Forward::Off };
        episode.begin(Phase::Resend, oldest, next);
        episode.undo = undo.or(episode.undo);
        if let Some(undo) = &mut episode.undo {
            undo.on_timeout();
        }
        episode.forward = forward;
        if let Some(buffer) = &mut self.buffer {
            // RFC 2018 8: the peer may throw away what it has told to have; one that does not answer may have.
            if !first || buffer.board.is_reneged() {
                buffer.board.forget_selections();
                episode.selections = 0;
            }
            buffer.board.lose_sent_until(oldest, latest);
        }
        self.recovery.episode = Some(episode);
        // A model looks at what is still under way, the others at what was.
        let in_flight = if self.congestion.is_modelled() { self.pipe() } else { self.flight.outstanding() };
        self.congestion.on_timeout(Setback { in_flight, segment_size }, punish);
        self.note_losses(environment.now);
        self.flight.forget_timing();
        self.expiries = self.expiries.saturating_add(1);
        self.rtt.back_off();
    }

    /// The probe timer expired: ask, or send what fits however little it is.
    pub(crate) fn on_probe_expired(
        &mut self,
        settings: &Settings,
        detached: bool,
        environment: &mut Environment<'_>,
    ) -> Expiry {
        if self.queued() as u32 <= self.flight.outstanding() {
            return Expiry::Retry;
        }
        let by_count = self.probe.unanswered() >= environment.config.retries;
        // A peer may keep its window closed as long as it likes (MUST-36) while somebody is there to wait for it. Nobody waits
        // for a connection whose application is gone, and it must not hold its slot and buffer for ever.
        let orphaned = detached && self.probe.sent() >= environment.config.orphan_probes;
        if environment.now >= self.give_up_at(settings) || by_count || orphaned {
            return Expiry::GiveUp;
        }
        self.probe.expired();
        match self.window.size {
            0 => self.probe.due = true,
            _ => {
                self.probe.overridden = true;
                self.marks.finish();
            }
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
}
