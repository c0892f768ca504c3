//! Hosts that are stations of their own on an interface's network, beside the kernel, with the Linux kernel's own stack at the other end
//! of the cable.
#![cfg(target_os = "linux")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "tests live in real time, and a failure is a failed test"
)]

mod common;

use common::exchange::exchange;
use common::namespace::{in_namespace, ip, run};
use common::within;
use netstrata::link::Watch;
use netstrata::link::watch::Direction;
use netstrata::{LinkSpec, Network, PingSocket, TcpListener, TcpStream};
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(120);
const KERNEL: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 9, 0, 1));
const OURS: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 9, 0, 2));
/// The one end of the cable, which is to carry a station of ours.
const NEAR: &str = "near";

/// Runs the test in a network namespace in which the kernel has the other end of the cable. Returns whether this is the inner call.
fn with_cable(test: &str) -> bool {
    if !in_namespace(test, &[]) {
        return false;
    }
    ip("link set lo up");
    cable();
    true
}

fn cable() {
    ip(&format!("link add {NEAR} type veth peer name far"));
    ip(&format!("address add {KERNEL}/24 dev far"));
    ip("link set far up");
    ip(&format!("link set {NEAR} up"));
}

/// Who wants to see packets, and counts them.
#[derive(Debug, Default)]
struct Watcher(AtomicU64);

impl Watch for Watcher {
    fn is_watching(&self) -> bool {
        true
    }

    fn packet(&self, _: Direction, packet: &[u8]) {
        assert!(packet.len() <= 1514, "{} bytes are no packet", packet.len());
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Frames that have left by our end of the cable.
fn left() -> u64 {
    let text = std::fs::read_to_string("/proc/net/dev").unwrap();
    let line = text.lines().find_map(|line| line.trim_start().strip_prefix(NEAR)).unwrap();
    line.split_whitespace().nth(10).unwrap().parse().unwrap()
}

/// Segments that came to the kernel with checksums that do not fit.
fn bad_checksums() -> String {
    let text = std::fs::read_to_string("/proc/net/snmp").unwrap();
    let rows: Vec<Vec<&str>> =
        text.lines().filter(|line| line.starts_with("Tcp:")).map(|line| line.split(' ').collect()).collect();
    let at = rows[0].iter().position(|name| *name == "InCsumErrors").unwrap();
    rows[1][at].to_owned()
}

/// Pings and calls each way. What leaves as super-segments where the link is `wide` and nobody looks leaves as packets where somebody does.
fn calls(spec: &LinkSpec, shards: usize, wide: bool) {
    const CONNECTIONS: usize = 4;
    const LENGTH: usize = 1_000_000;
    // Each end sends, and sends back what came.
    const PACKETS: u64 = (2 * CONNECTIONS * LENGTH / 1460) as u64;
    for watcher in [None, Some(Arc::new(Watcher::default()))] {
        let watch = watcher.clone().map(|watcher| watcher as Arc<dyn Watch>);
        let network = Network::new(spec.clone()).address(OURS, 24).shards(shards).watch(watch);
        let host = network.start().unwrap();
        run("ping", &format!("-q -c 2 -i 0.01 -W 10 {OURS}"));
        let ping = PingSocket::open(&host).unwrap();
        ping.send_to(KERNEL, 7, b"there and back", None).unwrap();
        assert_eq!(ping.recv_timeout(LIMIT).unwrap().sequence, 7);
        let before = left();
        exchange(&host, OURS, KERNEL, CONNECTIONS, LENGTH);
        let left = left() - before;
        assert_eq!(bad_checksums(), "0");
        match watcher {
            None if wide => assert!(left < PACKETS / 2, "{left} frames are no super-segments"),
            _ => assert!(left >= PACKETS, "{left} frames for {PACKETS} packets"),
        }
        if let Some(watcher) = watcher {
            assert!(watcher.0.load(Ordering::Relaxed) >= 2 * PACKETS);
        }
        assert!(host.link_failures().is_empty());
        assert!(host.shutdown(Duration::from_secs(10)));
    }
}

#[test]
#[ignore = "needs root, ip and ping"]
fn calls_both_ways_over_a_packet_socket() {
    if with_cable("calls_both_ways_over_a_packet_socket") {
        within(LIMIT, || calls(&LinkSpec::Packet(NEAR.into()), 1, true));
    }
}

#[test]
#[ignore = "needs root, ip and ping"]
fn two_shards_share_an_interfaces_frames_by_packet_sockets() {
    if with_cable("two_shards_share_an_interfaces_frames_by_packet_sockets") {
        within(LIMIT, || calls(&LinkSpec::Packet(NEAR.into()), 2, true));
    }
}

#[test]
#[ignore = "needs root, ip and ping"]
fn calls_both_ways_over_an_xdp_socket() {
    if with_cable("calls_both_ways_over_an_xdp_socket") {
        within(LIMIT, || calls(&LinkSpec::Xdp(NEAR.into()), 1, false));
    }
}

#[test]
#[ignore = "needs root, ip and ping"]
fn two_shards_share_one_xdp_socket() {
    if with_cable("two_shards_share_one_xdp_socket") {
        within(LIMIT, || calls(&LinkSpec::Xdp(NEAR.into()), 2, false));
    }
}

/// A call goes on when its interface has been down for a while, and ends when it is taken away.
fn survives_and_ends(spec: &LinkSpec, name: &str) {
    let host = Network::new(spec.clone()).address(OURS, 24).start().unwrap();
    let listener = std::net::TcpListener::bind((KERNEL, 9)).unwrap();
    let mut ours = TcpStream::connect(&host, (KERNEL, 9)).unwrap();
    let (mut kernels, _) = listener.accept().unwrap();
    ip(&format!("link set {name} down"));
    let sent = common::pattern(100_000);
    ours.write_all(&sent).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    ip(&format!("link set {name} up"));
    let mut received = vec![0; sent.len()];
    kernels.set_read_timeout(Some(LIMIT)).unwrap();
    kernels.read_exact(&mut received).unwrap();
    assert!(received == sent && host.link_failures().is_empty());
    // So that the one who waits moves the frames itself: it is the one who finds the interface gone.
    kernels.set_nodelay(true).unwrap();
    while host.statistics().led < 10 {
        ours.write_all(&[1]).unwrap();
        kernels.read_exact(&mut [0]).unwrap();
        kernels.write_all(&[2]).unwrap();
        ours.read_exact(&mut [0]).unwrap();
    }
    let waiting = std::thread::spawn(move || ours.read(&mut [0]));
    ip(&format!("link delete {name}"));
    let error = waiting.join().unwrap().unwrap_err();
    let expected = format!("the link is broken: the interface {name} has been taken away");
    assert_eq!((error.kind(), error.to_string()), (ErrorKind::NetworkDown, expected));
    let refused = TcpStream::connect(&host, (KERNEL, 9)).map(drop).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NetworkUnreachable, "{refused}");
    host.shutdown(Duration::ZERO);
}

#[test]
#[ignore = "needs root and ip"]
fn calls_survive_an_interface_that_is_down_and_end_with_one_that_is_taken_away() {
    let test = "calls_survive_an_interface_that_is_down_and_end_with_one_that_is_taken_away";
    if !in_namespace(test, &[]) {
        return;
    }
    ip("link set lo up");
    within(LIMIT, || {
        for (spec, mode) in [(LinkSpec::Tap(NEAR.into()), "tap"), (LinkSpec::Tun(NEAR.into()), "tun")] {
            ip(&format!("tuntap add dev {NEAR} mode {mode}"));
            ip(&format!("address add {KERNEL}/24 dev {NEAR}"));
            ip(&format!("link set {NEAR} up"));
            survives_and_ends(&spec, NEAR);
        }
        for spec in [LinkSpec::Packet(NEAR.into()), LinkSpec::Xdp(NEAR.into())] {
            cable();
            survives_and_ends(&spec, NEAR);
        }
    });
}

/// What the kernel sends while nobody reads fills the interface's queue, and what does not fit is lost and counted there.
fn loses_and_goes_on(spec: &LinkSpec, name: &str) {
    let lost = || -> u64 {
        let table = std::fs::read_to_string("/proc/net/dev").unwrap();
        let row = table.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(':')).unwrap();
        // Eight counts of what arrived, then bytes, packets, errors and drops of what left.
        row.split_whitespace().nth(11).unwrap().parse().unwrap()
    };
    let host = Network::new(spec.clone()).address(OURS, 24).start().unwrap();
    let listener = TcpListener::bind(&host, (OURS, 9)).unwrap();
    let mut kernels = std::net::TcpStream::connect((OURS, 9)).unwrap();
    let (mut ours, _) = listener.accept().unwrap();
    let flood = std::net::UdpSocket::bind((KERNEL, 0)).unwrap();
    flood.connect((OURS, 9)).unwrap();
    let before = lost();
    let sent = common::pattern(3_000_000);
    let writing = std::thread::spawn({
        let sent = sent.clone();
        move || kernels.write_all(&sent).map(|()| kernels)
    });
    // The driver reads a turn and then has to wait for the stack. Ports that nobody listens at are told of; the socket need not know.
    host.with(|_, _| (0..3_000).for_each(|_| drop(flood.send(&[0; 1000]))));
    assert!(lost() > before, "nothing was lost");
    let mut received = vec![0; sent.len()];
    ours.read_exact(&mut received).unwrap();
    assert!(received == sent);
    let mut kernels = writing.join().unwrap().unwrap();
    ours.write_all(&sent[..200_000]).unwrap();
    kernels.read_exact(&mut received[..200_000]).unwrap();
    assert!(received[..200_000] == sent[..200_000] && host.link_failures().is_empty());
    host.shutdown(Duration::ZERO);
}

#[test]
#[ignore = "needs root, /dev/net/tun and ip"]
fn calls_survive_a_full_queue_and_what_was_lost_is_counted() {
    if !in_namespace("calls_survive_a_full_queue_and_what_was_lost_is_counted", &[]) {
        return;
    }
    ip("link set lo up");
    within(LIMIT, || {
        for (spec, mode) in [(LinkSpec::Tap(NEAR.into()), "tap"), (LinkSpec::Tun(NEAR.into()), "tun")] {
            ip(&format!("tuntap add dev {NEAR} mode {mode}"));
            ip(&format!("address add {KERNEL}/24 dev {NEAR}"));
            ip(&format!("link set {NEAR} txqueuelen 20 up"));
            loses_and_goes_on(&spec, NEAR);
            ip(&format!("link delete {NEAR}"));
        }
    });
}

/// The kernel neither hears our probes nor keeps silent about what is its own.
#[test]
#[ignore = "needs root and ip"]
fn the_kernels_own_addresses_are_refused_and_passed_over() {
    if !with_cable("the_kernels_own_addresses_are_refused_and_passed_over") {
        return;
    }
    let network = || Network::new(LinkSpec::Packet(NEAR.into()));
    let error = network().address(KERNEL, 24).start().map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
    assert!(error.to_string().starts_with("the kernel of this machine has 10.9.0.1 itself"), "{error}");
    let (_host, taken) = network().start_at_free_address(KERNEL..=OURS, 24, 100).unwrap();
    assert_eq!(taken, OURS);
}
