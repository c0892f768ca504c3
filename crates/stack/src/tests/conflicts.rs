//! Addresses: probed, announced, defended, lost (RFC 5227).

use super::harness::*;
use crate::{AddressError, AddressState, Defence, Event, ProbeTimes, Probing, StackConfig};
use core::net::IpAddr;
use core::time::Duration;
use std::vec::Vec;
use wire::arp::Packet;

const US: IpAddr = IpAddr::V4(OURS);

fn probing() -> Bench {
    let mut bench = Bench::bare(StackConfig::default());
    let probing = Probing::Probe(ProbeTimes::RFC5227);
    bench.stack.add_address(bench.now, bench.id, US, 24, probing).unwrap();
    bench
}

fn event(bench: &Bench, state: AddressState) -> Event {
    Event::Address { interface: bench.id, address: US, state }
}

#[test]
fn three_probes_then_use_then_two_announcements() {
    let mut bench = probing();
    assert_eq!(bench.events(), [event(&bench, AddressState::Probing)]);
    let start = bench.now;
    let mut probes = Vec::new();
    while bench.stack.address_state(US) == Some(AddressState::Probing) {
        for (to, packet) in bench.sent_arp() {
            assert!(to.is_broadcast() && packet == Packet::probe(OUR_HARDWARE, OURS));
            probes.push(bench.now);
        }
        bench.arp(Packet::request(PEER_HARDWARE, PEER, OURS));
        assert!(bench.sent().is_empty(), "nothing is answered for an address that is only probed");
        let deadline = bench.stack.poll_timeout().unwrap();
        bench.pass(deadline - bench.now);
    }
    assert_eq!(probes.len(), 3);
    assert!(probes[0] - start <= Duration::from_secs(1));
    for pair in probes.windows(2) {
        let gap = pair[1] - pair[0];
        assert!(gap >= Duration::from_secs(1) && gap <= Duration::from_millis(2010), "{gap:?}");
    }
    assert!(bench.now - probes[2] >= Duration::from_secs(2));
    assert_eq!(bench.events(), [event(&bench, AddressState::Assigned)]);
    let announced = Packet::announcement(OUR_HARDWARE, OURS);
    assert_eq!(bench.sent_arp().iter().filter(|(_, packet)| *packet == announced).count(), 1);
    bench.pass(Duration::from_millis(2010));
    assert_eq!(bench.sent_arp().len(), 1);
    assert_eq!(bench.stack.poll_timeout(), None);
}

#[test]
fn somebody_who_has_the_address_keeps_it() {
    for packet in [
        Packet::request(OUR_HARDWARE, [0, 0, 0, 0].into(), OURS).reply(PEER_HARDWARE),
        Packet::announcement(PEER_HARDWARE, OURS),
        Packet::probe(PEER_HARDWARE, OURS),
        Packet::request(PEER_HARDWARE, OURS, PEER),
    ] {
        let mut bench = probing();
        bench.pass(Duration::from_secs(1));
        bench.sent();
        bench.arp(packet);
        let lost = AddressState::Conflict(PEER_HARDWARE);
        assert_eq!(bench.stack.address_state(US), Some(lost), "{packet:?}");
        assert_eq!(bench.events(), [event(&bench, lost)], "only the latest news of an address is kept");
        assert_eq!(bench.stack.poll_timeout(), None);
        assert!(bench.sent().is_empty());
        // It can be tried again.
        bench.stack.remove_address(US).unwrap();
        assert_eq!(bench.stack.address_state(US), None);
        bench.stack.add_address(bench.now, bench.id, US, 24, Probing::Skip).unwrap();
    }
}

#[test]
fn our_own_probe_that_comes_back_is_no_conflict() {
    let mut bench = probing();
    bench.pass(Duration::from_secs(1));
    for (_, packet) in bench.sent_arp() {
        bench.arp(packet);
    }
    assert_eq!(bench.stack.address_state(US), Some(AddressState::Probing));
}

fn contested(bench: &Bench) -> Event {
    Event::Contested { interface: bench.id, address: US, station: PEER_HARDWARE }
}

fn defences(bench: &mut Bench) -> usize {
    let defence = Packet::announcement(OUR_HARDWARE, OURS);
    let sent = bench.sent_arp();
    assert!(sent.iter().all(|(to, packet)| to.is_broadcast() && *packet == defence), "{sent:?}");
    sent.len()
}

#[test]
fn an_address_that_gives_up_is_defended_once_within_ten_seconds() {
    let mut bench = Bench::with(StackConfig { defence: Defence::GiveUp, ..StackConfig::default() });
    let claim = Packet::announcement(PEER_HARDWARE, OURS);
    for _ in 0..2 {
        bench.arp(claim);
        assert_eq!(defences(&mut bench), 1);
        assert_eq!(bench.events(), [contested(&bench)]);
        assert_eq!(bench.stack.address_state(US), Some(AddressState::Assigned));
        bench.pass(Duration::from_secs(10));
        assert_eq!(bench.stack.addresses().next().unwrap().rival(bench.now), None);
    }
    bench.arp(claim);
    bench.sent();
    bench.events();
    bench.pass(Duration::from_millis(9990));
    bench.arp(claim);
    let lost = AddressState::Conflict(PEER_HARDWARE);
    assert_eq!(bench.stack.address_state(US), Some(lost));
    assert_eq!(bench.events(), [event(&bench, lost)]);
    assert!(bench.sent().is_empty());
    assert_eq!(bench.stack.counters().arp.conflicts, 4);
    bench.arp(Packet::request(PEER_HARDWARE, PEER, OURS));
    assert!(bench.sent().is_empty(), "a lost address is not answered for");
    bench.pass(Duration::from_secs(60));
    assert_eq!(bench.stack.addresses().next().unwrap().rival(bench.now), Some(PEER_HARDWARE));
    assert_eq!(bench.stack.poll_timeout(), None);
}

#[test]
fn an_address_is_kept_whatever_others_claim() {
    let mut bench = Bench::new();
    let claim = Packet::announcement(PEER_HARDWARE, OURS);
    let begin = bench.now;
    let mut times = Vec::new();
    for n in 0..500 {
        bench.arp(claim);
        assert_eq!(bench.events(), [contested(&bench)], "each claim is told of");
        for _ in 0..10 {
            times.extend((0..defences(&mut bench)).map(|_| bench.now - begin));
            bench.pass(Duration::from_millis(10));
        }
        assert_eq!(bench.stack.address_state(US), Some(AddressState::Assigned));
        assert_eq!(bench.stack.counters().arp.conflicts, n + 1);
    }
    assert_eq!(times.len(), 5, "50 s of claims: {times:?}");
    for (n, time) in (0u32..).zip(&times) {
        let due = Duration::from_secs(10) * n;
        assert!(*time >= due && *time < due + Duration::from_millis(200), "{times:?}");
    }
    defences(&mut bench);
    let request = Packet::request(PEER_HARDWARE, PEER, OURS);
    bench.arp(request);
    let answers: Vec<Packet> = bench.sent_arp().iter().map(|(_, packet)| *packet).collect();
    assert_eq!(answers, [request.reply(OUR_HARDWARE)], "it is answered for all the same");
}

#[test]
fn a_claim_just_before_and_just_after_the_interval() {
    let claim = Packet::announcement(PEER_HARDWARE, OURS);
    for (after, at_once) in [(9_999, 0), (10_000, 1), (10_001, 1)] {
        let mut bench = Bench::new();
        bench.arp(claim);
        assert_eq!(defences(&mut bench), 1);
        bench.pass(Duration::from_millis(after));
        assert_eq!(defences(&mut bench), 0, "nothing was claimed meanwhile");
        bench.arp(claim);
        assert_eq!(defences(&mut bench), at_once, "{after} ms");
        // What was kept back follows when the interval is over, once.
        bench.pass(Duration::from_millis(200));
        assert_eq!(defences(&mut bench), 1 - at_once, "{after} ms");
        bench.pass(Duration::from_secs(60));
        assert_eq!(defences(&mut bench), 0);
        assert_eq!(bench.stack.poll_timeout(), None);
    }
}

#[test]
fn an_address_is_contested_for_an_interval_and_claims_are_told_once() {
    let mut bench = Bench::new();
    assert_eq!(bench.stack.addresses().next().unwrap().rival(bench.now), None);
    for _ in 0..1000 {
        bench.arp(Packet::announcement(PEER_HARDWARE, OURS));
    }
    assert_eq!(bench.events(), [contested(&bench)], "the queue does not grow with the claims");
    let row = |bench: &Bench| bench.stack.addresses().next().unwrap();
    assert_eq!(row(&bench).rival(bench.now), Some(PEER_HARDWARE));
    bench.pass(Duration::from_millis(9_999));
    assert_eq!(row(&bench).rival(bench.now), Some(PEER_HARDWARE));
    bench.pass(Duration::from_millis(1));
    assert_eq!(row(&bench).rival(bench.now), None);
    assert_eq!(row(&bench).state, AddressState::Assigned);
}

#[test]
fn a_claim_between_the_first_announcements_takes_none_of_them_away() {
    let mut bench = probing();
    while bench.stack.address_state(US) == Some(AddressState::Probing) {
        bench.sent();
        let deadline = bench.stack.poll_timeout().unwrap();
        bench.pass(deadline - bench.now);
    }
    bench.arp(Packet::announcement(PEER_HARDWARE, OURS));
    assert_eq!(defences(&mut bench), 2, "the first announcement, and the defence");
    bench.arp(Packet::announcement(PEER_HARDWARE, OURS));
    bench.pass(Duration::from_millis(2010));
    assert_eq!(defences(&mut bench), 1, "the second announcement defends as well");
    bench.pass(Duration::from_secs(60));
    assert_eq!(defences(&mut bench), 0);
    assert_eq!(bench.stack.address_state(US), Some(AddressState::Assigned));
}

#[test]
fn a_link_that_comes_back_is_probed_again() {
    let mut bench = probing();
    bench.pass(Duration::from_secs(10));
    assert_eq!(bench.stack.address_state(US), Some(AddressState::Assigned));
    bench.stack.set_link_state(bench.now, bench.id, false);
    assert!(bench.stack.poll_transmit(bench.now, bench.id).is_none());
    assert!(bench.frame(arp_frame(Packet::request(PEER_HARDWARE, PEER, OURS))).is_err());
    bench.stack.set_link_state(bench.now, bench.id, true);
    assert_eq!(bench.stack.address_state(US), Some(AddressState::Probing));
    bench.pass(Duration::from_secs(10));
    assert_eq!(bench.stack.address_state(US), Some(AddressState::Assigned));
}

#[test]
fn unsuitable_addresses_are_refused() {
    let mut bench = Bench::new();
    let mut add = |address: &str, length| {
        bench.stack.add_address(bench.now, bench.id, address.parse().unwrap(), length, Probing::Skip)
    };
    for address in ["0.0.0.0", "10.8.0.255", "10.8.0.0", "224.0.0.1", "255.255.255.255", "127.0.0.1"] {
        assert_eq!(add(address, 24), Err(AddressError::NotUnicast), "{address}");
    }
    assert_eq!(add("10.8.0.1", 33), Err(AddressError::PrefixTooLong));
    assert_eq!(add("::1", 64), Err(AddressError::NotUnicast));
    assert_eq!(add("10.7.0.2", 16), Err(AddressError::AlreadyAssigned));
    assert_eq!(add("10.8.0.0", 31), Ok(()));
    assert_eq!(add("10.8.0.255", 32), Ok(()));
    for n in 0..61 {
        assert_eq!(add(&std::format!("10.9.{n}.1"), 24), Ok(()));
    }
    assert_eq!(add("10.10.0.1", 24), Err(AddressError::TooManyAddresses));
    assert_eq!(bench.stack.remove_address("10.10.0.1".parse().unwrap()), Err(AddressError::NotAssigned));
}

#[test]
fn the_route_to_a_network_goes_with_its_last_address() {
    let mut bench = Bench::new();
    bench.stack.add_address(bench.now, bench.id, [10, 7, 0, 9].into(), 24, Probing::Skip).unwrap();
    assert_eq!(bench.stack.routes().count(), 1);
    bench.stack.remove_address([10, 7, 0, 9].into()).unwrap();
    assert_eq!(bench.stack.routes().count(), 1);
    bench.stack.remove_address(US).unwrap();
    assert_eq!(bench.stack.routes().count(), 0);
    assert_eq!(bench.stack.addresses().count(), 0);
}
