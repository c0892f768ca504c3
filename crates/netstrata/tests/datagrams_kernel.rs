//! Datagrams that leave many at a time, with the Linux kernel's own stack at the other end of a TUN.
#![cfg(target_os = "linux")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "tests live in real time, and a failure is a failed test"
)]

mod common;

use common::namespace::{in_namespace, ip, run};
use netstrata::link::tuntap::{Device, Offload};
use netstrata::{LinkSpec, Network, UdpSocket};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

const COUNT: u32 = 100;

fn taken_in() -> u32 {
    let text = std::fs::read_to_string("/sys/class/net/tun0/statistics/rx_packets").unwrap();
    text.trim().parse().unwrap()
}

#[test]
#[ignore = "needs root, /dev/net/tun, unshare and ip"]
fn datagrams_in_a_row_reach_the_kernel_one_by_one_however_they_cross() {
    if !in_namespace("datagrams_in_a_row_reach_the_kernel_one_by_one_however_they_cross", &["--mount"]) {
        return;
    }
    // For what it shows of this namespace's interfaces.
    run("mount", "-t sysfs sysfs /sys");
    let whole = Device::tun("probe0", Offload::On).unwrap().has_super_datagrams();
    ip("tuntap add dev tun0 mode tun");
    ip("address add 10.9.0.1/24 dev tun0");
    ip("address add fd09::1/64 dev tun0 nodad");
    ip("link set tun0 up");
    let ours: [IpAddr; 2] =
        [Ipv4Addr::new(10, 9, 0, 2).into(), Ipv6Addr::new(0xfd09, 0, 0, 0, 0, 0, 0, 2).into()];
    let kernels: [IpAddr; 2] =
        [Ipv4Addr::new(10, 9, 0, 1).into(), Ipv6Addr::new(0xfd09, 0, 0, 0, 0, 0, 0, 1).into()];
    let network = Network::new(LinkSpec::Tun("tun0".into())).address(ours[0], 24).address(ours[1], 64);
    let host = network.start().unwrap();
    for (ours, kernels) in ours.into_iter().zip(kernels) {
        let theirs = std::net::UdpSocket::bind((kernels, 0)).unwrap();
        theirs.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let socket = UdpSocket::bind(&host, (ours, 0)).unwrap();
        let before = taken_in();
        for number in 0..COUNT {
            // The last of each ten is shorter, and ends a row.
            let mut datagram = vec![number as u8; if number % 10 == 9 { 400 } else { 1_000 }];
            datagram[..4].copy_from_slice(&number.to_be_bytes());
            socket.send_to(&datagram, theirs.local_addr().unwrap()).unwrap();
        }
        let mut datagram = [0; 2_000];
        for number in 0..COUNT {
            let (length, from) = theirs.recv_from(&mut datagram).unwrap();
            assert_eq!((length, from.ip()), (if number % 10 == 9 { 400 } else { 1_000 }, ours));
            assert_eq!(datagram[..4], number.to_be_bytes());
            assert!(datagram[4..length].iter().all(|byte| *byte == number as u8));
        }
        let crossed = taken_in() - before;
        println!("{crossed} packets crossed for {COUNT} datagrams from {ours}; many at a time: {whole}");
        assert!(if whole { crossed < COUNT } else { crossed >= COUNT });
    }
}
