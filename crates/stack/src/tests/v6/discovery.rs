//! Neighbours: asking, answering, doubting, and addresses that two stations want.

use super::harness::*;
use crate::tests::harness::*;
use crate::{AddressState, Defence, Dropped, Event, NeighbourState, ProbeTimes, Probing, StackConfig};
use core::net::Ipv6Addr;
use core::time::Duration;
use wire::Malformed;
use wire::ethernet::MacAddress;
use wire::ipv6::{ALL_NODES, solicited_node};
use wire::ndp::{Message, Options};
use wire::protocol;

fn advertisement(target: Ipv6Addr, solicited: bool, overriding: bool) -> Message {
    Message::NeighbourAdvertisement { target, router: false, solicited, overriding }
}

fn state(bench: &Bench, address: Ipv6Addr) -> Option<NeighbourState> {
    let found = bench.stack.neighbours().find(|neighbour| neighbour.address == address)?;
    Some(found.state)
}

fn probing() -> Probing {
    Probing::Probe(ProbeTimes::RFC5227)
}

#[test]
fn a_packet_waits_for_its_neighbour_who_is_asked_three_times() {
    let mut bench = bench();
    let stranger: Ipv6Addr = "fd07::12:3456".parse().unwrap();
    let socket = bench.stack.udp_bind("[::]:7".parse().unwrap()).unwrap();
    bench.stack.udp_connect(socket, (stranger, 9).into()).unwrap();
    bench.stack.udp_send(bench.now, socket, b"hello", None).unwrap();
    for _ in 0..3 {
        let sent = bench.sent_discovery();
        let (header, message, options) = &sent[0];
        assert_eq!((sent.len(), *message), (1, Message::NeighbourSolicitation { target: stranger }));
        assert_eq!((header.source, header.destination), (US, solicited_node(stranger)));
        assert_eq!(options.source, Some(OUR_HARDWARE));
        bench.pass(seconds(1));
    }
    assert!(bench.sent().is_empty());
    assert_eq!(state(&bench, stranger), Some(NeighbourState::Failed));
    // The connected socket is told as by an ICMP error.
    assert_eq!(bench.stack.udp_take_error(socket), Some(tcp::IcmpError::HostUnreachable));

    bench.pass(seconds(2));
    bench.stack.udp_send(bench.now, socket, b"hello", None).unwrap();
    assert_eq!(bench.sent_discovery().len(), 1);
    let message = advertisement(stranger, true, true);
    bench.discovery(stranger, US, &message, &Options::to_target(PEER_HARDWARE)).unwrap();
    assert_eq!(state(&bench, stranger), Some(NeighbourState::Reachable));
    let sent = bench.sent_v6();
    assert_eq!((sent.len(), &sent[0].2[8..]), (1, &b"hello"[..]));
}

#[test]
fn a_neighbour_goes_from_reachable_to_stale_delay_and_probe() {
    let mut bench = bench();
    let socket = bench.stack.udp_bind("[::]:7".parse().unwrap()).unwrap();
    let send = |bench: &mut Bench| {
        bench.stack.udp_send(bench.now, socket, b"x", Some((THEM, 9).into())).unwrap();
    };
    send(&mut bench);
    assert_eq!(state(&bench, THEM), Some(NeighbourState::Reachable));
    bench.pass(seconds(30));
    send(&mut bench);
    assert_eq!(bench.sent_v6().len(), 2);
    assert_eq!(state(&bench, THEM), Some(NeighbourState::Delay));
    bench.pass(seconds(5));
    let probe = bench.sent_discovery();
    assert_eq!(probe[0].0.destination, THEM, "it is asked itself");
    assert_eq!(state(&bench, THEM), Some(NeighbourState::Probe));
    bench.discovery(THEM, US, &advertisement(THEM, true, false), &Options::default()).unwrap();
    assert_eq!(state(&bench, THEM), Some(NeighbourState::Reachable), "the station need not be told again");
    // Another station says that it has the address, without the right to say so: it is asked again.
    let other = Options::to_target(MacAddress([2, 0, 0, 0, 0, 9]));
    bench.discovery(THEM, US, &advertisement(THEM, true, false), &other).unwrap();
    assert_eq!(state(&bench, THEM), Some(NeighbourState::Stale));
    bench.discovery(THEM, US, &advertisement(THEM, false, true), &other).unwrap();
    let found = bench.stack.neighbours().find(|neighbour| neighbour.address == THEM).unwrap();
    assert_eq!((found.hardware, found.state), (other.target, NeighbourState::Stale));
    // Who was not asked for is not remembered.
    let stranger = "fd07::77".parse().unwrap();
    bench.discovery(stranger, US, &advertisement(stranger, true, true), &other).unwrap();
    assert_eq!(state(&bench, stranger), None);
}

#[test]
fn a_solicitation_is_answered_to_its_sender_or_to_all() {
    let mut bench = bench();
    let ask = Message::NeighbourSolicitation { target: US };
    bench.discovery(THEM, solicited_node(US), &ask, &Options::from_source(PEER_HARDWARE)).unwrap();
    let (header, message, options) = bench.sent_discovery().remove(0);
    assert_eq!((header.source, header.destination), (US, THEM));
    assert_eq!((message, options.target), (advertisement(US, true, true), Some(OUR_HARDWARE)));
    // Whoever probes for the address hears that it is taken.
    bench.discovery(Ipv6Addr::UNSPECIFIED, solicited_node(US), &ask, &Options::default()).unwrap();
    let (header, message, _) = bench.sent_discovery().remove(0);
    assert_eq!((header.destination, message), (ALL_NODES, advertisement(US, false, true)));
    assert_eq!(bench.stack.address_state(US.into()), Some(AddressState::Assigned));
}

#[test]
fn what_came_over_a_router_or_makes_no_sense_is_not_believed() {
    let mut bench = bench();
    let ask = Message::NeighbourSolicitation { target: US };
    let options = Options::from_source(PEER_HARDWARE);
    let nonsense = Err(Dropped::Malformed(Malformed::NdpFormat));
    let bytes = ask.to_frame(&options, THEM, US).to_vec();
    let header = wire::ipv6::Header { hop_limit: 254, ..from_them(protocol::ICMPV6) };
    assert_eq!(bench.packet_v6(&header, &bytes), nonsense);
    let nobody = Ipv6Addr::UNSPECIFIED;
    assert_eq!(bench.discovery(nobody, solicited_node(US), &ask, &options), nonsense);
    assert_eq!(bench.discovery(nobody, US, &ask, &Options::default()), nonsense);
    let group = Options::from_source(MacAddress([1, 0, 0, 0, 0, 1]));
    assert_eq!(bench.discovery(THEM, US, &ask, &group), nonsense);
    assert_eq!(bench.discovery(THEM, ALL_NODES, &advertisement(THEM, true, true), &options), nonsense);
    assert!(bench.sent().is_empty());
}

#[test]
fn an_address_is_asked_for_before_it_is_used() {
    let mut bench = Bench::bare(StackConfig::default());
    bench.stack.add_address(bench.now, bench.id, US.into(), 64, probing()).unwrap();
    assert_eq!(bench.stack.address_state(US.into()), Some(AddressState::Probing));
    assert!(bench.stack.udp_bind((US, 7).into()).is_err());
    bench.pass(seconds(1));
    let asked = bench.sent_discovery();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].0.source, Ipv6Addr::UNSPECIFIED);
    assert_eq!(asked[0].0.destination, solicited_node(US));
    // Our own question, given back by the link, is no rival (RFC 7527).
    bench.discovery(Ipv6Addr::UNSPECIFIED, solicited_node(US), &asked[0].1, &asked[0].2).unwrap();
    bench.pass(seconds(2));
    assert_eq!(bench.stack.address_state(US.into()), Some(AddressState::Assigned));
    assert!(bench.stack.udp_bind((US, 7).into()).is_ok());
}

#[test]
fn an_address_that_another_has_or_wants_is_not_used() {
    for claim in [
        (THEM, ALL_NODES, advertisement(US, false, true), Options::to_target(PEER_HARDWARE)),
        (
            Ipv6Addr::UNSPECIFIED,
            solicited_node(US),
            Message::NeighbourSolicitation { target: US },
            Options::default(),
        ),
    ] {
        let mut bench = Bench::bare(StackConfig::default());
        bench.stack.add_address(bench.now, bench.id, US.into(), 64, probing()).unwrap();
        bench.pass(seconds(1));
        bench.discovery(claim.0, claim.1, &claim.2, &claim.3).unwrap();
        let state = bench.stack.address_state(US.into());
        assert!(matches!(state, Some(AddressState::Conflict(_))), "{state:?}");
        bench.pass(seconds(10));
        assert_eq!(bench.stack.address_state(US.into()), state);
        assert_eq!(bench.stack.counters().discovery.conflicts, 1);
    }
}

#[test]
fn an_address_in_use_is_kept_and_told_again_but_not_too_often() {
    let mut bench = bench();
    let claim = |bench: &mut Bench| {
        bench.discovery(THEM, ALL_NODES, &advertisement(US, false, true), &Options::to_target(PEER_HARDWARE))
    };
    for expected in [1, 0, 0] {
        claim(&mut bench).unwrap();
        assert_eq!(bench.sent_discovery().len(), expected);
        assert_eq!(
            bench.events(),
            [Event::Contested { interface: bench.id, address: US.into(), station: PEER_HARDWARE }]
        );
        bench.pass(Duration::from_millis(100));
    }
    assert_eq!(bench.stack.address_state(US.into()), Some(AddressState::Assigned));

    let mut bench = bench_with(StackConfig { defence: Defence::GiveUp, ..StackConfig::default() });
    claim(&mut bench).unwrap();
    claim(&mut bench).unwrap();
    assert_eq!(bench.stack.address_state(US.into()), Some(AddressState::Conflict(PEER_HARDWARE)));
}

#[test]
fn a_link_that_came_back_is_asked_again() {
    let mut bench = Bench::bare(StackConfig::default());
    bench.stack.add_address(bench.now, bench.id, US.into(), 64, probing()).unwrap();
    bench.pass(seconds(3));
    assert_eq!(bench.stack.address_state(US.into()), Some(AddressState::Assigned));
    bench.stack.set_link_state(bench.now, bench.id, false);
    bench.stack.set_link_state(bench.now, bench.id, true);
    assert_eq!(bench.stack.address_state(US.into()), Some(AddressState::Probing));
    bench.pass(seconds(3));
    assert_eq!(bench.stack.address_state(US.into()), Some(AddressState::Assigned));
}
