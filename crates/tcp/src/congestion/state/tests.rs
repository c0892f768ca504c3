use super::*;

/// Those that answer with windows.
const BY_WINDOWS: [Algorithm; 2] = [Algorithm::Cubic, Algorithm::NewReno];

fn acknowledged(bytes: u32) -> Acknowledged {
    Acknowledged {
        now: Instant::from_millis(1_000),
        bytes,
        segment_size: 1000,
        window_limited: true,
        in_flight: 0,
        round_trip: None,
        shortest: 100_000,
        oldest: Seq(bytes),
        highest: Seq(10_000_000),
    }
}

const fn setback(in_flight: u32) -> Setback {
    Setback { in_flight, segment_size: 1000 }
}

#[test]
fn a_control_is_no_larger_than_56_bytes() {
    assert!(size_of::<Congestion>() <= 56, "{} bytes", size_of::<Congestion>());
}

#[test]
fn every_control_has_a_name_of_its_own() {
    for algorithm in Algorithm::ALL {
        assert_eq!(Algorithm::from_name(algorithm.name()), Some(algorithm));
        assert_eq!(Congestion::new(algorithm, 1000).algorithm(), algorithm);
    }
    assert_eq!(Algorithm::from_name("vegas"), None);
}

#[test]
fn new_reno_doubles_in_slow_start_and_then_adds_one_segment_a_window() {
    let mut control = Congestion::new(Algorithm::NewReno, 1000);
    control.on_acknowledged(&acknowledged(10_000));
    assert_eq!(control.window(), 20_000);
    control.on_congestion_event(setback(20_000));
    assert_eq!((control.window(), control.slow_start_threshold()), (10_000, 10_000));
    for _ in 0..10 {
        assert_eq!(control.window(), 10_000);
        control.on_acknowledged(&acknowledged(1000));
    }
    assert_eq!(control.window(), 11_000);
}

#[test]
fn an_unused_window_does_not_grow() {
    for algorithm in BY_WINDOWS {
        let mut control = Congestion::new(algorithm, 1000);
        control.on_acknowledged(&Acknowledged { window_limited: false, ..acknowledged(1000) });
        assert_eq!(control.window(), 10_000);
        control.on_congestion_event(setback(10_000));
        let window = control.window();
        for _ in 0..100 {
            control.on_acknowledged(&Acknowledged { window_limited: false, ..acknowledged(1000) });
        }
        assert_eq!(control.window(), window);
    }
}

#[test]
fn a_second_timeout_for_the_same_data_leaves_the_threshold() {
    for (algorithm, threshold) in [(Algorithm::NewReno, 5_000), (Algorithm::Cubic, 7_000)] {
        let mut control = Congestion::new(algorithm, 1000);
        control.on_timeout(setback(10_000), true);
        control.on_timeout(setback(1_000), false);
        assert_eq!((control.window(), control.slow_start_threshold()), (1000, threshold));
    }
}

#[test]
fn no_threshold_is_below_two_segments() {
    for algorithm in BY_WINDOWS {
        let mut control = Congestion::new(algorithm, 1000);
        control.on_timeout(setback(1_000), true);
        control.on_congestion_event(setback(1_000));
        assert_eq!((control.window(), control.slow_start_threshold()), (2_000, 2_000));
    }
}

#[test]
fn a_setback_that_was_none_is_taken_back_once() {
    for algorithm in BY_WINDOWS {
        let mut control = Congestion::new(algorithm, 1000);
        control.on_acknowledged(&acknowledged(10_000));
        control.on_congestion_event(setback(20_000));
        control.on_spurious();
        assert_eq!((control.window(), control.slow_start_threshold()), (20_000, u32::MAX));
        control.on_timeout(setback(20_000), true);
        control.on_timeout(setback(20_000), false);
        control.on_spurious();
        assert_eq!((control.window(), control.slow_start_threshold()), (20_000, u32::MAX));
        control.on_congestion_event(setback(20_000));
        control.on_idle(Instant::ZERO, Duration::from_secs(9), Duration::from_secs(1), Some(1000));
        let late = (control.window(), control.slow_start_threshold());
        control.on_spurious();
        assert_eq!(
            (control.window(), control.slow_start_threshold()),
            late,
            "it is too late to take it back"
        );
        assert_ne!(late.1, u32::MAX);
    }
}

#[test]
fn another_control_goes_on_from_the_same_window() {
    let mut control = Congestion::new(Algorithm::Cubic, 1000);
    control.on_acknowledged(&acknowledged(10_000));
    control.select(Algorithm::NewReno);
    assert_eq!((control.algorithm(), control.window()), (Algorithm::NewReno, 20_000));
    control.on_congestion_event(setback(20_000));
    control.select(Algorithm::Cubic);
    assert_eq!((control.window(), control.slow_start_threshold()), (10_000, 10_000));
    control.on_acknowledged(&acknowledged(1_000));
    assert!(control.window() >= 10_000);
}

#[test]
fn marks_slow_down_once_a_window_and_that_window_does_not_grow() {
    for (algorithm, slower) in [(Algorithm::Cubic, 7_000), (Algorithm::NewReno, 5_000)] {
        let mut control = Congestion::new(algorithm, 1000);
        assert!(!control.take_slowed_down());
        assert!(control.on_congestion_echo(Seq(1_000), Seq(10_000), setback(10_000), Instant::ZERO));
        assert_eq!(control.window(), slower);
        assert!(control.take_slowed_down() && !control.take_slowed_down());
        let acknowledgment = |oldest| Acknowledged { oldest: Seq(oldest), ..acknowledged(9_000) };
        control.on_acknowledged(&Acknowledged { in_flight: 3_000, ..acknowledgment(9_000) });
        assert_eq!(control.window(), 3_000, "no more goes out than comes in");
        control.on_acknowledged(&Acknowledged { in_flight: 30_000, ..acknowledgment(10_000) });
        assert!(!control.on_congestion_echo(Seq(10_000), Seq(15_000), setback(5_000), Instant::ZERO));
        assert_eq!(control.window(), slower);
        control.on_acknowledged(&acknowledgment(10_001));
        assert!(control.window() > slower);
        assert!(control.on_congestion_echo(Seq(10_002), Seq(15_000), setback(5_000), Instant::ZERO));
        control.on_spurious();
        assert!(control.window() < slower, "a mark is no mistake");
    }
}
