//! The acknowledgment that almost always comes: see `connection/prediction.rs`.

use super::sender::Sender;
use crate::environment::Environment;
use crate::timers::{Timer, Timers};
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
}
