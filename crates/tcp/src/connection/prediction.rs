//! Header prediction (Van Jacobson, 1990): the segment that almost always comes is known beforehand. It brings the next bytes in one
//! packet, acknowledges something that is under way or nothing new, and means nothing else. All that [`Open::on_segment`] would ask of it
//! one after the other is asked at once here, and all that it would do is done by the same functions.
//!
//! `host/prediction.rs` compares both ways.

use super::effect::Standing;
use super::open::Open;
use crate::environment::Environment;
use crate::event::Readiness;
use crate::settings::Settings;
use basis::Frame;
use wire::tcp::{Flags, Header};

impl Open {
    /// Whether a segment is the one that almost always comes: [`Open::on_predicted`] is then as good as [`Open::on_segment`], which would
    /// let the connection live.
    #[inline(always)]
    pub(crate) fn predicts(
        &self,
        header: &Header,
        payload: &Frame,
        settings: &Settings,
        environment: &Environment<'_>,
    ) -> bool {
        header.flags.without(Flags::PSH) == Flags::ACK
            && self.receive.predicts(header, payload, environment)
            && self.send.predicts(header, &self.timers)
            && !self.closing.asked()
            && !self.negotiated.marks()
            && self.syn_ack.is_none()
            && !settings.asks_silent_peers()
    }

    /// Takes in a segment that it [predicts](Open::predicts).
    #[inline(always)]
    pub(crate) fn on_predicted(
        &mut self,
        header: &Header,
        payload: &mut Frame,
        environment: &mut Environment<'_>,
    ) {
        self.keepalive.on_heard(None, &mut self.timers, environment.now);
        let (timestamps, now) = (&self.receive.timestamps, environment.now);
        let echoed = || timestamps.round_trip(header.options.timestamps, now);
        self.send.on_predicted(header, echoed, &mut self.timers, environment);
        self.receive.on_predicted(header, payload, &mut self.timers, environment);
    }

    /// How the connection stands after a segment that it [predicted](Open::predicts): what `ControlBlock::standing` would find, of which
    /// most is known. `reported` is what the application was told.
    #[inline(always)]
    pub(super) fn standing_predicted(&self, reported: Readiness) -> Standing {
        Standing {
            may_transmit: self.receive.acks.is_due() || self.send.may_transmit_predicted(),
            deadline: self.next_deadline(),
            ready: Readiness::CONNECTED
                | Readiness::READABLE
                | Readiness::WRITABLE.when(self.is_writable(reported))
                | Readiness::DRAINED.when(self.send.queued() == 0),
        }
    }
}
