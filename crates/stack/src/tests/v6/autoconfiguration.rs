//! Routers: asking for them, and what comes of what they tell.

use super::harness::*;
use crate::tests::harness::*;
use crate::{AddressError, AddressState, Dropped, InterfaceConfig, ProbeTimes, Probing, Stack, StackConfig};
use alloc::vec::Vec;
use basis::Instant;
use core::net::Ipv6Addr;
use core::time::Duration;
use wire::ipv6::{ALL_NODES, ALL_ROUTERS, is_link_local};
use wire::ndp::{Message, NameServers, Options, Prefix, Router};

fn enabled() -> Bench {
    let mut bench = Bench::bare(StackConfig::default());
    let probing = Probing::Probe(ProbeTimes::RFC5227);
    bench.stack.enable_ipv6(bench.now, bench.id, probing, true).unwrap();
    bench
}

fn prefix(valid: u32, preferred: u32) -> Prefix {
    let address = "2001:db8:7::".parse().unwrap();
    Prefix { address, length: 64, on_link: true, autonomous: true, valid, preferred }
}

fn advertise(bench: &mut Bench, lifetime: u16, prefix: Prefix) -> Result<(), Dropped> {
    let mut options = Options { mtu: Some(1400), ..Options::from_source(PEER_HARDWARE) };
    options.prefixes.push(prefix);
    options.name_servers = Some(NameServers { lifetime: 60, addresses: [ROUTER].into_iter().collect() });
    let router = Router { hop_limit: 77, lifetime, reachable_time: 5000, ..Router::default() };
    bench.discovery(ROUTER, ALL_NODES, &Message::RouterAdvertisement(router), &options)
}

fn addresses(bench: &Bench) -> Vec<(Ipv6Addr, AddressState)> {
    let own = bench.stack.addresses().filter_map(|row| match row.address {
        ipnet::IpNet::V6(network) => Some((network.addr(), row.state)),
        ipnet::IpNet::V4(_) => None,
    });
    own.collect()
}

#[test]
fn a_link_gives_an_address_and_routers_are_asked_three_times() {
    let mut bench = enabled();
    let (address, state) = addresses(&bench)[0];
    assert!(is_link_local(address) && state == AddressState::Probing);
    bench.pass(seconds(2));
    assert_eq!(addresses(&bench), [(address, AddressState::Assigned)]);
    let mut asked = Vec::new();
    for _ in 0..20 {
        asked.extend(bench.sent_discovery());
        bench.pass(seconds(1));
    }
    let asked: Vec<_> =
        asked.iter().filter(|(_, message, _)| *message == Message::RouterSolicitation).collect();
    assert_eq!(asked.len(), 3);
    assert_eq!((asked[0].0.source, asked[0].0.destination), (address, ALL_ROUTERS));
    assert_eq!(asked[0].2.source, Some(OUR_HARDWARE));
    assert_eq!(bench.stack.poll_timeout(), None, "nobody is asked any more");
}

#[test]
fn the_same_seed_gives_the_same_addresses_and_another_others() {
    let of = |seed: u8, last: u8| {
        let now = Instant::ZERO;
        let mut stack = Stack::new(now, StackConfig::default(), [seed; 32]);
        let hardware = wire::ethernet::MacAddress([2, 0, 0, 0, 0, last]);
        let id = stack.add_interface(now, ethernet_config(hardware));
        stack.enable_ipv6(now, id, Probing::Skip, false).unwrap();
        stack.addresses().next().unwrap().address.addr()
    };
    assert_eq!(of(1, 2), of(1, 2));
    assert_ne!(of(1, 2), of(2, 2));
    assert_ne!(of(1, 2), of(1, 3));
}

#[test]
fn a_router_gives_an_address_routes_an_mtu_and_a_hop_limit_until_their_time() {
    let mut bench = enabled();
    bench.pass(seconds(2));
    advertise(&mut bench, 1800, prefix(10_000, 5000)).unwrap();
    bench.pass(seconds(3));
    let formed = addresses(&bench)[1];
    assert_eq!(formed.1, AddressState::Assigned);
    assert_eq!(formed.0.segments()[..4], [0x2001, 0xdb8, 7, 0]);
    assert_eq!(bench.stack.routes().count(), 3, "link, prefix, everywhere");
    assert_eq!(bench.stack.name_servers(bench.now).count(), 1);
    let _ = bench.sent();

    let far = "2001:db8:ffff::1".parse::<Ipv6Addr>().unwrap();
    let socket = bench.stack.udp_bind("[::]:7".parse().unwrap()).unwrap();
    bench.stack.udp_send(bench.now, socket, &[1; 1390], Some((far, 9).into())).unwrap();
    let sent = bench.sent_v6();
    assert_eq!(sent.len(), 2, "cut to fit 1400 bytes");
    assert_eq!((sent[0].0.source, sent[0].0.hop_limit), (formed.0, 77));

    // No longer preferred, but still valid.
    bench.pass(seconds(5000));
    advertise(&mut bench, 1800, Prefix { autonomous: false, ..prefix(10_000, 5000) }).unwrap();
    assert_eq!(addresses(&bench)[1].1, AddressState::Assigned);
    assert!(bench.stack.udp_send(bench.now, socket, b"x", Some((far, 9).into())).is_ok());
    // The router says that it is none any more.
    advertise(&mut bench, 0, Prefix { autonomous: false, ..prefix(10_000, 5000) }).unwrap();
    bench.pass(seconds(1));
    assert!(bench.stack.udp_send(bench.now, socket, b"x", Some((far, 9).into())).is_err());
    bench.pass(seconds(5001));
    assert_eq!(addresses(&bench).len(), 1);
    assert_eq!(bench.stack.name_servers(bench.now).count(), 0);
    bench.pass(seconds(5000));
    assert_eq!(bench.stack.routes().count(), 1);
}

#[test]
fn a_forged_advertisement_leaves_the_address_two_hours() {
    let mut bench = enabled();
    bench.pass(seconds(2));
    advertise(&mut bench, 1800, prefix(1_000_000, 1_000_000)).unwrap();
    bench.pass(seconds(3));
    advertise(&mut bench, 1800, prefix(0, 0)).unwrap();
    bench.pass(seconds(7100));
    assert_eq!(addresses(&bench).len(), 2);
    bench.pass(seconds(101));
    assert_eq!(addresses(&bench).len(), 1);
}

#[test]
fn an_address_that_is_taken_is_formed_anew_three_times() {
    let mut bench = enabled();
    let mut seen = Vec::new();
    for _ in 0..5 {
        let (address, state) = addresses(&bench)[0];
        if state != AddressState::Probing {
            break;
        }
        assert!(!seen.contains(&address));
        seen.push(address);
        bench.pass(Duration::from_millis(1001));
        let claim = Message::NeighbourAdvertisement {
            target: address,
            router: false,
            solicited: false,
            overriding: true,
        };
        bench.discovery(address, ALL_NODES, &claim, &Options::to_target(PEER_HARDWARE)).unwrap();
    }
    assert_eq!(seen.len(), 4);
    assert_eq!(addresses(&bench), [(seen[3], AddressState::Conflict(PEER_HARDWARE))]);
}

#[test]
fn routers_are_not_believed_from_elsewhere_nor_unasked() {
    let mut bench = enabled();
    bench.pass(seconds(2));
    let advertisement = Message::RouterAdvertisement(Router { lifetime: 9, ..Router::default() });
    assert!(bench.discovery(THEM, ALL_NODES, &advertisement, &Options::default()).is_err());
    assert_eq!(bench.stack.routes().count(), 1);
    let mut bench = Bench::bare(StackConfig::default());
    bench.stack.enable_ipv6(bench.now, bench.id, Probing::Skip, false).unwrap();
    assert_eq!(advertise(&mut bench, 1800, prefix(100, 100)), Err(Dropped::IcmpIgnored));
}

#[test]
fn a_silent_router_makes_way_for_another() {
    let mut bench = enabled();
    bench.pass(seconds(2));
    advertise(&mut bench, 1800, prefix(10_000, 5000)).unwrap();
    let second: Ipv6Addr = "fe80::9".parse().unwrap();
    let router = Message::RouterAdvertisement(Router { lifetime: 1800, ..Router::default() });
    bench.discovery(second, ALL_NODES, &router, &Options::from_source(PEER_HARDWARE)).unwrap();
    bench.pass(seconds(3));
    let first = |bench: &Bench| bench.stack.routes().find_map(|route| route.gateway);
    assert_eq!(first(&bench), Some(ROUTER.into()));
    let far = "2001:db8:ffff::1".parse::<Ipv6Addr>().unwrap();
    let socket = bench.stack.udp_bind("[::]:7".parse().unwrap()).unwrap();
    bench.stack.udp_send(bench.now, socket, b"x", Some((far, 9).into())).unwrap();
    let _ = bench.sent();
    bench.pass(seconds(15));
    assert_eq!(first(&bench), Some(second.into()));
}

#[test]
fn a_narrow_link_carries_no_ipv6() {
    let now = Instant::ZERO;
    let mut stack = Stack::new(now, StackConfig::default(), [1; 32]);
    let id = stack.add_interface(now, InterfaceConfig { mtu: 1279, ..ethernet_config(OUR_HARDWARE) });
    assert_eq!(stack.enable_ipv6(now, id, Probing::Skip, true), Err(AddressError::MtuTooSmall));
    assert_eq!(stack.add_address(now, id, US.into(), 64, Probing::Skip), Err(AddressError::MtuTooSmall));
}
