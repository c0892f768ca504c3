//! What acknowledgments do to the sender (RFC 9293 3.10.7.4, fifth step).

use super::recovery::Progress;
use super::sender::Sender;
use crate::congestion::Acknowledged;
use crate::environment::Environment;
use crate::timers::{Timer, Timers};
use basis::Instant;
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

impl Sender {
    /// Takes in the acknowledgment and window of a segment (RFC 9293 3.10.7.4, fifth step).
    /// `echoed` is the round-trip time that a timestamp tells, if one does.
    #[inline(always)]
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

    pub(super) fn on_duplicate(&mut self, environment: &mut Environment<'_>) {
        let segment_size = self.segment_size as u32;
        if self.recovery.on_duplicate(&self.flight, segment_size, &mut self.congestion) {
            environment.counters.fast_retransmits += 1;
        }
    }

    #[inline(always)]
    pub(super) fn on_progress(
        &mut self,
        acknowledgment: Seq,
        echoed: Option<Duration>,
        timers: &mut Timers,
        environment: &mut Environment<'_>,
    ) {
        let count = acknowledgment.since(self.flight.oldest);
        let before = self.flight.outstanding();
        let measured = self.flight.acknowledged(acknowledgment, environment.now);
        let round_trip = measured.or(echoed);
        // Without a measurement the doubled time-out stays (Karn; RFC 6298 5).
        if let Some(rtt) = round_trip {
            self.rtt.sample(rtt);
        }
        self.expiries = 0;
        if let Some(buffer) = self.buffer.take_if(|buffer| buffer.len() <= count as usize) {
            environment.memory.give_send(buffer);
        } else if let Some(buffer) = &mut self.buffer {
            buffer.acknowledge(count as usize);
            environment.memory.discharge(count as usize);
        }
        let segment_size = self.segment_size as u32;
        let progress = self.recovery.on_progress(count, &self.flight, segment_size, &mut self.congestion);
        if progress == Progress::Normal {
            // In slow start a window of which half was used has proved itself (RFC 7661 4.3).
            let half_used = self.congestion.is_slow_start() && before >= self.congestion.window() / 2;
            self.congestion.on_acknowledged(&Acknowledged {
                now: environment.now,
                bytes: count,
                segment_size,
                window_limited: self.congestion_limited || half_used,
                round_trip,
                smoothed: self.rtt.smoothed(),
                oldest: acknowledgment,
                highest: self.flight.highest,
            });
        }
        self.tune(environment.memory);
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
}
