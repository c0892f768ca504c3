use super::*;
use wire::tcp::Seq;

const SEGMENT: u32 = 1_000;
const RTT: u64 = 100;

fn round(cubic: &mut Cubic, window: &mut Window, begin: u64, window_limited: bool) -> u64 {
    round_of(cubic, window, begin, RTT, window_limited)
}

/// One round trip's acknowledgments of single segments, spread over its time. Returns the time after it.
fn round_of(cubic: &mut Cubic, window: &mut Window, begin: u64, rtt: u64, window_limited: bool) -> u64 {
    let count = u64::from(window.size / SEGMENT).max(1);
    for n in 0..count {
        let acknowledged = Acknowledged {
            now: Instant::from_millis(begin + n * rtt / count),
            bytes: SEGMENT,
            segment_size: SEGMENT,
            in_flight: 0,
            window_limited,
            round_trip: Some(rtt as u32 * 1_000),
            shortest: rtt as u32 * 1_000,
            oldest: Seq(begin as u32),
            highest: Seq(begin as u32 + 10),
        };
        cubic.on_acknowledged(window, &acknowledged);
    }
    begin + rtt
}

fn after_a_loss_at(segments: u32) -> (Cubic, Window) {
    let mut window = Window { size: segments * SEGMENT, threshold: u32::MAX };
    let mut cubic = Cubic::Exploring(HyStart::new());
    cubic.on_setback(&mut window, Setback { in_flight: segments * SEGMENT, segment_size: SEGMENT });
    window.size = window.threshold;
    (cubic, window)
}

#[test]
fn a_loss_leaves_seven_tenths() {
    let (_, window) = after_a_loss_at(100);
    assert_eq!(window, Window { size: 70_000, threshold: 70_000 });
}

/// RFC 9438 4.2: for W_max = 1000 segments K is the cube root of 750 s^3: 9.09 s.
#[test]
fn the_window_comes_back_after_k_first_fast_then_slow_and_then_fast_again() {
    let (mut cubic, mut window) = after_a_loss_at(1_000);
    let mut now = 50_000;
    let mut at = alloc::vec![window.size / SEGMENT];
    for _ in 0..130 {
        now = round(&mut cubic, &mut window, now, true);
        at.push(window.size / SEGMENT);
    }
    assert!(at.is_sorted());
    let growth = |from: usize, to: usize| at[to] - at[from];
    assert!(growth(0, 20) > 100 && growth(80, 100) < 10 && growth(110, 130) > 10, "{at:?}");
    assert!(at[85].abs_diff(1_000) <= 5 && at[92].abs_diff(1_000) <= 3, "{at:?}");
}

#[test]
fn each_round_trip_follows_the_curve() {
    let (mut cubic, mut window) = after_a_loss_at(1_000);
    let mut now = 50_000;
    for round_trips in 1..=180u32 {
        now = round(&mut cubic, &mut window, now, true);
        let expected = curve(1_000_000, time_to_peak(300_000, SEGMENT), 100 * round_trips, SEGMENT);
        // One round trip's growth behind or ahead.
        assert!(window.size.abs_diff(expected) <= 25_000, "{round_trips}: {} {expected}", window.size);
    }
}

/// RFC 9438 4.3: where round trips are short and windows small, the curve is slower than NewReno would be.
#[test]
fn a_small_window_grows_as_new_reno_does() {
    let (mut cubic, mut window) = after_a_loss_at(20);
    let mut now = 50_000;
    let mut rounds = 0;
    while window.size < 20_000 {
        now = round_of(&mut cubic, &mut window, now, 10, true);
        rounds += 1;
    }
    // Six segments at 9/17 of a segment a round trip: 11.3. The curve alone would take 2.4 s: 240 round trips.
    assert!((10..=13).contains(&rounds), "{rounds}");
    let before = window.size;
    for _ in 0..5 {
        now = round_of(&mut cubic, &mut window, now, 10, true);
    }
    assert_eq!(window.size, before + 5 * SEGMENT, "beyond the last window a whole segment a round trip");
}

/// RFC 9438 4.7.
#[test]
fn a_second_loss_below_the_peak_lowers_the_next_peak() {
    let (mut cubic, mut window) = after_a_loss_at(1_000);
    cubic.on_setback(&mut window, Setback { in_flight: 700_000, segment_size: SEGMENT });
    window.size = window.threshold;
    assert_eq!((cubic.peak(), window.size), (595_000, 490_000));
    window.size = 600_000;
    cubic.on_setback(&mut window, Setback { in_flight: 600_000, segment_size: SEGMENT });
    assert_eq!(cubic.peak(), 600_000, "above the peak it is a peak of its own");
}

/// RFC 9438 5.8.
#[test]
fn time_in_which_the_application_was_the_limit_does_not_count() {
    let (mut busy, mut busy_window) = after_a_loss_at(1_000);
    let (mut quiet, mut quiet_window) = after_a_loss_at(1_000);
    let mut now = 50_000;
    for _ in 0..20 {
        round(&mut busy, &mut busy_window, now, true);
        now = round(&mut quiet, &mut quiet_window, now, true);
    }
    let mut later = now;
    for _ in 0..200 {
        later = round(&mut quiet, &mut quiet_window, later, false);
    }
    quiet.on_idle(Instant::from_millis(later + 10_000));
    later += 10_000;
    for _ in 0..20 {
        now = round(&mut busy, &mut busy_window, now, true);
        later = round(&mut quiet, &mut quiet_window, later, true);
    }
    assert!(busy_window.size.abs_diff(quiet_window.size) < 5_000, "{busy_window:?} {quiet_window:?}");
}

/// RFC 9438 4.8.
#[test]
fn after_a_timeout_the_curve_begins_at_its_flat_middle() {
    let (mut cubic, mut window) = after_a_loss_at(1_000);
    cubic.on_timeout(&mut window, Setback { in_flight: 700_000, segment_size: SEGMENT });
    window.size = SEGMENT;
    let mut now = 50_000;
    while window.is_slow_start() {
        now = round(&mut cubic, &mut window, now, true);
    }
    assert_eq!(window.size / SEGMENT, 490);
    for _ in 0..10 {
        now = round(&mut cubic, &mut window, now, true);
    }
    assert!(window.size < 500_000, "{}", window.size);
}

/// RFC 9438 4.4: no more than half as much again in a round trip.
#[test]
fn no_round_trip_grows_by_more_than_half() {
    let (mut cubic, mut window) = after_a_loss_at(10);
    let mut now = 50_000;
    for _ in 0..200 {
        let before = window.size;
        now = round(&mut cubic, &mut window, now, true) + 2_000;
        assert!(window.size <= before + before / 2 + SEGMENT, "{before} {}", window.size);
    }
    assert_eq!(window.size, MAX_WINDOW);
}

/// [`SlowStartExit::AtOnce`].
#[test]
fn who_left_slow_start_at_once_grows_by_a_twentieth_until_a_loss() {
    let mut window = Window { size: 100_000, threshold: 100_000 };
    let mut cubic = Cubic::Avoiding(Epoch::new(0, NO_PRIOR));
    let mut now = 50_000;
    for _ in 0..10 {
        now = round(&mut cubic, &mut window, now, true);
    }
    // 1.05^10.
    assert!((155_000..167_000).contains(&window.size), "{}", window.size);
    let in_flight = window.size;
    cubic.on_setback(&mut window, Setback { in_flight, segment_size: SEGMENT });
    window.size = window.threshold;
    let before = window.size;
    for _ in 0..3 {
        now = round(&mut cubic, &mut window, now, true);
    }
    assert!(window.size < before + before / 10, "the curve alone: {before} {}", window.size);
}

/// The first acknowledgment after an idle time lets no window grow.
#[test]
fn what_is_acknowledged_first_after_an_idle_time_tells_of_a_burst() {
    let (mut cubic, mut window) = after_a_loss_at(100);
    let now = round(&mut cubic, &mut window, 50_000, true);
    cubic.on_idle(Instant::from_millis(now + 5_000));
    let before = window.size;
    let acknowledged = Acknowledged {
        now: Instant::from_millis(now + 5_100),
        bytes: 10 * SEGMENT,
        segment_size: SEGMENT,
        in_flight: 0,
        window_limited: true,
        round_trip: None,
        shortest: 100_000,
        oldest: Seq(0),
        highest: Seq(10),
    };
    cubic.on_acknowledged(&mut window, &acknowledged);
    assert_eq!(window.size, before - before % SEGMENT);
    cubic.on_acknowledged(&mut window, &acknowledged);
    assert!(window.size > before);
}
