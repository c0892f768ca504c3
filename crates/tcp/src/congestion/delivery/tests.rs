use super::*;
use proptest::prelude::*;

const MS: fn(u64) -> Instant = Instant::from_millis;

/// Segment `n` of 1000 bytes.
fn send(delivery: &mut Delivery, n: u32, in_flight: u32, now: u64) {
    delivery.on_sent(Seq(1_000 * n), Seq(1_000 * n + 1_000), in_flight, MS(now));
}

/// Segment `n` is acknowledged with all before it, `count` of them for the first time.
fn acknowledge(delivery: &mut Delivery, n: u32, count: u32, sent_at: u64, now: u64) -> RateSample {
    let end = Seq(1_000 * n + 1_000);
    delivery.on_delivered(1_000 * count, Some((MS(sent_at), end)), end, 1_000, MS(now))
}

#[test]
fn the_rate_is_what_was_delivered_from_the_sending_to_the_acknowledgment() {
    let mut delivery = Delivery::new();
    for n in 0..10 {
        send(&mut delivery, n, 1_000 * (n + 1), 100);
    }
    let first = acknowledge(&mut delivery, 0, 1, 100, 200);
    assert_eq!((first.rate, first.delivered, first.in_flight), (10_000, 1_000, 1_000));
    let all = acknowledge(&mut delivery, 9, 9, 100, 200);
    assert_eq!((all.rate, all.delivered, all.in_flight), (100_000, 10_000, 10_000));
    assert_eq!(all.prior_delivered, Some(0));
    assert_eq!(delivery.transmissions.len(), 0);
}

#[test]
fn acknowledgments_in_a_bunch_tell_no_more_than_the_rate_of_the_sending() {
    let mut delivery = Delivery::new();
    for n in 0..10 {
        send(&mut delivery, n, 1_000 * (n + 1), 100 * u64::from(n));
    }
    // They took a second to leave, and were acknowledged at once: 10 bytes each millisecond.
    let all = acknowledge(&mut delivery, 9, 10, 900, 1_000);
    assert_eq!(all.rate, 10_000);
}

#[test]
fn what_comes_back_sooner_than_the_path_allows_tells_no_rate() {
    let mut delivery = Delivery::new();
    send(&mut delivery, 0, 1_000, 100);
    let end = Seq(1_000);
    let sample = delivery.on_delivered(1_000, Some((MS(100), end)), end, 11_000, MS(110));
    assert_eq!((sample.rate, sample.delivered), (0, 1_000));
    assert_eq!(delivery.last().rate, 0);
}

#[test]
fn a_gap_counts_until_it_has_left_the_path() {
    let mut delivery = Delivery::new();
    send(&mut delivery, 0, 1_000, 0);
    delivery.on_starved(1_000);
    send(&mut delivery, 1, 2_000, 10);
    assert!(!acknowledge(&mut delivery, 0, 1, 0, 100).starved, "it left before the gap");
    assert!(delivery.is_starved(), "the gap has not been passed yet");
    send(&mut delivery, 2, 2_000, 100);
    assert!(acknowledge(&mut delivery, 1, 1, 10, 110).starved);
    assert!(!delivery.is_starved());
    assert!(acknowledge(&mut delivery, 2, 1, 100, 200).starved, "it left while the gap was on its way");
    send(&mut delivery, 3, 1_000, 200);
    assert!(!acknowledge(&mut delivery, 3, 1, 200, 300).starved);
}

#[test]
fn what_was_lost_meanwhile_is_counted() {
    let mut delivery = Delivery::new();
    for n in 0..4 {
        send(&mut delivery, n, 1_000 * (n + 1), 10 * u64::from(n));
    }
    let (sent, lost) = delivery.on_lost(1_000, MS(0), Seq(1_000)).unwrap();
    assert_eq!((sent.in_flight, lost), (1_000, 1_000));
    let sample = delivery.on_delivered(1_000, Some((MS(30), Seq(4_000))), Seq(0), 0, MS(130));
    assert_eq!((sample.lost, sample.in_flight), (1_000, 4_000));
    assert!(delivery.on_lost(1_000, MS(5), Seq(1_000)).is_none(), "nothing was sent then");
}

#[test]
fn no_more_transmissions_are_remembered_than_may_be() {
    let mut delivery = Delivery::new();
    for n in 0..MAX_TRANSMISSIONS as u32 + 10 {
        send(&mut delivery, n, 2_000, u64::from(n));
    }
    assert_eq!(delivery.transmissions.len(), MAX_TRANSMISSIONS);
    let sample = delivery.on_delivered(1_000, Some((MS(9), Seq(10_000))), Seq(0), 0, MS(99_999));
    assert_eq!((sample.rate, sample.prior_delivered), (0, None), "the oldest is forgotten");
    assert!(size_of::<Transmission>() <= 64);
}

#[test]
fn who_rests_keeps_little_and_who_goes_on_takes_at_once_what_was_needed() {
    let mut delivery = Delivery::new();
    for burst in 0..3u32 {
        let first = burst * 100;
        for n in first..first + 100 {
            send(&mut delivery, n, 1_000, u64::from(1_000 * burst + n));
            if burst > 0 {
                assert!(delivery.transmissions.capacity() >= 100);
            }
        }
        let end = Seq((first + 100) * 1_000);
        delivery.on_delivered(100_000, None, end, 0, MS(u64::from(1_000 * burst + 900)));
        assert_eq!(delivery.transmissions.capacity(), 0);
    }
    for (burst, kept) in [(3, 0), (4, KEPT)] {
        for n in 0..KEPT as u32 {
            send(&mut delivery, 100 * burst + n, 1_000, u64::from(2_000 * burst + n));
        }
        delivery.on_delivered(1, None, Seq(1_000_000), 0, MS(9_000));
        assert_eq!(delivery.transmissions.capacity(), kept, "what had been needed before is taken once more");
    }
}

proptest! {
    /// A path that delivers a segment each `gap` milliseconds is never told to be faster, however acknowledgments bunch.
    #[test]
    fn no_sample_is_faster_than_the_path(
        gap in 1..20u64,
        bunches in prop::collection::vec(1..12u32, 1..60),
        window in 4..40u32,
    ) {
        let mut delivery = Delivery::new();
        let rate = 1_000_000 / gap;
        let (mut next, mut oldest, mut served) = (0u32, 0u32, 0u64);
        let (mut now, mut sent_at) = (1_000u64, Vec::new());
        let mut arrivals: Vec<u64> = Vec::new();
        for bunch in bunches {
            while next - oldest < window {
                send(&mut delivery, next, 1_000 * (next - oldest + 1), now);
                sent_at.push(now);
                served = served.max(now + 40) + gap;
                arrivals.push(served);
                next += 1;
            }
            let last = (oldest + bunch).min(next) - 1;
            now = now.max(arrivals[last as usize]);
            let sample = acknowledge(&mut delivery, last, last + 1 - oldest, sent_at[last as usize], now);
            prop_assert!(sample.rate <= rate + rate / 100 + u64::from(bunch.min(window)) * 1_000_000 / 40, "{sample:?}");
            // Without bunches there is nothing to be mistaken about.
            if bunch == 1 && oldest > 2 * window {
                prop_assert!(sample.rate > 0);
            }
            oldest = last + 1;
        }
    }
}

use alloc::vec::Vec;
