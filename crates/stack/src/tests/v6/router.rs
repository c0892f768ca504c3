//! A router's advertisements (RFC 4861 6.2): at first, when asked, not too often, and that it goes.

use super::harness::*;
use crate::tests::harness::*;
use crate::{Dropped, Probing, RouterAdvertisement};
use core::net::Ipv6Addr;
use core::time::Duration;
use std::vec::Vec;
use wire::Malformed;
use wire::ethernet::MacAddress;
use wire::ipv6::{ALL_NODES, ALL_ROUTERS, Header, is_link_local};
use wire::ndp::{Message, Options, Prefix, Router};

const LIFETIME: u16 = 1800;

fn says() -> RouterAdvertisement {
    let prefix = Prefix {
        address: "fd07::".parse().unwrap(),
        length: 64,
        on_link: true,
        autonomous: true,
        valid: 5400,
        preferred: 2700,
    };
    let mut options = Options { mtu: Some(1500), ..Options::default() };
    options.prefixes.push(prefix);
    RouterAdvertisement { router: Router { lifetime: LIFETIME, ..Router::default() }, options }
}

/// A router whose first three advertisements are out, the last of them three seconds ago.
fn router() -> Bench {
    let mut bench = bench();
    bench.stack.enable_ipv6(bench.now, bench.id, Probing::Skip, false).unwrap();
    assert!(bench.stack.advertise_router(bench.now, bench.id, Some(says())));
    bench.pass(seconds(40));
    bench.sent();
    bench
}

/// The advertisements that have left.
fn advertised(bench: &mut Bench) -> Vec<(Header, Router, Options)> {
    let is_advertisement = |(header, message, options): (Header, Message, Options)| match message {
        Message::RouterAdvertisement(router) => Some((header, router, options)),
        _ => None,
    };
    bench.sent_discovery().into_iter().filter_map(is_advertisement).collect()
}

/// A solicitation from `source`.
fn asked(bench: &mut Bench, source: Ipv6Addr, station: Option<MacAddress>) -> Result<(), Dropped> {
    let options = Options { source: station, ..Options::default() };
    bench.discovery(source, ALL_ROUTERS, &Message::RouterSolicitation, &options)
}

#[test]
fn it_says_thrice_at_first_then_every_few_minutes_what_its_owner_wants() {
    let mut bench = bench();
    assert!(!bench.stack.advertise_router(bench.now, bench.id, Some(says())), "no link-local address");
    bench.stack.enable_ipv6(bench.now, bench.id, Probing::Skip, false).unwrap();
    assert!(bench.stack.advertise_router(bench.now, bench.id, Some(says())));
    bench.pass(seconds(60));
    let sent = advertised(&mut bench);
    assert_eq!(sent.len(), 3);
    for (header, router, options) in sent {
        assert!(is_link_local(header.source), "{header:?}");
        assert_eq!((header.destination, header.hop_limit), (ALL_NODES, 255));
        assert_eq!((router, options.source), (says().router, Some(OUR_HARDWARE)));
        assert_eq!((options.prefixes, options.mtu), (says().options.prefixes, Some(1500)));
    }
    bench.pass(seconds(3600));
    let regular = advertised(&mut bench).len();
    assert!((5..=18).contains(&regular), "{regular} in an hour");
}

#[test]
fn who_asks_is_answered_soon_and_many_who_ask_get_one_answer_in_three_seconds() {
    let mut bench = router();
    asked(&mut bench, Ipv6Addr::UNSPECIFIED, None).unwrap();
    bench.pass(Duration::from_millis(501));
    assert_eq!(advertised(&mut bench).len(), 1);
    let mut answers = 0;
    for _ in 0..30 {
        asked(&mut bench, THEM, Some(PEER_HARDWARE)).unwrap();
        bench.pass(Duration::from_millis(100));
        answers += advertised(&mut bench).len();
    }
    assert!(answers <= 1, "{answers}");
    bench.pass(seconds(1));
    assert_eq!(answers + advertised(&mut bench).len(), 1);
}

#[test]
fn what_is_no_solicitation_is_dropped_and_a_host_answers_none() {
    let mut bench = router();
    // RFC 4861 6.1.1: who has no address yet tells no station.
    let nonsense = asked(&mut bench, Ipv6Addr::UNSPECIFIED, Some(PEER_HARDWARE));
    assert_eq!(nonsense, Err(Dropped::Malformed(Malformed::NdpFormat)));
    bench.pass(seconds(4));
    assert_eq!(advertised(&mut bench).len(), 0);

    let mut host = super::harness::bench();
    host.stack.enable_ipv6(host.now, host.id, Probing::Skip, false).unwrap();
    assert!(asked(&mut host, THEM, Some(PEER_HARDWARE)).is_err());
    host.pass(seconds(4));
    assert_eq!(advertised(&mut host).len(), 0);
}

#[test]
fn neighbours_are_told_that_it_is_a_router_until_it_is_none_any_more() {
    let mut bench = router();
    let is_router = |bench: &mut Bench| {
        let question = Message::NeighbourSolicitation { target: US };
        bench.discovery(THEM, US, &question, &Options::from_source(PEER_HARDWARE)).unwrap();
        let answers = bench.sent_discovery();
        let answer = answers.iter().find_map(|(_, message, _)| match message {
            Message::NeighbourAdvertisement { router, .. } => Some(*router),
            _ => None,
        });
        answer.unwrap()
    };
    assert!(is_router(&mut bench));
    assert!(bench.stack.advertise_router(bench.now, bench.id, None));
    let last = advertised(&mut bench);
    assert_eq!((last.len(), last[0].1.lifetime), (1, 0));
    assert!(!is_router(&mut bench));
    assert!(!bench.stack.advertise_router(bench.now, bench.id, None));
    bench.pass(seconds(3600));
    assert!(advertised(&mut bench).is_empty());
}
