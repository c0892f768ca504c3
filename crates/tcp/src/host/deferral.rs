//! Waiting for a call's first data before it is there to be accepted (TCP_DEFER_ACCEPT).

use super::half_open::{HalfOpen, LEVELS, NOT_DEFERRED};
use basis::Instant;
use core::time::Duration;

impl HalfOpen {
    /// How often the SYN-ACK was sent again before it was acknowledged.
    pub(super) fn repeated(&self) -> u8 {
        if self.is_deferred() { self.deferred } else { self.retries }
    }

    /// The round trip from the SYN-ACK to its first acknowledgment, if only one was sent.
    pub(super) fn told_round_trip(&self, now: Instant) -> Option<Duration> {
        match self.is_deferred() {
            true => (self.told != 0).then(|| Duration::from_micros(self.told.into())),
            false => self.round_trip(now),
        }
    }

    /// The handshake could be done, by an acknowledgment that is `bare`. Returns whether it is passed over, since the listener waits for
    /// data, through so many time-outs of the SYN-ACK (TCP_DEFER_ACCEPT).
    #[cold]
    pub(crate) fn defer(&mut self, bare: bool, defers: u8, now: Instant) -> bool {
        let passed_over = bare && self.retries < defers;
        if passed_over && !self.is_deferred() {
            let told = self
                .round_trip(now)
                .map_or(0, |time| u32::try_from(time.as_micros()).unwrap_or(u32::MAX).max(1));
            (self.deferred, self.told) = (self.retries, told);
        }
        passed_over
    }

    fn is_deferred(&self) -> bool {
        self.deferred != NOT_DEFERRED
    }

    /// Of how many time-outs it lasts, where `usual` is how often a SYN-ACK is sent again, and whether the one that comes now sends it
    /// again. While data is waited for nothing is sent, but once at the end.
    pub(crate) fn patience(&self, usual: u8, defers: u8) -> (u8, bool) {
        match self.is_deferred() {
            true => (usual.max(defers), self.retries + 1 >= defers),
            false => (usual, !self.undecided),
        }
    }
}

/// So many time-outs of a SYN-ACK last no shorter than `time`: 1 s, 2 s and so on.
pub(crate) fn deferral(time: Option<Duration>) -> u8 {
    let seconds = time.map_or(0, |time| time.as_nanos().div_ceil(1_000_000_000));
    (0..LEVELS as u8 - 1).find(|count| seconds < 1 << count).unwrap_or(LEVELS as u8 - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_open_connection_is_small() {
        assert!(size_of::<HalfOpen>() <= 112, "{} bytes", size_of::<HalfOpen>());
    }

    #[test]
    fn data_is_waited_for_until_the_time_out_that_is_not_too_soon_and_no_longer_than_127_s() {
        let deferrals = [0, 1, 999, 1_000, 1_001, 3_000, 3_001, 7_000, 63_000, 63_001, 127_000, 500_000];
        let counted = deferrals.map(|time| deferral(Some(Duration::from_millis(time))));
        assert_eq!(counted, [0, 1, 1, 1, 2, 2, 3, 3, 6, 7, 7, 7]);
        assert_eq!((deferral(None), deferral(Some(Duration::MAX))), (0, 7));
    }
}
