//! Who gets a call when several listen.

use super::super::listener::MAX_SHARERS;
use super::*;

#[test]
fn the_listener_for_every_port_has_what_no_other_wants() {
    let mut host = Host::new(Instant::ZERO, HostConfig::default(), [1; 32]);
    let mut listen = |address, port| host.listen(address, port, 9, SocketOptions::default()).unwrap();
    let any = listen(None, 0);
    let wildcard = listen(Some(Ipv4Addr::UNSPECIFIED.into()), 80);
    let exact = listen(Some(LOCAL), 80);
    let find = |host: &mut Host, local, local_port| {
        let tuple = FourTuple { local, local_port, remote: peer(7), remote_port: 1 };
        host.listeners.find(&tuple).map(crate::ListenerId)
    };
    assert_eq!(find(&mut host, LOCAL, 80), Some(exact));
    assert_eq!(find(&mut host, peer(0), 80), Some(wildcard));
    assert_eq!(find(&mut host, LOCAL, 81), Some(any));
    assert_eq!(find(&mut host, core::net::Ipv6Addr::LOCALHOST.into(), 80), Some(any));
    host.close_listener(Instant::ZERO, exact);
    assert_eq!(find(&mut host, LOCAL, 80), Some(wildcard));
    host.close_listener(Instant::ZERO, any);
    assert_eq!(find(&mut host, LOCAL, 81), None);
}

/// SO_REUSEPORT.
#[test]
fn calls_spread_over_listeners_that_share_a_port_and_each_flow_keeps_its_own() {
    let mut host = Host::new(Instant::ZERO, HostConfig::default(), [1; 32]);
    let options = SocketOptions { reuse_port: true, ..SocketOptions::default() };
    let mut sharing: Vec<_> = (0..4).map(|_| host.listen(None, 80, 9, options).unwrap()).collect();
    let find = |host: &mut Host, n: u32| {
        let tuple = FourTuple { local: LOCAL, local_port: 80, remote: peer(n), remote_port: 1_000 };
        host.listeners.find(&tuple).map(crate::ListenerId)
    };
    let count = |host: &mut Host, listener| (0..4_000).filter(|n| find(host, *n) == Some(listener)).count();
    for listener in &sharing {
        assert!((850..1_150).contains(&count(&mut host, *listener)), "{}", count(&mut host, *listener));
    }
    let before: Vec<_> = (0..100).map(|n| find(&mut host, n)).collect();
    assert_eq!(before, (0..100).map(|n| find(&mut host, n)).collect::<Vec<_>>());
    // Another host with another secret spreads them in another way.
    let mut other = Host::new(Instant::ZERO, HostConfig::default(), [2; 32]);
    for _ in 0..4 {
        other.listen(None, 80, 9, options).unwrap();
    }
    assert_ne!(before, (0..100).map(|n| find(&mut other, n)).collect::<Vec<_>>());
    while let Some(gone) = sharing.pop() {
        host.close_listener(Instant::ZERO, gone);
        assert_eq!(count(&mut host, gone), 0);
        let found: usize = sharing.iter().map(|listener| count(&mut host, *listener)).sum();
        assert_eq!(found, if sharing.is_empty() { 0 } else { 4_000 });
    }
    assert!(host.listen(None, 80, 9, SocketOptions::default()).is_ok(), "the place is free again");
}

#[test]
fn a_port_is_shared_if_all_want_it_and_by_no_more_than_the_bound() {
    let mut host = Host::new(Instant::ZERO, HostConfig::default(), [1; 32]);
    let alone = SocketOptions::default();
    let sharing = SocketOptions { reuse_port: true, ..alone };
    host.listen(None, 80, 9, alone).unwrap();
    assert_eq!(host.listen(None, 80, 9, sharing), Err(ListenError::AddressInUse));
    for _ in 0..MAX_SHARERS {
        host.listen(None, 81, 9, sharing).unwrap();
    }
    assert_eq!(host.listen(None, 81, 9, alone), Err(ListenError::AddressInUse));
    assert_eq!(host.listen(None, 81, 9, sharing), Err(ListenError::TooManyListeners));
}

#[test]
fn listeners_have_a_bound() {
    let mut host =
        Host::new(Instant::ZERO, HostConfig { max_listeners: 2, ..HostConfig::default() }, [1; 32]);
    let results = [80, 81, 82].map(|port| host.listen(None, port, 1, SocketOptions::default()).map(drop));
    assert_eq!(results, [Ok(()), Ok(()), Err(ListenError::TooManyListeners)]);
}
