//! What acknowledgments do to the sender (RFC 9293 3.10.7.4, fifth step).

use super::delivered::Delivered;
use super::sender::Sender;
use crate::congestion::Acknowledged;
use crate::environment::Environment;
use crate::rtt::micros;
use crate::timers::{Timer, Timers};
use basis::Instant;
use core::hint::cold_path;
use core::time::Duration;
use wire::tcp::{Header, Seq};

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

/// What an acknowledgment means to the congestion window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Growth {
    /// Bytes delivered that count for the first time.
    pub(super) bytes: u32,
    /// The window held the sender back.
    pub(super) limited: bool,
    /// Bytes under way before.
    pub(super) before: u32,
    /// In microseconds.
    pub(super) round_trip: Option<u32>,
}

impl Sender {
    /// Takes in the acknowledgment and window of a segment (RFC 9293 3.10.7.4, fifth step).
    /// `echoed` tells the time since the echoed timestamp, if there is one, in whole milliseconds; it is seldom asked.
    #[inline(always)]
    pub(crate) fn on_acknowledgment(
        &mut self,
        header: &Header,
        carries_data: bool,
        echoed: impl Fn() -> Option<Duration>,
        timers: &mut Timers,
        environment: &mut Environment<'_>,
    ) -> Acknowledgment {
        let acknowledgment = header.acknowledgment;
        if acknowledgment.after(self.flight.next) {
            return Acknowledgment::Unsent;
        }
        if acknowledgment.before(self.flight.oldest) && self.is_too_old(acknowledgment) {
            return Acknowledgment::TooOld;
        }
        self.probe.answered();
        let unusual = !self.recovery.is_quiet() || !header.options.sack.is_empty();
        if acknowledgment.before(self.flight.oldest) {
            // It was overtaken, but what it reports selectively is true.
            if unusual {
                self.on_unusual(header, false, echoed(), timers, environment);
            }
            return Acknowledgment::Nothing;
        }
        let old_size = self.window.size;
        self.window.update(header);
        if self.window.size > old_size && timers.is_armed(Timer::Probe) {
            timers.stop(Timer::Probe);
            self.probe.reset();
        }
        if acknowledgment == self.flight.oldest {
            if self.probe.sent() > 0 {
                // The peer has just told that its window is still closed: the next wait begins here. Who sends next arms the timer.
                cold_path();
                timers.stop(Timer::Probe);
            }
            // RFC 5681 2; a selective acknowledgment is a duplicate whatever its window (RFC 6675 2).
            let same_window = self.window.size == old_size || !header.options.sack.is_empty();
            let duplicate = !carries_data && same_window && self.flight.outstanding() > 0;
            if duplicate || unusual {
                self.on_unusual(header, duplicate, echoed(), timers, environment);
            }
            return Acknowledgment::Nothing;
        }
        if unusual {
            self.on_unusual(header, false, echoed(), timers, environment);
        } else {
            self.on_progress(acknowledgment, echoed, timers, environment);
        }
        Acknowledgment::Progress
    }

    /// Whether an old acknowledgment is older than any segment of the last window (RFC 5961 5.2), or than everything that was sent.
    #[cold]
    fn is_too_old(&self, acknowledgment: Seq) -> bool {
        let behind = self.flight.oldest.since(acknowledgment);
        let sent = self.bytes_sent() + u64::from(self.fin_sent);
        behind > self.window.largest
            || u64::from(behind) > sent.saturating_sub(u64::from(self.flight.outstanding()))
    }

    /// New data was acknowledged, and nothing is unusual.
    #[inline(always)]
    pub(super) fn on_progress(
        &mut self,
        acknowledgment: Seq,
        echoed: impl Fn() -> Option<Duration>,
        timers: &mut Timers,
        environment: &mut Environment<'_>,
    ) {
        let count = acknowledgment.since(self.flight.oldest);
        let before = self.flight.outstanding();
        let limited = self.is_window_limited(before);
        let round_trip = self.advance(acknowledgment, None, echoed, environment);
        self.grow(Growth { bytes: count, limited, before, round_trip }, environment.now);
        self.tune(environment.memory);
        self.restart_alarm(timers, environment.now);
    }

    /// All before `acknowledgment` has arrived. What that means for losses is noted in `delivered`, if there are any.
    /// Returns the round-trip time that it tells, in microseconds.
    #[inline(always)]
    pub(super) fn advance(
        &mut self,
        acknowledgment: Seq,
        delivered: Option<&mut Delivered>,
        echoed: impl Fn() -> Option<Duration>,
        environment: &mut Environment<'_>,
    ) -> Option<u32> {
        let oldest = self.flight.oldest;
        let count = acknowledgment.since(oldest) as usize;
        let mut measured = self.flight.acknowledged(acknowledgment, environment.now);
        self.expiries = 0;
        self.count_busy(environment.now);
        self.waiting_since = environment.now;
        if self.rare.is_some() {
            self.judge_path_probe(acknowledgment, environment);
        }
        let usual = delivered.is_none();
        if let Some(delivered) = delivered {
            if let Some(buffer) = &mut self.buffer {
                buffer.board.acknowledge(oldest, acknowledgment, delivered);
            }
            measured = measured.or(delivered.round_trip());
        }
        // Without a measurement the doubled time-out stays (Karn; RFC 6298 5).
        let mut round_trip = measured.or_else(|| echoed().map(|echoed| micros(echoed.max(TICK))));
        if round_trip.is_none() && usual {
            cold_path();
            let sent_at = self.buffer.as_ref().and_then(|buffer| buffer.board.sent_once_at(acknowledgment));
            round_trip = sent_at.map(|sent_at| environment.now.micros_since(sent_at));
        }
        // The scoreboard is needed until a FIN is acknowledged, too.
        let all = self.flight.outstanding() == 0;
        if let Some(buffer) = self.buffer.take_if(|buffer| all && buffer.len() <= count) {
            environment.memory.give_send(buffer);
        } else if let Some(buffer) = &mut self.buffer {
            buffer.board.acknowledge_unmarked(acknowledgment);
            let used = buffer.used();
            buffer.acknowledge(count);
            environment.memory.discharge(used.saturating_sub(buffer.used()));
        }
        if let Some(rtt) = round_trip {
            self.rtt.sample(rtt, environment.now);
        }
        round_trip
    }

    /// Whether the congestion window holds the sender back, which has `before` bytes under way. In slow start a window of which
    /// more than half is used has proved itself (RFC 7661 4.3).
    #[inline]
    pub(super) fn is_window_limited(&self, before: u32) -> bool {
        self.congestion.limits || self.congestion.is_slow_start() && before > self.congestion.window() / 2
    }

    /// Lets the congestion window grow, if it is what limits the sender.
    #[inline(always)]
    pub(super) fn grow(&mut self, growth: Growth, now: Instant) {
        self.congestion.on_acknowledged(&Acknowledged {
            now,
            bytes: growth.bytes,
            segment_size: self.segment_size as u32,
            window_limited: growth.limited,
            in_flight: growth.before,
            round_trip: growth.round_trip,
            shortest: self.rtt.shortest_micros(),
            oldest: self.flight.oldest,
            highest: self.flight.next,
        });
    }

    /// Whether all that was ever sent, a FIN included, has been acknowledged.
    pub(crate) fn all_acknowledged(&self) -> bool {
        self.flight.outstanding() == 0
    }

    /// Whether a FIN was sent, so that it has a number.
    pub(crate) fn fin_sent(&self) -> bool {
        self.fin_sent
    }
}

/// A tick of the timestamps' clock: an echo tells no shorter time.
const TICK: Duration = Duration::from_millis(1);
