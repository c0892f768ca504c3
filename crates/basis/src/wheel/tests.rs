use super::*;
use alloc::collections::BTreeSet;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Arm(u64),
    Cancel(usize),
    Rearm(usize, u64),
    Advance(u64),
}

fn span() -> impl Strategy<Value = u64> {
    // Up to years: the whole wheel is a little more than two.
    prop_oneof![0..3_000_000u64, 0..10_000_000_000u64, 0..100_000_000_000_000u64, 0..1u64 << 58, Just(0)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        span().prop_map(Step::Arm),
        (0..64usize).prop_map(Step::Cancel),
        (0..64usize, span()).prop_map(|(n, after)| Step::Rearm(n, after)),
        span().prop_map(Step::Advance),
    ]
}

#[test]
fn a_deadline_beyond_the_whole_wheel_waits_its_time() {
    let year = 365 * 24 * 3_600 * 1_000_000_000u64;
    let mut now = Instant::from_nanos(7_777_777_777);
    let mut wheel = TimerWheel::new(now);
    let deadline = Instant::from_nanos(now.as_nanos() + 136 * year);
    wheel.arm(deadline, 1);
    while now < Instant::from_nanos(136 * year) {
        now = Instant::from_nanos((now.as_nanos() + year / 3).min(deadline.as_nanos() - 1));
        assert_eq!(wheel.pop_expired(now), None);
        assert!(wheel.next_deadline().is_some_and(|next| next > now && next <= deadline));
    }
    assert_eq!(wheel.pop_expired(deadline), Some(1));
}

proptest! {
    /// Beside a sorted set, which is slow and plainly right, the wheel expires the same timers at the same times.
    #[test]
    fn it_expires_what_a_sorted_set_expires(start in 0..1u64 << 40, steps in prop::collection::vec(step(), 1..200)) {
        let mut now = Instant::from_nanos(start);
        let mut wheel = TimerWheel::new(now);
        let mut armed: Vec<(TimerId, u32, Instant)> = Vec::new();
        let after = |now: Instant, span: u64| Instant::from_nanos((now.as_nanos() + span).min(1 << 62));
        for (token, step) in steps.into_iter().enumerate() {
            match step {
                Step::Arm(span) => {
                    let deadline = after(now, span);
                    armed.push((wheel.arm(deadline, token as u32), token as u32, deadline));
                }
                Step::Cancel(n) if !armed.is_empty() => {
                    let (id, ..) = armed.swap_remove(n % armed.len());
                    wheel.cancel(id);
                }
                Step::Rearm(n, span) if !armed.is_empty() => {
                    let n = n % armed.len();
                    armed[n].2 = after(now, span);
                    wheel.rearm(armed[n].0, armed[n].2);
                }
                Step::Advance(span) => now = after(now, span),
                _ => {}
            }
            let expected: BTreeSet<u32> = armed.iter().filter(|t| t.2 <= now).map(|t| t.1).collect();
            armed.retain(|timer| timer.2 > now);
            let mut popped = BTreeSet::new();
            while let Some(token) = wheel.pop_expired(now) {
                prop_assert!(popped.insert(token));
            }
            prop_assert_eq!(popped, expected);
            let earliest = armed.iter().map(|timer| timer.2).min();
            match (wheel.next_deadline(), earliest) {
                (Some(told), Some(real)) => prop_assert!(told <= real),
                (told, real) => prop_assert_eq!(told, real),
            }
            prop_assert_eq!(wheel.armed(), armed.len());
        }
    }
}

#[test]
fn a_timer_expires_for_whom_it_was_assigned_to_last() {
    let mut wheel = TimerWheel::new(Instant::ZERO);
    let timer = wheel.arm(Instant::from_millis(5), 1);
    wheel.assign(timer, 2);
    wheel.assign(TimerId::NONE, 3);
    assert_eq!(wheel.pop_expired(Instant::from_millis(5)), Some(2));
}

#[test]
fn the_next_deadline_is_exact_when_nothing_was_cancelled() {
    let mut wheel = TimerWheel::new(Instant::ZERO);
    for nanoseconds in [7_200_000_000_000, 1_500_001, 1_500_000, 90_000_000_000] {
        wheel.arm(Instant::from_nanos(nanoseconds), 0);
    }
    for expected in [1_500_000, 1_500_001, 90_000_000_000, 7_200_000_000_000] {
        let deadline = wheel.next_deadline().unwrap();
        assert_eq!(deadline.as_nanos(), expected);
        assert_eq!(wheel.pop_expired(Instant::from_nanos(expected - 1)), None);
        assert!(wheel.pop_expired(deadline).is_some());
    }
    assert_eq!(wheel.next_deadline(), None);
}
