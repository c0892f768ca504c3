//! What the sender sends next.

use super::path_mtu::NextProbe;
use super::segmenter::{Decision, Situation, decide};
use super::sender::Sender;
use crate::environment::Environment;
use crate::rtt::LEAST_TIMEOUT;
use crate::settings::Settings;
use crate::timers::{Timer, Timers};
use basis::{Frame, Instant};
use core::hint::cold_path;
use wire::tcp::{Flags, Seq};

/// A segment's place and flags, and how much older than now its timestamp is, in one word; its payload is in the frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outbound(u64);

impl Outbound {
    #[inline]
    pub(crate) const fn new(sequence: Seq, flags: Flags) -> Outbound {
        Outbound((sequence.0 as u64) << 8 | flags.0 as u64)
    }

    /// The same with a timestamp of so many milliseconds ago.
    pub(super) const fn stamped_earlier(self, milliseconds: u16) -> Outbound {
        Outbound(self.0 | (milliseconds as u64) << 40)
    }

    /// Milliseconds by which the timestamp is older than now.
    #[inline]
    pub(crate) const fn lag(self) -> u32 {
        (self.0 >> 40) as u32
    }

    #[inline]
    pub(crate) const fn sequence(self) -> Seq {
        Seq((self.0 >> 8) as u32)
    }

    #[inline]
    pub(crate) const fn flags(self) -> Flags {
        Flags(self.0 as u8)
    }
}

impl Sender {
    /// Whether something waits to be sent, be it held back. `fin` tells that a FIN follows the last byte.
    #[inline]
    pub(crate) fn may_transmit(&self, fin: bool) -> bool {
        let (queued, outstanding) = (self.queued() as u32, self.flight.outstanding());
        queued > outstanding
            || fin && outstanding <= queued
            || self.probe.due
            || !self.recovery.is_quiet() && self.may_repair()
    }

    /// [`Sender::next_segment`] of any kind.
    #[inline(never)]
    pub(super) fn next_of_any(
        &mut self,
        frame: &mut Frame,
        fin: bool,
        settings: &Settings,
        timers: &mut Timers,
        environment: &mut Environment<'_>,
    ) -> Option<Outbound> {
        if !self.recovery.is_quiet() {
            if self.is_held_back(fin, timers, environment.now) {
                return None;
            }
            if let Some(outbound) = self.next_repair(frame, fin, timers, environment) {
                return Some(outbound);
            }
        }
        let queued = self.queued() as u32;
        let outstanding = self.flight.outstanding();
        // SND.NXT lies beyond the queue only by the FIN.
        let unsent = queued.saturating_sub(outstanding);
        let fin_unsent = fin && outstanding <= queued;
        if unsent == 0 && !fin_unsent {
            self.note_all_sent(environment.now);
            return None;
        }
        if outstanding == 0 && self.window.size > 0 && self.was_idle(environment.now) {
            self.restart_after_idle(environment.config.restart_after_idle, environment.now);
        }
        if self.rare.is_some() {
            match self.next_path_probe(unsent, outstanding, environment.now) {
                NextProbe::None => {}
                NextProbe::Wait => return None,
                NextProbe::Send(size) => return Some(self.emit_path_probe(size, frame, timers, environment)),
            }
        }
        let length = match self.decide(unsent, outstanding, fin, settings, environment) {
            Decision::Send(length) => length,
            // A lone FIN needs room for its number, or goes to a closed window as its own probe.
            Decision::Wait if unsent == 0 && (outstanding == 0 || self.window.size > outstanding) => 0,
            decision => {
                if matches!(decision, Decision::Blocked | Decision::Held) {
                    self.wait_for_window(settings, timers, environment.now);
                }
                self.note_stopped(unsent, outstanding, environment.now);
                let stuck = !self.recovery.is_quiet() && self.forgo_new_data();
                return if stuck { self.next_repair(frame, fin, timers, environment) } else { None };
            }
        };
        self.begin_sending(timers, environment.now);
        let goes_on =
            outstanding > 0 && self.last_sent == environment.now && environment.config.super_segments;
        let outbound = self.emit(length, fin_unsent, frame, timers, environment);
        Some(match goes_on && frame.segment_size == 0 {
            true => self.push_end_of_burst(outbound, fin, settings, environment),
            false => outbound,
        })
    }

    /// What leaves now waits for its acknowledgment; the next override begins with the first interval.
    #[inline(always)]
    pub(super) fn begin_sending(&mut self, timers: &mut Timers, now: Instant) {
        self.probe.reset();
        timers.stop(Timer::Probe);
        self.note_released(now);
    }

    #[inline(always)]
    pub(super) fn decide(
        &mut self,
        unsent: u32,
        outstanding: u32,
        fin: bool,
        settings: &Settings,
        environment: &Environment<'_>,
    ) -> Decision {
        let segment_size = self.segment_size as u32;
        let (congestion, pipe) = match self.recovery.is_quiet() {
            true => (self.congestion.window(), outstanding),
            false => (self.repair_window(), self.pipe()),
        };
        let usable = congestion.saturating_sub(pipe).min(self.window.size.saturating_sub(outstanding));
        let limits = congestion <= self.window.size && unsent >= usable;
        self.congestion.set_limits(limits, self.flight.oldest, self.flight.next + usable);
        let (in_record, ends) = self.record(self.flight.next, unsent);
        // A record that others follow is not kept waiting to be filled up.
        let complete = fin || ends && in_record < unsent;
        let unsent = in_record;
        let decision = decide(Situation {
            unsent,
            usable,
            segment_size,
            most: match unsent > segment_size && environment.config.super_segments {
                true => {
                    largest_super_segment(segment_size).min(self.longest_burst(environment.config.min_burst))
                }
                false => segment_size,
            },
            short_in_flight: outstanding > 0 && self.is_short_in_flight(),
            eager: settings.no_delay() || complete,
            held: !complete && self.marks.holds(settings.cork()),
            largest_window: self.window.largest,
        });
        match decision {
            Decision::Blocked | Decision::Held if self.probe.overridden && usable > 0 => {
                Decision::Send(usable.min(unsent))
            }
            decision => decision,
        }
    }

    /// Whether a segment that was not full is under way.
    #[inline]
    fn is_short_in_flight(&self) -> bool {
        let end = self.buffer.as_ref().and_then(|buffer| buffer.short_end);
        end.is_some_and(|end| (end - 1).within(self.flight.oldest, self.flight.outstanding()))
    }

    /// Sends `length` new bytes, and the FIN if it fits.
    #[inline(always)]
    pub(super) fn emit(
        &mut self,
        length: u32,
        fin_unsent: bool,
        frame: &mut Frame,
        timers: &mut Timers,
        environment: &mut Environment<'_>,
    ) -> Outbound {
        let now = environment.now;
        let (sequence, outstanding) = (self.flight.next, self.flight.outstanding());
        let length = self.fill(frame, outstanding, length, environment);
        let last = outstanding + length == self.queued() as u32;
        let fin = fin_unsent && last;
        self.fin_sent |= fin;
        let flags = if fin { Flags::FIN } else { Flags::NONE };
        let flags = match self.push(sequence, sequence + length, last) {
            true => flags | Flags::PSH,
            false => flags,
        };
        self.flight.sent(length + fin as u32, now);
        let next = self.flight.next;
        if let Some(buffer) = &mut self.buffer {
            buffer.board.sent(next, buffer.short_end != Some(sequence), now);
            let full = self.segment_size as u32;
            if length < full || !length.is_multiple_of(full) {
                buffer.short_end = Some(next);
            }
        }
        self.count_bytes(length);
        self.count_data(length);
        self.last_sent = now;
        if self.waiting_since == Instant::FAR_FUTURE {
            self.waiting_since = now;
        }
        let begins = self.timeout_at == Instant::FAR_FUTURE;
        match self.recovery.is_quiet() {
            true if begins => self.restart_alarm(timers, now),
            true => self.schedule_probe(outstanding > 0, timers, now),
            false => {
                cold_path();
                self.track_lone_fin();
                if begins {
                    self.restart_timeout(timers, now);
                }
                self.note_sent_in_repair(length, timers, now);
                self.note_transmission(sequence, next, now);
            }
        }
        Outbound::new(sequence, flags)
    }

    /// Something is unusual, and the FIN may be all that is under way: there was no scoreboard for it so far, since most FINs are
    /// acknowledged and that is all.
    pub(super) fn track_lone_fin(&mut self) {
        if self.buffer.is_none() && self.flight.outstanding() > 0 {
            let board = &mut self.buffer.get_or_insert_default().board;
            board.sent(self.flight.next, false, self.last_sent);
        }
    }

    /// Sends `size` new bytes in one segment, to see whether the path carries it (RFC 4821 7).
    #[cold]
    #[inline(never)]
    fn emit_path_probe(
        &mut self,
        size: u16,
        frame: &mut Frame,
        timers: &mut Timers,
        environment: &mut Environment<'_>,
    ) -> Outbound {
        let usual = core::mem::replace(&mut self.segment_size, size);
        let outbound = self.emit(u32::from(size), false, frame, timers, environment);
        self.segment_size = usual;
        self.note_path_probe(outbound.sequence(), self.flight.next, environment);
        outbound
    }

    #[inline(always)]
    pub(super) fn fill(
        &mut self,
        frame: &mut Frame,
        offset: u32,
        length: u32,
        environment: &mut Environment<'_>,
    ) -> u32 {
        let segment_size = self.segment_size as usize;
        let (length, _) = self.record(self.flight.oldest + offset, length);
        let Some(buffer) = &mut self.buffer else { return 0 };
        let chunks = &mut environment.memory.chunks;
        let length = buffer.fill(offset as usize, length as usize, segment_size, frame, chunks);
        if length > segment_size {
            frame.segment_size = self.segment_size;
            self.count_pieces(length);
        }
        length as u32
    }

    /// The longest burst in one piece: what the connection sends in a millisecond at twice its present rate, and
    /// [`HostConfig::min_burst`](crate::HostConfig::min_burst) segments at least. On a long path, a window is spread over more
    /// and smaller bursts; and there are at least two in either window, so that one leaves while the other is acknowledged.
    #[inline]
    pub(super) fn longest_burst(&self, least: u8) -> u32 {
        const PIECE: u64 = 1_000_000;
        let round_trip = self.rtt.smoothed().as_nanos() as u64;
        let segment_size = u32::from(self.segment_size).max(1);
        let half = (self.congestion.window().min(self.window.largest) / 2 / segment_size).max(1);
        if let Some(quantum) = self.paced_burst() {
            return quantum.min(half * segment_size);
        }
        if round_trip <= 2 * PIECE {
            return half.saturating_mul(segment_size);
        }
        let bytes = u64::from(self.congestion.window()) * 2 * PIECE / round_trip;
        let segments = u32::try_from(bytes).unwrap_or(u32::MAX) / segment_size;
        segments.max(u32::from(least)).min(half).saturating_mul(segment_size)
    }

    /// Whether nothing was sent for longer than a time-out.
    #[inline]
    pub(super) fn was_idle(&self, now: Instant) -> bool {
        // No time-out is shorter, and nearly every pause is.
        now > self.last_sent.plus_micros(LEAST_TIMEOUT)
            && self.last_sent != Instant::ZERO
            && now > self.rtt.timeout_after(self.last_sent)
    }

    /// RFC 5681 4.1: after an idle time the path is probed anew, if the window `decays`.
    #[cold]
    pub(super) fn restart_after_idle(&mut self, decays: bool, now: Instant) {
        let idle = now.saturating_since(self.last_sent);
        let decays = decays.then_some(u32::from(self.segment_size));
        self.congestion.on_idle(now, idle, self.rtt.timeout(), decays);
    }
}

/// The most bytes of payload that a super-segment of whole segments carries: its headers share the datagram's 65 535 bytes.
pub(super) fn largest_super_segment(segment_size: u32) -> u32 {
    const HEADERS: u32 = 120;
    ((65_535 - HEADERS) / segment_size.max(1) * segment_size).max(segment_size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::HostConfig;
    use crate::counters::Counters;
    use crate::memory::Memory;
    use crate::send::window::SendWindow;
    use crate::settings::SocketOptions;
    use wire::tcp::{Header, Options};

    #[test]
    fn a_repair_that_its_acknowledgment_overtakes_does_not_hold_up_the_rest() {
        let acknowledgment = |number, window| Header {
            source_port: 1,
            destination_port: 2,
            sequence: Seq(8),
            acknowledgment: Seq(number),
            flags: Flags::ACK,
            window,
            urgent: 0,
            options: Options::NONE,
        };
        let settings = Settings::from(SocketOptions { no_delay: true, ..SocketOptions::default() });
        let (mut timers, mut frame) = (Timers::new(), Frame::new());
        let (mut memory, mut counters) = (Memory::new(1 << 20), Counters::default());
        let config = HostConfig::default();
        let (memory, counters) = (&mut memory, &mut counters);
        let environment = &mut Environment {
            now: Instant::ZERO,
            memory,
            counters,
            config: &config,
            early: &mut 0,
            behind: false,
        };
        let window = SendWindow::new(&acknowledgment(1, 1000), 0);
        let mut sender = Sender::FRESH;
        sender.begin(Seq(1), window, 500, false, &settings, &config);
        sender.write(&[7; 1300], Default::default(), environment);
        while sender.next_segment(&mut frame, false, &settings, &mut timers, environment).is_some() {
            frame.reset();
        }
        assert_eq!(sender.next_sequence(), Seq(1001));
        // The peer closes its window behind what is under way; the time-out asks for a repair all the same.
        sender.on_acknowledgment(&acknowledgment(101, 0), false, || None, &mut timers, environment);
        sender.on_retransmit_expired(&settings, &mut timers, environment);
        // Before it has left, everything is acknowledged, and the window is open.
        sender.on_acknowledgment(&acknowledgment(1001, 1000), false, || None, &mut timers, environment);
        frame.reset();
        let sent = sender.next_segment(&mut frame, false, &settings, &mut timers, environment);
        assert_eq!(sent.map(|sent| (sent.sequence(), frame.len())), Some((Seq(1001), 300)));
    }
}
