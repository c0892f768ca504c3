//! Bounds that no other test meets at their edge.

use super::harness::{Bench, OUR_HARDWARE, OURS, PEER, ethernet_config};
use crate::{AddressError, Dropped, Probing, RouteError, StackConfig};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

#[test]
fn addresses_of_an_interface_have_a_bound_of_each_family() {
    let mut bench = Bench::bare(StackConfig { max_addresses: 3, ..StackConfig::default() });
    let mut add = |address: IpAddr, length| {
        bench.stack.add_address(bench.now, bench.id, address, length, Probing::Skip)
    };
    for last in 1..=4 {
        let four = add(Ipv4Addr::new(10, 7, 0, last).into(), 24);
        let six = add(Ipv6Addr::new(0xfd07, 0, 0, 0, 0, 0, 0, last.into()).into(), 64);
        let expected = if last <= 3 { Ok(()) } else { Err(AddressError::TooManyAddresses) };
        assert_eq!((four, six), (expected, expected), "{last}");
    }
}

#[test]
fn routes_have_a_bound() {
    let mut bench = Bench::with(StackConfig { max_routes: 4, ..StackConfig::default() });
    // One is there: that to the interface's own network.
    let results = [1, 2, 3, 4].map(|number| {
        let network = std::format!("172.16.{number}.0/24").parse().unwrap();
        bench.stack.add_route(network, Some(PEER.into()), bench.id)
    });
    assert_eq!(results, [Ok(()), Ok(()), Ok(()), Err(RouteError::TooManyRoutes)]);
}

#[test]
#[should_panic(expected = "a stack has at most 64 interfaces")]
fn sixty_four_interfaces_are_taken_and_one_more_is_the_owners_fault() {
    let mut bench = Bench::new();
    for number in 1..64 {
        let id = bench.stack.add_interface(bench.now, ethernet_config(OUR_HARDWARE));
        assert_eq!(bench.stack.interfaces().count(), number + 1, "{id:?}");
    }
    bench.stack.add_interface(bench.now, ethernet_config(OUR_HARDWARE));
}

#[test]
fn datagrams_of_all_sockets_wait_up_to_a_bound() {
    let sent = |most| {
        let mut bench = Bench::with(StackConfig { max_output_bytes: most, ..StackConfig::default() });
        let sockets = [1, 2, 3].map(|port| bench.stack.udp_bind((OURS, port).into()).unwrap());
        for socket in sockets {
            bench.stack.udp_send(bench.now, socket, &[7; 1_000], Some((PEER, 9).into())).unwrap();
        }
        let counters = bench.stack.counters();
        (counters.udp.sent, counters.dropped.of(Dropped::OutputQueueFull))
    };
    assert_eq!(sent(1 << 20), (3, 0));
    // Room for a part of one is room for it.
    assert_eq!(sent(1), (1, 2));
    assert_eq!(sent(0), (0, 3));
}
