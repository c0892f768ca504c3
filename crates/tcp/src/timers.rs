//! The timers of one connection.

use basis::Instant;

/// What a connection can wait for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Timer {
    /// Sent data or FIN is unacknowledged (RFC 6298).
    Retransmit,
    /// The peer's window is closed, or too small for what waits (RFC 9293 3.8.6.1).
    Probe,
    /// Received data is unacknowledged (RFC 9293 3.8.6.3).
    DelayedAck,
    /// The peer is silent (RFC 9293 3.8.4).
    Keepalive,
    /// The application is gone and the peer's FIN is not here yet.
    FinWait2,
}

const TIMERS: [Timer; 5] =
    [Timer::Retransmit, Timer::Probe, Timer::DelayedAck, Timer::Keepalive, Timer::FinWait2];

/// The deadline of each timer; an idle connection has none armed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timers([Instant; TIMERS.len()]);

impl Timers {
    pub(crate) const fn new() -> Timers {
        Timers([Instant::FAR_FUTURE; TIMERS.len()])
    }

    #[inline]
    pub(crate) fn arm(&mut self, timer: Timer, deadline: Instant) {
        self.0[timer as usize] = deadline;
    }

    #[inline]
    pub(crate) fn stop(&mut self, timer: Timer) {
        self.0[timer as usize] = Instant::FAR_FUTURE;
    }

    #[inline]
    pub(crate) fn is_armed(&self, timer: Timer) -> bool {
        self.0[timer as usize] != Instant::FAR_FUTURE
    }

    /// The deadline that comes first, or [`Instant::FAR_FUTURE`].
    #[inline]
    pub(crate) fn next(&self) -> Instant {
        self.0.iter().copied().fold(Instant::FAR_FUTURE, Instant::min)
    }

    /// Stops one timer whose deadline has come, and returns it.
    pub(crate) fn pop_expired(&mut self, now: Instant) -> Option<Timer> {
        let timer = TIMERS.into_iter().find(|timer| self.0[*timer as usize] <= now)?;
        self.stop(timer);
        Some(timer)
    }
}
