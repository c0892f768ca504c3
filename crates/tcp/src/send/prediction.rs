//! The acknowledgment that almost always comes (see `connection/prediction.rs`), and the segment that leaves where one waits for another.

use super::sender::Sender;
use super::transmit::Outbound;
use crate::environment::Environment;
use crate::settings::Settings;
use crate::timers::{Timer, Timers};
use basis::{Frame, Instant};
use core::time::Duration;
use wire::tcp::Header;

impl Sender {
    /// Whether a segment with text acknowledges something that is under way, or nothing new, while nothing is unusual:
    /// [`Sender::on_predicted`] is then as good as [`Sender::on_acknowledgment`].
    #[inline(always)]
    pub(crate) fn predicts(&self, header: &Header, timers: &Timers) -> bool {
        header.acknowledgment.since(self.flight.oldest) <= self.flight.outstanding()
            && self.recovery.is_quiet()
            && self.rare.is_none()
            && header.options.sack.is_empty()
            // Whether the window has opened is of no concern then.
            && !timers.is_armed(Timer::Probe)
    }

    /// Takes in the acknowledgment and window of a segment that it [predicts](Sender::predicts).
    #[inline(always)]
    pub(crate) fn on_predicted(
        &mut self,
        header: &Header,
        echoed: impl Fn() -> Option<Duration>,
        timers: &mut Timers,
        environment: &mut Environment<'_>,
    ) {
        self.on_heard();
        self.probe.answered();
        self.window.update(header);
        if header.acknowledgment != self.flight.oldest {
            self.on_progress(header.acknowledgment, echoed, timers, environment);
        }
    }

    /// [`Sender::may_transmit`] after an acknowledgment that it [predicted](Sender::predicts), and without a FIN.
    #[inline(always)]
    pub(crate) fn may_transmit_predicted(&self) -> bool {
        self.queued() as u32 > self.flight.outstanding() || self.probe.due
    }

    /// Lays the payload of the next segment into `frame`. `fin` tells that a FIN follows the last byte.
    #[inline(always)]
    pub(crate) fn next_segment(
        &mut self,
        frame: &mut Frame,
        fin: bool,
        settings: &Settings,
        timers: &mut Timers,
        environment: &mut Environment<'_>,
    ) -> Option<Outbound> {
        if self.flight.outstanding() == 0 && !fin && self.recovery.is_quiet() {
            let unsent = self.queued() as u32;
            if unsent == 0 {
                self.note_all_sent(environment.now);
                return None;
            }
            if self.goes_at_once(unsent, settings, environment.now) {
                self.begin_sending(timers, environment.now);
                return Some(self.emit(unsent, false, frame, timers, environment));
            }
        }
        self.next_of_any(frame, fin, settings, timers, environment)
    }

    /// Whether all that waits is one segment, and neither window nor the application holds it back, while nothing is under way or unusual:
    /// it is as [`Sender::next_of_any`] would have it that it leaves.
    #[inline(always)]
    fn goes_at_once(&mut self, unsent: u32, settings: &Settings, now: Instant) -> bool {
        let free = unsent <= u32::from(self.segment_size)
            && unsent < self.congestion.window().min(self.window.size)
            && self.rare.is_none()
            && !self.marks.holds(settings.cork())
            && !self.was_idle(now);
        if free {
            self.congestion.set_limits(false, self.flight.oldest, self.flight.oldest);
        }
        free
    }
}
