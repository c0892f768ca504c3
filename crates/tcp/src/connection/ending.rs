//! How a connection ends by its application: it closes a direction or is gone, and what comes then is for nobody.

use super::fate::Fate;
use super::open::Open;
use crate::environment::Environment;
use crate::error::Failure;
use crate::settings::Settings;
use crate::timers::Timer;
use basis::Frame;
use core::hint::cold_path;
use wire::tcp::Header;

impl Open {
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

    /// Whether the segment holds bytes that have not come before.
    pub(super) fn is_beyond_reading(&self, header: &Header, payload: &Frame) -> bool {
        (header.sequence + payload.len() as u32).after(self.receive.next()) && !self.receive.finished()
    }

    /// How the connection stands; `detached` tells that its application is gone.
    #[inline(always)]
    pub(super) fn fate(
        &mut self,
        settings: &Settings,
        detached: bool,
        environment: &Environment<'_>,
    ) -> Fate {
        let peer_finished = self.receive.finished();
        if self.lost_input && self.send.queued() == 0 {
            cold_path();
            return Fate::Reset(Failure::Reset);
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
}
