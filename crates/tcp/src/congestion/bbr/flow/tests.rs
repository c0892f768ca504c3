use super::super::super::controller::LostSegment;
use super::super::super::delivery::RateSample;
use super::*;
use core::time::Duration;
use proptest::prelude::*;

const SEGMENT: u32 = 1_000;

fn context(now: Instant) -> Context {
    Context { now, smoothed: 10_000, segment_size: SEGMENT, next: Seq(1) }
}

/// A connection that has just begun, with a window of ten segments and a round trip of 10 ms.
fn begun() -> (Bbr, Window, Instant) {
    let mut window = Window::new(SEGMENT);
    let mut bbr = Bbr::new(&window);
    let now = Instant::from_millis(1_000);
    bbr.on_transmit(SEGMENT, SEGMENT, false, 0, &mut window, context(now));
    (bbr, window, now)
}

/// Acknowledgments of a path that delivers `rate` bytes a second in rounds of 10 ms.
struct Feed {
    bbr: Bbr,
    window: Window,
    now: Instant,
    delivered: u64,
}

impl Feed {
    fn new() -> Feed {
        let (bbr, window, now) = begun();
        Feed { bbr, window, now, delivered: 0 }
    }

    /// One round, by one acknowledgment.
    fn round(&mut self, rate: u64, starved: bool, in_flight: u32) {
        self.round_of(rate, starved, in_flight, 10_000, 0);
    }

    fn round_of(&mut self, rate: u64, starved: bool, in_flight: u32, round_trip: u32, lost: u64) {
        let before = self.delivered;
        let bytes = (rate / 100).max(1);
        self.now += Duration::from_millis(10);
        self.delivered += bytes;
        let sample = RateSample {
            rate,
            starved,
            delivered: bytes,
            prior_delivered: Some(before),
            newly_delivered: bytes as u32,
            in_flight: bytes as u32,
            lost,
        };
        let signal = Signal {
            now: self.now,
            sample,
            round_trip: Some(round_trip),
            segment_size: SEGMENT,
            in_flight,
            delivered: self.delivered,
            selective: true,
        };
        self.bbr.on_signal(&mut self.window, &signal);
    }

    /// Until the pipe was full at `rate`, and drained.
    fn full(rate: u64) -> Feed {
        let mut feed = Feed::new();
        for _ in 0..6 {
            feed.round(rate, false, 100_000_000);
        }
        feed.round(rate, false, 0);
        feed
    }

    fn lose(&mut self, bytes: u32, in_flight: u32, since: u64) {
        let sent = Some((in_flight, false, since));
        let (now, delivered) = (self.now, self.delivered);
        let lost = LostSegment { now, bytes, end: Seq(5_000), sent, delivered, selective: true };
        self.bbr.on_lost(&self.window, &lost);
    }

    /// Round by round, until it is in this state.
    fn until(&mut self, stage: Stage, rate: u64) {
        for _ in 0..1_000 {
            if self.bbr.stage == stage {
                return;
            }
            let in_flight = self.bbr.bandwidth_delay_product() * 9 / 10;
            self.round(rate, false, in_flight);
        }
        panic!("{stage:?} has not come: {:?}", self.bbr.stage);
    }
}

#[test]
fn the_first_rate_is_2_77_times_the_initial_window_in_a_round_trip() {
    let (bbr, ..) = begun();
    assert_eq!(bbr.pacing_rate(), 2_770_000);
    let mut window = Window::new(SEGMENT);
    let mut bbr = Bbr::new(&window);
    let now = Instant::from_millis(1);
    bbr.on_transmit(SEGMENT, SEGMENT, false, 0, &mut window, Context { smoothed: 0, ..context(now) });
    assert_eq!(bbr.pacing_rate(), 27_700_000, "a round trip that is not known is taken for a millisecond");
}

#[test]
fn startup_ends_three_rounds_after_the_bandwidth_has_ceased_to_grow_by_a_quarter() {
    let mut feed = Feed::new();
    for rate in [1_000_000, 2_000_000, 4_000_000] {
        feed.round(rate, false, 1_000_000);
        assert_eq!(feed.bbr.stage, Stage::Startup);
    }
    feed.round(4_900_000, false, 1_000_000);
    feed.round(4_900_000, false, 1_000_000);
    assert_eq!(feed.bbr.stage, Stage::Startup);
    feed.round(4_900_000, false, 1_000_000);
    assert_eq!(feed.bbr.stage, Stage::Drain);
    assert_eq!(feed.bbr.pacing_rate(), 4_900_000 * 50 / 100 * 99 / 100);
}

#[test]
fn what_the_application_holds_back_never_ends_startup_and_never_slows_it_down() {
    let mut feed = Feed::new();
    let first = feed.bbr.pacing_rate();
    for _ in 0..50 {
        feed.round(100_000, true, 1_000);
    }
    assert_eq!((feed.bbr.stage, feed.bbr.pacing_rate()), (Stage::Startup, first));
}

#[test]
fn a_slow_application_takes_nothing_from_the_bandwidth_and_a_faster_sample_counts_all_the_same() {
    let mut feed = Feed::full(5_000_000);
    feed.round(100_000, true, 0);
    assert_eq!(feed.bbr.bandwidth.most, 5_000_000);
    feed.round(6_000_000, true, 0);
    assert_eq!(feed.bbr.bandwidth.most, 6_000_000);
}

#[test]
fn drain_ends_when_no_more_is_under_way_than_the_path_holds_or_after_three_rounds() {
    let mut feed = Feed::new();
    while feed.bbr.stage == Stage::Startup {
        feed.round(5_000_000, false, 100_000);
    }
    feed.round(5_000_000, false, 50_001);
    assert_eq!(feed.bbr.stage, Stage::Drain, "the path holds 50 000");
    let mut other = Feed { bbr: feed.bbr.clone(), ..feed };
    other.round(5_000_000, false, 50_000);
    assert!(other.bbr.stage.is_probe_bw());
    feed = other;
    let mut slow = Feed::new();
    while slow.bbr.stage == Stage::Startup {
        slow.round(5_000_000, false, 100_000);
    }
    for _ in 0..3 {
        slow.round(5_000_000, false, 100_000);
        assert_eq!(slow.bbr.stage, Stage::Drain);
    }
    slow.round(5_000_000, false, 100_000);
    assert_eq!(slow.bbr.stage, Stage::Down);
    assert_ne!(feed.bbr.stage, Stage::Drain);
}

#[test]
fn the_cycle_goes_down_cruises_refills_for_a_round_and_goes_up() {
    let mut feed = Feed::full(20_000_000);
    feed.until(Stage::Cruise, 20_000_000);
    assert_eq!(feed.bbr.pacing_rate(), 20_000_000 * 99 / 100);
    feed.until(Stage::Refill, 20_000_000);
    feed.round(20_000_000, false, 180_000);
    assert_eq!(feed.bbr.stage, Stage::Up);
    assert_eq!(feed.bbr.pacing_rate(), 20_000_000 * 125 / 100 * 99 / 100);
    // No more bandwidth: three rounds tell.
    for _ in 0..2 {
        feed.round(20_000_000, false, 180_000);
        assert_eq!(feed.bbr.stage, Stage::Up);
    }
    feed.round(20_000_000, false, 250_000);
    assert_eq!(feed.bbr.stage, Stage::Down);
    assert_eq!(feed.bbr.pacing_rate(), 20_000_000 * 90 / 100 * 99 / 100);
}

#[test]
fn bandwidth_that_appears_is_taken_and_what_has_gone_is_forgotten_after_two_cycles() {
    let mut feed = Feed::full(10_000_000);
    feed.until(Stage::Up, 10_000_000);
    feed.round(12_500_000, false, 100_000);
    assert_eq!(feed.bbr.bandwidth.most, 12_500_000);
    for _ in 0..3 {
        feed.until(Stage::Up, 5_000_000);
        feed.until(Stage::Down, 5_000_000);
    }
    feed.until(Stage::Cruise, 5_000_000);
    assert_eq!(feed.bbr.bandwidth.most, 5_000_000);
}

#[test]
fn too_many_losses_while_probing_bound_what_may_be_under_way_and_the_next_probe_is_careful() {
    let mut feed = Feed::full(20_000_000);
    feed.until(Stage::Up, 20_000_000);
    feed.lose(1_000, 300_000, 5_000);
    assert_eq!(feed.bbr.stage, Stage::Up, "2 % are not exceeded");
    feed.lose(1_000, 300_000, 7_000);
    assert_eq!((feed.bbr.stage, feed.bbr.longterm), (Stage::Down, 299_000));
    // Within this probe, nothing more is taken.
    feed.lose(1_000, 200_000, 50_000);
    assert_eq!(feed.bbr.longterm, 299_000);
    feed.until(Stage::Up, 20_000_000);
    assert!(feed.window.size <= 299_000);
    feed.round(20_000_000, false, 299_000);
    assert_eq!(feed.bbr.stage, Stage::Down, "it does not stay where it had been too much");
    // That went well: at once it is refilled, and the bound is raised.
    feed.round(20_000_000, false, 150_000);
    assert_eq!(feed.bbr.stage, Stage::Refill);
}

#[test]
fn losses_that_are_not_its_own_slow_it_down_to_what_was_delivered_until_the_next_probe() {
    let mut feed = Feed::full(20_000_000);
    feed.until(Stage::Cruise, 20_000_000);
    for _ in 0..2 {
        feed.lose(1_000, 200_000, 1_000);
        feed.round(15_000_000, false, 150_000);
    }
    assert_eq!(feed.bbr.bandwidth.most, 20_000_000);
    assert!((14_000_000..=15_000_000).contains(&feed.bbr.bandwidth.now), "{}", feed.bbr.bandwidth.now);
    assert_ne!(feed.bbr.shortterm, UNBOUNDED);
    feed.until(Stage::Refill, 15_000_000);
    assert_eq!((feed.bbr.shortterm, feed.bbr.bandwidth.shortterm), (UNBOUNDED, u64::MAX));
}

#[test]
fn no_round_with_losses_costs_more_than_three_tenths() {
    let mut feed = Feed::full(20_000_000);
    feed.until(Stage::Cruise, 20_000_000);
    // The first round had delivered as much as ever until the loss.
    for bandwidth in [20_000_000, 14_000_000, 9_800_000] {
        feed.lose(1_000, 200_000, 1_000);
        feed.round(100_000, false, 1_000);
        assert_eq!(feed.bbr.bandwidth.now, bandwidth);
    }
}

#[test]
fn losses_in_six_places_in_a_round_of_repair_end_startup() {
    let lossy = |places: u32, recovering: bool| {
        let mut feed = Feed::new();
        feed.round(1_000_000, false, 10_000);
        feed.round(2_000_000, false, 20_000);
        if recovering {
            feed.bbr.on_recovery(&feed.window);
        }
        for n in 0..places {
            let (now, delivered) = (feed.now, feed.delivered);
            let end = Seq(10_000 * n + 1_000);
            let sent = Some((20_000, false, u64::from(n + 1) * 1_000));
            let lost = LostSegment { now, bytes: 1_000, end, sent, delivered, selective: true };
            feed.bbr.on_lost(&feed.window, &lost);
        }
        feed.round_of(4_000_000, false, 200_000, 10_000, u64::from(places) * 1_000);
        feed
    };
    assert_eq!(lossy(5, true).bbr.stage, Stage::Startup);
    assert_eq!(lossy(6, false).bbr.stage, Stage::Startup);
    let mut feed = lossy(6, true);
    assert_eq!((feed.bbr.stage, feed.bbr.longterm), (Stage::Drain, 40_000));
    // They were none.
    feed.bbr.on_spurious(&mut feed.window, feed.delivered);
    assert_eq!(
        (feed.bbr.stage, feed.bbr.longterm, feed.bbr.pipe.reached),
        (Stage::Startup, UNBOUNDED, false)
    );
}

#[test]
fn a_congestion_mark_counts_as_too_many_losses() {
    let mut feed = Feed::new();
    feed.round(2_000_000, false, 20_000);
    feed.bbr.on_marked(&feed.window, (20_000, false), feed.delivered, feed.now);
    assert_eq!((feed.bbr.stage, feed.bbr.longterm), (Stage::Drain, 20_000));
    let mut feed = Feed::full(20_000_000);
    feed.until(Stage::Up, 20_000_000);
    feed.bbr.on_marked(&feed.window, (220_000, false), feed.delivered, feed.now);
    assert_eq!((feed.bbr.stage, feed.bbr.longterm), (Stage::Down, 220_000));
    let mut feed = Feed::full(20_000_000);
    feed.until(Stage::Cruise, 20_000_000);
    for _ in 0..2 {
        feed.bbr.on_marked(&feed.window, (180_000, false), feed.delivered, feed.now);
        feed.round(15_000_000, false, 150_000);
    }
    assert!(feed.bbr.bandwidth.now <= 15_000_000);
}

#[test]
fn a_loss_that_was_none_leads_back_to_probing() {
    let mut feed = Feed::full(20_000_000);
    feed.until(Stage::Up, 20_000_000);
    let window = feed.window.size;
    feed.lose(1_000, 300_000, 7_000);
    assert_eq!(feed.bbr.stage, Stage::Down);
    feed.window.size = 5_000;
    feed.bbr.on_spurious(&mut feed.window, feed.delivered);
    assert_eq!((feed.bbr.stage, feed.bbr.longterm), (Stage::Refill, UNBOUNDED));
    assert_eq!(feed.window.size, window);
}

#[test]
fn a_time_out_leaves_one_segment_and_its_repair_gives_the_window_back() {
    let mut feed = Feed::full(20_000_000);
    let before = feed.window.size;
    feed.bbr.on_timeout(&mut feed.window, 3_000, SEGMENT);
    assert_eq!(feed.window.size, 4_000);
    feed.bbr.on_recovered(&mut feed.window);
    assert_eq!(feed.window.size, before);
}

#[test]
fn every_five_seconds_it_pauses_for_200_ms_with_half_of_what_the_path_holds() {
    let mut feed = Feed::full(20_000_000);
    let mut pauses = Vec::new();
    let mut least = u32::MAX;
    for _ in 0..2_000 {
        // The queue of others: no round trip is as short as the first.
        let in_flight = feed.window.size.min(150_000);
        feed.round_of(20_000_000, false, in_flight, 12_000, 0);
        let paused = feed.bbr.stage == Stage::ProbeRtt;
        if paused {
            least = least.min(feed.window.size);
        }
        match (paused, pauses.last_mut()) {
            (true, Some((_, None))) => {}
            (true, _) => pauses.push((feed.now, None)),
            (false, Some((_, end @ None))) => *end = Some(feed.now),
            (false, _) => {}
        }
    }
    assert_eq!(pauses.len(), 3, "{pauses:?}");
    for pair in pauses.windows(2) {
        let between = pair[1].0 - pair[0].0;
        assert!(
            (Duration::from_millis(5_000)..Duration::from_millis(5_400)).contains(&between),
            "{between:?}"
        );
    }
    for (begin, end) in &pauses[..2] {
        let lasted = end.unwrap() - *begin;
        assert!((Duration::from_millis(200)..Duration::from_millis(260)).contains(&lasted), "{lasted:?}");
    }
    assert!(least <= 20_000_000 / 100 * 12 / 20, "{least}");
}

#[test]
fn silence_is_as_good_as_a_pause() {
    let mut feed = Feed::full(20_000_000);
    feed.now += Duration::from_secs(8);
    let (now, delivered) = (feed.now, feed.delivered);
    feed.bbr.on_transmit(SEGMENT, SEGMENT, true, delivered, &mut feed.window, context(now));
    assert_eq!(feed.bbr.pacing_rate(), 20_000_000 * 99 / 100, "it goes on at the bandwidth that it knew");
    feed.round(20_000_000, true, 0);
    assert_ne!(feed.bbr.stage, Stage::ProbeRtt);
}

#[test]
fn the_window_is_twice_the_product_and_what_arrives_in_bunches() {
    let mut feed = Feed::full(20_000_000);
    feed.until(Stage::Cruise, 20_000_000);
    for _ in 0..20 {
        feed.round(20_000_000, false, 180_000);
    }
    let least = 2 * 20_000_000 / 100;
    assert!(feed.window.size >= least, "{}", feed.window.size);
    assert!(feed.window.size <= least + feed.bbr.aggregation.extra + 1_000);
}

use alloc::vec::Vec;

#[derive(Clone, Copy, Debug)]
enum Event {
    Signal {
        rate: u64,
        starved: bool,
        bytes: u32,
        in_flight: u32,
        round_trip: Option<u32>,
        lost: u32,
        back: u32,
        wait: u64,
    },
    Lost {
        bytes: u32,
        in_flight: u32,
        since: u32,
    },
    Transmit {
        bytes: u32,
        in_flight: u32,
        starved: bool,
    },
    Recovery,
    Timeout {
        in_flight: u32,
    },
    Recovered,
    Spurious,
    Marked,
}

fn event() -> impl Strategy<Value = Event> {
    let signal = (
        (prop_oneof![Just(0), 1..20_000_000_000u64, Just(u64::MAX)], any::<bool>(), 0..2_000_000u32),
        (any::<u32>(), prop::option::of(any::<u32>()), 0..1_000_000u32, any::<u32>(), 0..3_000_000_000u64),
    );
    prop_oneof![
        8 => signal.prop_map(|((rate, starved, bytes), (in_flight, round_trip, lost, back, wait))| {
            Event::Signal { rate, starved, bytes, in_flight, round_trip, lost, back, wait }
        }),
        2 => (1..70_000u32, any::<u32>(), any::<u32>()).prop_map(|(bytes, in_flight, since)| Event::Lost { bytes, in_flight, since }),
        2 => (1..70_000u32, any::<u32>(), any::<bool>()).prop_map(|(bytes, in_flight, starved)| Event::Transmit { bytes, in_flight, starved }),
        1 => Just(Event::Recovery),
        1 => any::<u32>().prop_map(|in_flight| Event::Timeout { in_flight }),
        1 => Just(Event::Recovered),
        1 => Just(Event::Spurious),
        1 => Just(Event::Marked),
    ]
}

proptest! {
    /// Whatever a peer and a path do: nothing overflows, something may always be sent, and it is sent at some rate.
    #[test]
    fn whatever_comes_something_may_be_sent(events in prop::collection::vec(event(), 1..300)) {
        let (mut bbr, mut window, mut now) = begun();
        let mut delivered = 0u64;
        for event in events {
            match event {
                Event::Signal { rate, starved, bytes, in_flight, round_trip, lost, back, wait } => {
                    now += Duration::from_nanos(wait);
                    delivered += u64::from(bytes);
                    let before = delivered.saturating_sub(u64::from(back));
                    let sample = RateSample {
                        rate,
                        starved,
                        delivered: delivered - before,
                        prior_delivered: (bytes > 0).then_some(before),
                        newly_delivered: bytes,
                        in_flight,
                        lost: u64::from(lost),
                    };
                    let selective = rate % 2 == 0;
                    bbr.on_signal(&mut window, &Signal { now, sample, round_trip, segment_size: SEGMENT, in_flight, delivered, selective });
                    prop_assert!(window.size >= 4 * SEGMENT, "{}", window.size);
                }
                Event::Lost { bytes, in_flight, since } => {
                    let sent = Some((in_flight, false, u64::from(since)));
                    bbr.on_lost(&window, &LostSegment { now, bytes, end: Seq(since), sent, delivered, selective: true });
                }
                Event::Transmit { bytes, in_flight, starved } => {
                    bbr.on_transmit(bytes, in_flight, starved, delivered, &mut window, context(now));
                }
                Event::Recovery => bbr.on_recovery(&window),
                Event::Timeout { in_flight } => bbr.on_timeout(&mut window, in_flight, SEGMENT),
                Event::Recovered => bbr.on_recovered(&mut window),
                Event::Spurious => bbr.on_spurious(&mut window, delivered),
                Event::Marked => bbr.on_marked(&window, (100_000, false), delivered, now),
            }
            prop_assert!(window.size >= SEGMENT && bbr.pacing_rate() > 0);
        }
    }
}
