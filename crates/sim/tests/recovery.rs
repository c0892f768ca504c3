//! What loss recovery owes a path that loses and reorders: no time-out where nothing is lost for good.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that is set up wrongly is to be stopped")]

mod path;

use path::transfer;

/// RFC 8985 6.2: segments that are late by a quarter of a round trip are told from lost ones, and no time-out is needed for either.
#[test]
fn a_path_that_reorders_costs_no_time_out() {
    for (rtt, least) in [(2, 90.0), (20, 85.0), (100, 70.0)] {
        for seed in 1..4 {
            let (rate, counters) = transfer(rtt, 0.0, 5.0, true, seed);
            assert_eq!(counters.timeouts, 0, "RTT {rtt} ms, seed {seed}");
            assert!(rate > least, "RTT {rtt} ms, seed {seed}: {rate} Mbit/s");
        }
    }
}

/// A queue of one round trip takes the end of slow start without hundreds of losses, and what is lost needs no time-out.
#[test]
fn slow_start_ends_before_a_queue_of_one_round_trip_has_lost_much() {
    for rtt in [20, 100] {
        let (rate, counters) = transfer(rtt, 0.0, 0.0, true, 1);
        assert_eq!(counters.timeouts, 0, "RTT {rtt} ms");
        assert!(counters.retransmissions < 600, "RTT {rtt} ms: {}", counters.retransmissions);
        assert!(rate > 75.0, "RTT {rtt} ms: {rate} Mbit/s");
    }
}

/// Random losses are repaired by acknowledgments, not by time-outs.
#[test]
fn one_loss_in_a_hundred_costs_no_time_out() {
    for seed in 1..6 {
        let (_, counters) = transfer(20, 1.0, 0.0, true, seed);
        assert_eq!(counters.timeouts, 0, "seed {seed}");
        assert!(counters.fast_retransmits > 10, "seed {seed}");
    }
}
