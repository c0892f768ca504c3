//! The way of a connection: who calls one host again and again goes by what there is at each call.

use super::harness::{Bench, OURS, PEER, PEER_HARDWARE};
use crate::{ConnectError, Defence, Probing, StackConfig};
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;
use tcp::SocketOptions;
use wire::arp::Packet;

const OTHER: Ipv4Addr = Ipv4Addr::new(10, 7, 0, 9);

/// Calls the peer, twice: the second goes by what the first found.
fn call(bench: &mut Bench, from: Option<Ipv4Addr>) -> Result<IpAddr, ConnectError> {
    let from = from.map(|from| SocketAddr::new(from.into(), 0));
    let [first, second] = [(); 2].map(|()| {
        let remote = (PEER, 80).into();
        let id = bench.stack.tcp_connect(bench.now, from, remote, SocketOptions::default())?;
        let tuple = bench.stack.tcp().tuple(id).unwrap();
        assert_eq!(tuple.remote_address(), remote);
        Ok(tuple.local)
    });
    assert_eq!(first, second);
    first
}

#[test]
fn a_call_goes_by_the_links_the_routes_and_the_addresses_that_are_there() {
    let mut bench = Bench::acquainted();
    assert_eq!(call(&mut bench, None), Ok(OURS.into()));
    bench.stack.set_link_state(bench.now, bench.id, false);
    assert_eq!(call(&mut bench, None), Err(ConnectError::NoRoute));
    bench.stack.set_link_state(bench.now, bench.id, true);
    assert_eq!(call(&mut bench, None), Ok(OURS.into()));
    assert_eq!(call(&mut bench, Some(OTHER)), Err(ConnectError::AddressNotAvailable));
    bench.stack.add_address(bench.now, bench.id, OTHER.into(), 24, Probing::Skip).unwrap();
    assert_eq!(call(&mut bench, Some(OTHER)), Ok(OTHER.into()));
    assert_eq!(call(&mut bench, None), Ok(OURS.into()));
    bench.stack.remove_address(OURS.into()).unwrap();
    assert_eq!(call(&mut bench, None), Ok(OTHER.into()));
    let network = bench.stack.routes().next().unwrap().destination;
    bench.stack.remove_route(network, None, bench.id).unwrap();
    assert_eq!(call(&mut bench, None), Err(ConnectError::NoRoute));
    bench.stack.add_route(network, None, bench.id).unwrap();
    assert_eq!(call(&mut bench, None), Ok(OTHER.into()));
    let nowhere = bench.stack.tcp_connect(bench.now, None, (PEER, 0).into(), SocketOptions::default());
    assert_eq!(nowhere, Err(ConnectError::InvalidDestination));
}

#[test]
fn no_call_goes_from_an_address_that_was_lost() {
    let mut bench = Bench::with(StackConfig { defence: Defence::GiveUp, ..StackConfig::default() });
    assert_eq!(call(&mut bench, Some(OURS)), Ok(OURS.into()));
    for _ in 0..2 {
        bench.arp(Packet::announcement(PEER_HARDWARE, OURS));
        bench.pass(Duration::from_secs(1));
    }
    assert_eq!(call(&mut bench, Some(OURS)), Err(ConnectError::AddressNotAvailable));
}
