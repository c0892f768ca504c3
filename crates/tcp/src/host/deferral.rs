//! Waiting for a call's first data before it is there to be accepted (TCP_DEFER_ACCEPT).

use core::time::Duration;

/// How often a SYN is answered at most, each time-out of the answer twice as long as the one before it.
pub(super) const LEVELS: usize = 8;

/// What the bare acknowledgment told that was passed over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Deferred {
    /// How often the SYN-ACK had been sent again.
    pub(super) repeated: u8,
    pub(super) round_trip: Option<Duration>,
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
    fn data_is_waited_for_until_the_time_out_that_is_not_too_soon_and_no_longer_than_127_s() {
        let deferrals = [0, 1, 999, 1_000, 1_001, 3_000, 3_001, 7_000, 63_000, 63_001, 127_000, 500_000];
        let counted = deferrals.map(|time| deferral(Some(Duration::from_millis(time))));
        assert_eq!(counted, [0, 1, 1, 1, 2, 2, 3, 3, 6, 7, 7, 7]);
        assert_eq!((deferral(None), deferral(Some(Duration::MAX))), (0, 7));
    }
}
