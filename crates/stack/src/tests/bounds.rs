//! Bounds that no other test meets at their edge.

use super::harness::{Bench, PEER};
use crate::{AddressError, Probing, RouteError, StackConfig};
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
