use super::*;
use alloc::vec;
use alloc::vec::Vec;
use basis::Random;
use core::net::Ipv4Addr;
use core::time::Duration;

fn address(n: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + n))
}

fn cache(config: NeighbourConfig) -> (Cache, Timers) {
    (Cache::new(0, config, Random::new([1; 32]).hash_key()), Timers::new(Instant::ZERO))
}

fn packet(length: usize) -> Frame {
    Frame::copy_of(&vec![0; length])
}

#[test]
fn entries_and_their_timers_are_bounded() {
    let (mut cache, mut timers) = cache(NeighbourConfig { max_entries: 32, ..NeighbourConfig::default() });
    for n in 0..1000 {
        let now = Instant::from_millis(n);
        assert_eq!(cache.resolve(now, address(n as u32), &mut timers), Resolution::Unknown { ask: true });
        cache.hold(address(n as u32), packet(100));
        assert!(cache.entries.len() <= 32 && cache.by_address.len() <= 32 && timers.armed() <= 32);
    }
    assert!(cache.waiting_bytes <= 32 * (100 + size_of::<Frame>()));
    cache.clear(&mut timers);
    assert_eq!((cache.entries.len(), timers.armed(), cache.waiting_bytes), (0, 0, 0));
}

#[test]
fn bytes_that_wait_are_bounded_for_one_and_for_all() {
    let config = NeighbourConfig {
        max_waiting_bytes: 3000,
        max_waiting_bytes_together: 10_000,
        ..NeighbourConfig::default()
    };
    let (mut cache, mut timers) = cache(config);
    for n in 0..10 {
        cache.resolve(Instant::ZERO, address(n), &mut timers);
        for _ in 0..10 {
            cache.hold(address(n), packet(1000));
        }
    }
    let each: Vec<usize> = cache.iter().map(|entry| entry.waiting_bytes()).collect();
    assert!(each.iter().all(|bytes| *bytes <= 3000 + 1000 + size_of::<Frame>()));
    assert_eq!(each.iter().sum::<usize>(), cache.waiting_bytes);
    assert!(cache.waiting_bytes <= 10_000 + 1000 + size_of::<Frame>());
    for n in 0..10 {
        let hardware = MacAddress([2, 0, 0, 0, 0, n as u8]);
        cache.learn(Instant::ZERO, address(n), hardware, true, false, &mut timers);
    }
    assert_eq!((cache.waiting_bytes, timers.armed()), (0, 0));
}

#[test]
fn nothing_is_held_for_a_stranger() {
    let (mut cache, _) = cache(NeighbourConfig::default());
    assert_eq!(cache.hold(address(1), packet(1)), Held::No);
}

#[test]
fn what_is_known_for_now_is_looked_up_again_in_time() {
    let (mut cache, mut timers) = cache(NeighbourConfig::default());
    let hardware = MacAddress([2; 6]);
    cache.resolve(Instant::ZERO, address(1), &mut timers);
    cache.learn(Instant::ZERO, address(1), hardware, true, false, &mut timers);
    let until = Instant::ZERO + Duration::from_secs(30);
    let known = Resolution::Known { hardware, until };
    assert_eq!(cache.resolve(Instant::ZERO, address(1), &mut timers), known);
    let until = until + Duration::from_secs(5);
    let known = Resolution::Known { hardware, until };
    assert_eq!(cache.resolve(Instant::ZERO + Duration::from_secs(30), address(1), &mut timers), known);
}

#[test]
fn what_a_router_tells_is_believed_within_bounds_and_for_ipv6_alone() {
    let (mut cache, _) = cache(NeighbourConfig::default());
    let six = IpAddr::V6(core::net::Ipv6Addr::LOCALHOST);
    let usual = cache.times(six);
    let told = |cache: &mut Cache, reachable, retransmit| {
        let milliseconds = |time| Duration::from_millis(u64::from(time));
        cache.on_times(Times { reachable: milliseconds(reachable), retransmit: milliseconds(retransmit) });
        let Times { reachable, retransmit } = cache.times(six);
        (reachable.as_millis(), retransmit.as_millis())
    };
    assert_eq!(told(&mut cache, 0_u32, 0_u32), (usual.reachable.as_millis(), usual.retransmit.as_millis()));
    assert_eq!(told(&mut cache, 1, 1), (1000, 100));
    assert_eq!(told(&mut cache, 1000, 100), (1000, 100));
    assert_eq!(told(&mut cache, 20_000, 0), (20_000, 100));
    assert_eq!(told(&mut cache, 3_600_000, 10_000), (3_600_000, 10_000));
    assert_eq!(told(&mut cache, 3_600_001, 10_001), (3_600_000, 10_000));
    assert_eq!(told(&mut cache, u32::MAX, u32::MAX), (3_600_000, 10_000));
    assert_eq!(cache.times(address(1)), usual);
}
