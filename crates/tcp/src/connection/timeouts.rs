//! What an open connection does when one of its timers expires.

use super::fate::Fate;
use super::open::Open;
use crate::environment::Environment;
use crate::error::Failure;
use crate::segment::Way;
use crate::send::expiry::Expiry;
use crate::settings::Settings;
use crate::timers::Timer;
use basis::Instant;

impl Open {
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
                    self.receive.acks.on_delay_over();
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
}
