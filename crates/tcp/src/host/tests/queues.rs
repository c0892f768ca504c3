//! What waits in a listener's two queues, and what is owed to strays.

use super::*;

#[test]
fn both_queues_of_a_listener_hold_its_backlog_and_no_more() {
    let mut host = listening(without_cookies(), 3);
    for n in 0..3 {
        assert_eq!(segment(&mut host, Instant::ZERO, peer(n), Flags::SYN, (7, 0)), Ok(()));
    }
    assert_eq!(segment(&mut host, Instant::ZERO, peer(3), Flags::SYN, (7, 0)), Err(Dropped::BacklogFull));
    for n in 0..3 {
        let number = answer(&mut host).unwrap();
        assert_eq!(segment(&mut host, Instant::ZERO, peer(n), Flags::ACK, (8, number + 1)), Ok(()));
    }
    assert_eq!(host.population(), (3, 0, 0));
    assert_eq!(segment(&mut host, Instant::ZERO, peer(3), Flags::SYN, (7, 0)), Err(Dropped::BacklogFull));
}

#[test]
fn half_open_connections_of_all_listeners_have_a_bound_too() {
    let mut host = listening(HostConfig { max_half_open: 2, ..without_cookies() }, 10);
    let syn = |host: &mut Host, n| segment(host, Instant::ZERO, peer(n), Flags::SYN, (7, 0));
    assert_eq!([0, 1, 2].map(|n| syn(&mut host, n)), [Ok(()), Ok(()), Err(Dropped::TableFull)]);
}

#[test]
fn attempts_that_come_and_go_while_nothing_can_be_sent_leave_no_pile() {
    let mut host = listening(HostConfig::default(), 10);
    for n in 0..100_000 {
        assert_eq!(segment(&mut host, Instant::ZERO, peer(n), Flags::SYN, (7, 0)), Ok(()));
        assert_eq!(segment(&mut host, Instant::ZERO, peer(n), Flags::RST, (8, 0)), Ok(()));
    }
    assert_eq!(host.population(), (0, 0, 0));
    assert!(host.lanes.get(0).line.len() <= 2 * 1024);
}

#[test]
fn replies_to_strays_are_queued_up_to_a_bound_and_counted_beyond_it() {
    let mut host = listening(HostConfig::default(), 10);
    for n in 0..200 {
        let stray = segment(&mut host, Instant::ZERO, peer(n), Flags::ACK, (7, 9));
        assert_eq!(stray, Err(Dropped::NoSocket));
    }
    assert_eq!(host.counters().replies_dropped, 200 - 128);
}

#[test]
fn an_unanswered_attempt_is_answered_again_after_1_2_4_8_and_16_seconds_and_then_gone() {
    let mut host = listening(HostConfig::default(), 10);
    segment(&mut host, Instant::ZERO, peer(0), Flags::SYN, (7, 0)).unwrap();
    let mut times = alloc::vec::Vec::new();
    while let Some(deadline) = host.poll_timeout() {
        if answer(&mut host).is_some() {
            times.push(deadline.as_millis());
        }
        host.on_timeout(deadline);
    }
    assert_eq!(times, [1_000, 3_000, 7_000, 15_000, 31_000, 63_000]);
    assert_eq!(host.population(), (0, 0, 0));
}

#[test]
fn resets_to_strays_have_a_rate_that_all_share_and_nobody_can_count() {
    let mut resets = Vec::new();
    for seed in 0..8 {
        let config = HostConfig { resets_per_second: 10, resets_burst: 40, ..HostConfig::default() };
        let mut host = Host::new(Instant::ZERO, config, [seed; 32]);
        for n in 0..100 {
            let stray = segment(&mut host, Instant::ZERO, peer(n), Flags::ACK, (7, 9));
            assert_eq!(stray, Err(Dropped::NoSocket));
        }
        let sent = host.counters().resets_sent;
        assert!((20..=40).contains(&sent), "{sent}");
        assert_eq!(host.counters().replies_dropped, 100 - sent);
        resets.push(sent);
    }
    resets.dedup();
    assert!(resets.len() > 4, "{resets:?}");
}
