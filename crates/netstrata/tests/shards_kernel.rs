//! Hosts on several cores, with the Linux kernel's own stack at the other end of a TUN or a TAP with several queues.
#![cfg(target_os = "linux")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "tests live in real time, and a failure is a failed test"
)]

mod common;

use common::exchange::exchange;
use common::namespace::{in_namespace, ip};
use common::within;
use netstrata::stack::Probing;
use netstrata::{LinkSpec, Network};
use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(300);
const KERNEL: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 9, 0, 1));
const OURS: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 9, 0, 2));
const CONNECTIONS: usize = 16;

fn over(spec: LinkSpec, name: &str, shards: usize) {
    let network = Network::new(spec).probing(Probing::Skip).address(OURS, 24).shards(shards);
    let host = network.start().unwrap();
    ip(&format!("addr add {KERNEL}/24 dev {name}"));
    ip(&format!("link set {name} up"));
    exchange(&host, OURS, KERNEL, CONNECTIONS, 2_000_000);
    let opens: Vec<(u64, u64)> = host
        .shards()
        .iter()
        .map(|shard| {
            shard.with(|stack, _| {
                let counters = stack.tcp().counters();
                (counters.active_opens, counters.passive_opens)
            })
        })
        .collect();
    println!("{name}, {shards} shards: {opens:?} {:?}", host.statistics());
    let share = (CONNECTIONS / shards) as u64;
    assert!(opens.iter().all(|(active, _)| *active == share), "{opens:?}");
    assert_eq!(opens.iter().map(|(_, passive)| passive).sum::<u64>(), CONNECTIONS as u64);
    assert!(opens.iter().all(|(_, passive)| *passive > 0), "every shard was called: {opens:?}");
    assert!(host.link_failures().is_empty());
    let ping = Command::new("ping").args(["-c", "1", "-W", "5", &OURS.to_string()]).status().unwrap();
    assert!(ping.success(), "the first shard answers");
    assert!(host.shutdown(Duration::from_secs(10)));
}

#[test]
#[ignore = "needs root, /dev/net/tun, ip and ping"]
fn sixteen_calls_each_way_over_a_tun_with_a_queue_for_each_of_two_shards() {
    if in_namespace("sixteen_calls_each_way_over_a_tun_with_a_queue_for_each_of_two_shards", &[]) {
        within(LIMIT, || over(LinkSpec::Tun("tun0".to_owned()), "tun0", 2));
    }
}

#[test]
#[ignore = "needs root, /dev/net/tun, ip and ping"]
fn sixteen_calls_each_way_over_a_tap_with_a_queue_for_each_of_two_shards() {
    if in_namespace("sixteen_calls_each_way_over_a_tap_with_a_queue_for_each_of_two_shards", &[]) {
        within(LIMIT, || over(LinkSpec::Tap("tap0".to_owned()), "tap0", 2));
    }
}

#[test]
#[ignore = "needs root, /dev/net/tun, ip and ping"]
fn one_shard_has_one_queue_as_ever() {
    if in_namespace("one_shard_has_one_queue_as_ever", &[]) {
        within(LIMIT, || over(LinkSpec::Tun("tun0".to_owned()), "tun0", 1));
    }
}
