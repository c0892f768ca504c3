//! Proportional rate reduction: how much is sent while a loss is repaired (RFC 9937).

/// The state of one recovery. All sizes are bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rate {
    /// Delivered since recovery began. prr_delivered.
    delivered: u64,
    /// Sent since then. prr_out.
    sent: u64,
    /// Under way when it began. RecoverFS.
    flight: u64,
    /// What may be under way until the next acknowledgment.
    pub(super) window: u32,
}

impl Rate {
    /// Recovery begins with `flight` bytes under way, those included that the acknowledgment which begins it delivers.
    pub(super) fn new(flight: u32) -> Rate {
        Rate { flight: flight.max(1) as u64, ..Rate::default() }
    }

    pub(super) fn on_sent(&mut self, bytes: u32) {
        self.sent += bytes as u64;
    }

    /// An acknowledgment delivered so many bytes; `pipe` are still under way. `safe` tells that it acknowledged new data and
    /// showed no further loss.
    ///
    /// What may be sent is rounded up to whole segments, so that none waits for the other half of its allowance.
    pub(super) fn on_acknowledged(
        &mut self,
        delivered: u32,
        pipe: u32,
        threshold: u32,
        segment_size: u32,
        safe: bool,
    ) {
        self.delivered += delivered as u64;
        let segment = segment_size.max(1) as u64;
        let mut count = if pipe > threshold {
            let share = (self.delivered * threshold as u64).div_ceil(self.flight);
            share.next_multiple_of(segment).saturating_sub(self.sent)
        } else {
            let credit = self.delivered.saturating_sub(self.sent).max(delivered as u64);
            let credit = if safe { credit + segment } else { credit };
            credit.min((threshold - pipe) as u64)
        };
        if self.sent == 0 {
            // The fast retransmit goes in any case.
            count = count.max(segment);
        }
        self.window = pipe.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn of_two_segments_delivered_one_lets_another_go_when_the_window_is_to_be_halved() {
        let mut rate = Rate::new(20_000);
        let (mut pipe, mut sent) = (19_000, Vec::new());
        for _ in 0..8 {
            rate.on_acknowledged(1_000, pipe, 10_000, 1_000, false);
            let count = rate.window - pipe;
            rate.on_sent(count);
            sent.push(count);
            pipe = rate.window - 1_000;
        }
        assert_eq!(sent, [1_000, 0, 1_000, 0, 1_000, 0, 1_000, 0]);
    }

    #[test]
    fn below_the_threshold_it_grows_by_one_segment_an_acknowledgment_if_that_is_safe() {
        let mut rate = Rate::new(20_000);
        rate.on_acknowledged(1_000, 4_000, 10_000, 1_000, false);
        assert_eq!(rate.window, 5_000);
        rate.on_sent(1_000);
        rate.on_acknowledged(1_000, 4_000, 10_000, 1_000, true);
        assert_eq!(rate.window, 6_000);
        rate.on_sent(2_000);
        rate.on_acknowledged(1_000, 9_900, 10_000, 1_000, true);
        assert_eq!(rate.window, 10_000);
    }

    use alloc::vec::Vec;

    proptest! {
        /// Whatever is delivered, the share sent never exceeds what was delivered in all by more than two segments an acknowledgment,
        /// and what is under way never exceeds the larger of what was and the threshold.
        #[test]
        fn it_never_sends_more_than_it_may(
            steps in prop::collection::vec((0..20_000u32, any::<bool>()), 1..50),
            flight in 1..200_000u32,
            threshold in 2_000..150_000u32,
        ) {
            let mut rate = Rate::new(flight);
            let (mut pipe, mut total, mut sent) = (flight, 0u32, 0u32);
            for (delivered, safe) in steps {
                let delivered = delivered.min(pipe);
                pipe -= delivered;
                rate.on_acknowledged(delivered, pipe, threshold, 1_000, safe);
                prop_assert!(rate.window >= pipe);
                // What was held back while the threshold was reached may go later.
                total += delivered;
                let credit = delivered.max(total.saturating_sub(sent));
                prop_assert!(rate.window <= (pipe + credit + 2_000).max(threshold.min(pipe + 1_000)));
                sent += rate.window - pipe;
                rate.on_sent(rate.window - pipe);
                pipe = rate.window;
                prop_assert!(pipe <= flight.max(threshold) + 2_000);
            }
        }
    }
}
