//! Probing a closed window (RFC 9293 3.8.6.1).

use core::time::Duration;

const LONGEST: Duration = Duration::from_secs(120);

/// The state of probing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Probe {
    /// Probes sent since the window was last open.
    sent: u8,
    /// Probes since the peer was last heard.
    unanswered: u8,
    /// A probe waits to be sent.
    pub(crate) due: bool,
    /// The wait is over: what fits the window is sent, however small (RFC 1122 4.2.3.4: the override time-out).
    pub(crate) overridden: bool,
}

impl Probe {
    /// None is needed.
    pub(super) const NONE: Probe = Probe { sent: 0, unanswered: 0, due: false, overridden: false };

    /// Time until the next probe: the retransmission time-out, doubled with each (MUST-37).
    pub(crate) fn interval(&self, timeout: Duration) -> Duration {
        timeout.saturating_mul(1 << self.sent.min(10)).min(LONGEST)
    }

    pub(crate) fn expired(&mut self) {
        self.sent = self.sent.saturating_add(1);
        self.unanswered = self.unanswered.saturating_add(1);
    }

    /// The peer lives: it may keep its window closed as long as it likes (MUST-36).
    pub(crate) fn answered(&mut self) {
        self.unanswered = 0;
    }

    /// The window is open again.
    pub(crate) fn reset(&mut self) {
        *self = Probe::default();
    }

    /// Probes since the window was last open.
    pub(crate) fn sent(&self) -> u8 {
        self.sent
    }

    pub(crate) fn unanswered(&self) -> u8 {
        self.unanswered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_doubles_up_to_two_minutes() {
        let mut probe = Probe::default();
        let mut intervals = [0; 12];
        for interval in &mut intervals {
            *interval = probe.interval(Duration::from_millis(300)).as_millis();
            probe.expired();
        }
        assert_eq!(
            intervals,
            [300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 76800, 120000, 120000, 120000]
        );
    }
}
