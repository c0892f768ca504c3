//! Sending again what was lost, and probing for what may be.

use super::path_mtu::PATIENCE;
use super::recovery::{Alarm, Phase, TailProbe};
use super::sender::Sender;
use super::spurious::Forward;
use super::transmit::{Outbound, largest_super_segment};
use crate::environment::Environment;
use crate::timers::{Timer, Timers};
use basis::{Frame, Instant};
use wire::tcp::{Flags, Seq};

impl Sender {
    /// Whether [`Sender::next_repair`] is worth asking.
    #[cold]
    pub(super) fn may_repair(&self) -> bool {
        self.recovery.episode.as_ref().is_some_and(|episode| episode.is_due(self.lost() > 0))
    }

    /// How much may be in the network while something is unusual.
    #[cold]
    pub(super) fn repair_window(&self) -> u32 {
        let (window, segment_size) = (self.congestion.window(), self.segment_size as u32);
        let Some(episode) = &self.recovery.episode else { return window };
        match (episode.phase, self.recovery.selective) {
            (Phase::Repair, true) if !self.congestion.is_modelled() => episode.rate.window,
            (Phase::Repair, false) => window.saturating_add(episode.classic.inflation),
            // RFC 3042: the first two duplicate acknowledgments each let one new segment go.
            (Phase::Watch | Phase::Resend, false) => {
                window.saturating_add(episode.classic.duplicates.min(2) * segment_size)
            }
            // A model has its own answer to losses (draft-ietf-ccwg-bbr 5.6.4.4).
            (_, true) => window,
        }
    }

    /// The next segment that does not wait for its turn behind new data.
    #[cold]
    #[inline(never)]
    pub(super) fn next_repair(
        &mut self,
        frame: &mut Frame,
        fin: bool,
        timers: &mut Timers,
        environment: &mut Environment<'_>,
    ) -> Option<Outbound> {
        let episode = self.recovery.episode.as_mut()?;
        if episode.probe == TailProbe::Due {
            episode.probe = TailProbe::None;
            if let Some(outbound) = self.send_probe(frame, fin, timers, environment) {
                return Some(outbound);
            }
        }
        let (left, length) = self.next_lost(environment)?;
        self.recovery.episode.as_mut()?.forced = false;
        self.repeat(left, length, frame, timers, environment)
    }

    /// The next numbers that are to be sent again, as many as may be now.
    fn next_lost(&self, environment: &Environment<'_>) -> Option<(Seq, u32)> {
        let episode = self.recovery.episode.as_ref()?;
        let (left, run) = self.buffer.as_ref()?.board.first_lost(self.flight.oldest)?;
        let segment_size = self.segment_size as u32;
        let run = self.record(left, run).0;
        let length = if episode.forced {
            run.min(segment_size)
        } else if episode.forward != Forward::Off {
            // RFC 5682 2.1: new data goes first.
            return None;
        } else {
            let room = self.repair_window().saturating_sub(self.pipe());
            let most = match environment.config.super_segments {
                true => {
                    largest_super_segment(segment_size).min(self.longest_burst(environment.config.min_burst))
                }
                false => segment_size,
            };
            match run.min(most) {
                length if length <= room => length,
                _ if room >= segment_size => room - room % segment_size.max(1),
                _ => return None,
            }
        };
        // The window may have shrunk behind what was sent (RFC 9293 3.8.6). The oldest segment goes all the same: no other will
        // make the peer tell its window.
        match self.window.size.saturating_sub(left.since(self.flight.oldest)) {
            0 if left == self.flight.oldest => Some((left, length.min(segment_size))),
            0 => None,
            window => Some((left, length.min(window))),
        }
    }

    /// Sends numbers again: bytes, and the FIN if it follows them.
    fn repeat(
        &mut self,
        left: Seq,
        length: u32,
        frame: &mut Frame,
        timers: &mut Timers,
        environment: &mut Environment<'_>,
    ) -> Option<Outbound> {
        let now = environment.now;
        let oldest = self.flight.oldest;
        let offset = left.since(oldest);
        let queued = self.queued() as u32;
        let bytes = length.min(queued.saturating_sub(offset));
        let bytes = if bytes > 0 { self.fill(frame, offset, bytes, environment) } else { 0 };
        let last = offset + bytes == queued;
        // The FIN, if it was sent, has the last number.
        let fin = last && self.fin_sent && self.flight.outstanding() > queued;
        let right = left + bytes + fin as u32;
        if right == left {
            return None;
        }
        let flags = if fin { Flags::FIN } else { Flags::NONE };
        let flags = if self.was_pushed(left, left + bytes) { flags | Flags::PSH } else { flags };
        if let Some(buffer) = &mut self.buffer {
            buffer.board.repeat(oldest, left, right, now);
        }
        let mut lag = 0;
        if let Some(episode) = &mut self.recovery.episode {
            episode.rate.on_sent(right.since(left));
            if left == oldest {
                episode.repeats = episode.repeats.saturating_add(1);
            }
            if episode.phase == Phase::Repair {
                lag = self.recovery.reordering.lag(self.rtt.shortest(), self.rtt.smoothed());
            }
            lag = episode.on_repeated(right.since(left), lag, now);
        }
        if self.rare.is_some() {
            self.on_path_probe_repeated(left, right, now);
        }
        self.note_transmission(left, right, now);
        self.flight.forget_timing();
        self.last_sent = now;
        self.count_data(bytes);
        let tally = self.congestion.tally();
        tally.repeated += u64::from(bytes);
        tally.retransmissions = tally.retransmissions.saturating_add(1);
        environment.counters.retransmissions += 1;
        let stuck = self.recovery.episode.as_ref().is_some_and(|episode| episode.repeats > PATIENCE);
        if left == oldest && self.recovery.selective && self.recovery.is_repairing() && !stuck {
            // What the time-out waits for was sent just now.
            self.timeout_at = self.rtt.timeout_after(now);
            if self.recovery.alarm == Alarm::Timeout {
                timers.arm(Timer::Retransmit, self.timeout_at);
            }
        }
        Some(Outbound::new(left, flags).stamped_earlier(lag))
    }

    /// RFC 8985 7.3: new data if there is any, or the last segment again; whatever the congestion window says.
    fn send_probe(
        &mut self,
        frame: &mut Frame,
        fin: bool,
        timers: &mut Timers,
        environment: &mut Environment<'_>,
    ) -> Option<Outbound> {
        let (oldest, next, segment_size) = (self.flight.oldest, self.flight.next, self.segment_size as u32);
        let (queued, outstanding) = (self.queued() as u32, self.flight.outstanding());
        if outstanding == 0 || self.recovery.episode.as_ref()?.phase != Phase::Watch {
            return None;
        }
        let unsent = queued.saturating_sub(outstanding);
        let fresh = unsent.min(segment_size).min(self.window.size.saturating_sub(outstanding));
        let outbound = if fresh > 0 {
            // Already under way, so that no other follows it before it is answered or has timed out (RFC 8985 7.3).
            if let Some(episode) = &mut self.recovery.episode {
                episode.probe = TailProbe::Sent { end: next + fresh, repeated: false };
            }
            self.emit(fresh, fin, frame, timers, environment)
        } else {
            let left = self.tail_begins()?;
            // The window may have shrunk behind what was sent.
            let room = match self.window.size.saturating_sub(left.since(oldest)) {
                0 if left == oldest => segment_size + 1,
                0 => return None,
                room => room.max(1),
            };
            self.repeat(left, next.since(left).min(room), frame, timers, environment)?
        };
        let repeated = fresh == 0;
        if let Some(episode) = &mut self.recovery.episode {
            episode.probe = TailProbe::Sent { end: self.flight.next, repeated };
        }
        Some(outbound)
    }

    /// Where the last segment begins that is under way; a FIN counts with it.
    fn tail_begins(&self) -> Option<Seq> {
        let (oldest, next) = (self.flight.oldest, self.flight.next);
        // What was sent at once was cut from its beginning on.
        let begin = self.buffer.as_ref()?.board.last_begins(oldest);
        let end = (oldest + self.queued() as u32).min(next);
        let bytes = if end.after(begin) { end.since(begin) } else { 0 };
        let last = if bytes > 0 { (bytes - 1) % u32::from(self.segment_size).max(1) + 1 } else { 0 };
        Some(end - last)
    }

    /// Whether nothing of the last segment lies in the window, while others do or wait for it.
    #[cold]
    #[inline(never)]
    pub(super) fn is_tail_beyond_window(&self) -> bool {
        let place = self.tail_begins().map_or(0, |left| left.since(self.flight.oldest));
        place > 0 && place >= self.window.size
    }

    /// F-RTO can send no new data after all: the rest is sent again without it (RFC 5682 2.1 step 2b).
    #[cold]
    pub(super) fn forgo_new_data(&mut self) -> bool {
        let next = self.flight.next;
        self.recovery.episode.as_mut().is_some_and(|episode| {
            let stuck = episode.forward == Forward::Second && next == episode.point;
            if stuck {
                episode.forward = Forward::Off;
            }
            stuck
        })
    }

    /// New data was sent while something was unusual.
    #[cold]
    pub(super) fn note_sent_in_repair(&mut self, bytes: u32, timers: &mut Timers, now: Instant) {
        let marked = self.selected() > 0 || self.lost() > 0;
        let Some(episode) = &mut self.recovery.episode else { return };
        episode.rate.on_sent(bytes);
        if !self.recovery.selective && episode.phase != Phase::Watch {
            // Its acknowledgment waits for the hole before it: it would tell the time of the repair.
            self.flight.forget_timing();
        }
        if episode.phase == Phase::Watch && !marked && episode.probe == TailProbe::None {
            self.schedule_probe(false, timers, now);
        }
    }
}
