//! `netstrata ping` and `netstrata lan`.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "tests of real processes live in real time"
)]

mod common;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::Stdio;

use common::{DEADLINE, Lan, Process, Server, exchange, netstrata, next_line, run, until};
use nix::sys::signal::Signal;

#[test]
fn a_host_that_is_there_is_pinged() {
    let lan = Lan::new();
    let _server = lan.serve(&["--no-publish"]);
    let outcome =
        run(&["ping", "10.7.0.2", "--link", &lan.link(), "-c", "3", "-i", "0.05", "-s", "1400"], b"");
    assert!(outcome.is_quiet_success(), "{outcome:?}");
    let text = outcome.text();
    assert!(
        text.starts_with("PING 10.7.0.2: 1400 data bytes\n1408 bytes from 10.7.0.2: icmp_seq=1 ttl=64 time="),
        "{text}"
    );
    assert!(text.contains("\n3 packets transmitted, 3 received, 0% packet loss"), "{text}");
    assert!(text.contains("\nrtt min/avg/max/mdev = "), "{text}");

    let outcome =
        run(&["ping", "10.7.0.77", "--link", &lan.link(), "-c", "2", "-i", "0.05", "-W", "0.3"], b"");
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(
        outcome.text().contains("2 packets transmitted, 0 received")
            && outcome.text().contains("100% packet loss")
    );
    assert!(outcome.stderr.contains("no reply came from 10.7.0.77"), "{outcome:?}");
}

#[test]
fn a_ping_that_is_interrupted_still_sums_up() {
    let lan = Lan::new();
    let _server = lan.serve(&["--no-publish"]);
    let mut command = netstrata();
    command.args(["ping", "10.7.0.2", "--link", &lan.link(), "-i", "0.05"]);
    let mut process = Process::spawn(command.stdout(Stdio::piped()));
    let lines = common::lines(process.child.stdout.take().unwrap());
    next_line(&lines, "icmp_seq=2");
    process.signal(Signal::SIGINT);
    // The reply to the last request may still have been on its way.
    let sum = next_line(&lines, "packets transmitted");
    let received = sum.split(", ").find_map(|part| part.strip_suffix(" received")).unwrap();
    assert!(received.parse::<u32>().unwrap() >= 2, "{sum}");
    assert_eq!(process.wait().code(), Some(0));
}

#[test]
fn the_switch_runs_by_itself_and_counts() {
    let lan = Lan::new();
    let mut command = netstrata();
    command.args(["lan", "--path"]).arg(lan.path());
    let mut switch = Process::spawn(command.stdout(Stdio::piped()));
    let lines = common::lines(switch.child.stdout.take().unwrap());
    next_line(&lines, "switching at");
    let server = lan.serve(&[]);
    next_line(&lines, "stations 2");
    exchange(&mut server.call(), b"through a switch of its own");
    let outcome = run(&["lan", "--path", lan.path().to_str().unwrap()], b"");
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stderr.contains("already") && outcome.stderr.lines().count() == 1, "{outcome:?}");
    switch.signal(Signal::SIGTERM);
    assert_eq!(switch.wait().code(), Some(0));
    // The last line tells of all that passed, whoever has gone meanwhile.
    let last = lines.iter().last().unwrap_or_default();
    assert!(!last.contains("frames in 0, out 0"), "{last}");
    // The server embeds a switch of its own then, and goes on.
    until("a new switch", || {
        let outcome = run(&["connect", "--link", &lan.link(), "--wait", "2s"], b"again");
        outcome.code == Some(0) && outcome.text() == "again"
    });
}

#[test]
fn addresses_come_from_the_gateways_dhcp_server_and_go_back_to_it() {
    let lan = Lan::new();
    let link = lan.link();
    let ping = ["ping", "10.7.0.1", "--link", &link, "--address", "dhcp", "-c", "1"];
    let gateway = Server::start(&["gateway", "--link", &link]);
    // Each gives back what it got, so the next gets the same.
    for _ in 0..2 {
        let outcome = run(&ping, b"");
        assert!(outcome.is_quiet_success(), "{outcome:?}");
    }
    let server = lan.serve(&["--address", "dhcp", "--no-publish"]);
    assert!(server.banner.contains("talk on 10.7.0.100:9528"), "{}", server.banner);
    let called = ["connect", "10.7.0.100", "--link", &link, "--address", "dhcp"];
    let outcome = run(&called, b"hello");
    assert_eq!((outcome.code, outcome.text()), (Some(0), "hello"), "{outcome:?}");
    drop((server, gateway));
}

/// A station of a LAN without any stack.
struct Station(UnixStream);

impl Station {
    const OWN: [u8; 6] = [2, 0, 0, 0, 0, 0x66];

    fn join(link: &str) -> Station {
        let stream = UnixStream::connect(link.strip_prefix("lan:").unwrap()).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        Station(stream)
    }

    fn send(&mut self, frame: &[u8]) {
        self.0.write_all(&[&(frame.len() as u32).to_be_bytes(), frame].concat()).unwrap();
    }

    /// The next frame with a message of DHCP of this kind (RFC 2132 9.6) to this port.
    fn dhcp(&mut self, port: u8, kind: u8) -> Vec<u8> {
        loop {
            let mut length = [0; 4];
            self.0.read_exact(&mut length).unwrap();
            let mut frame = vec![0; u32::from_be_bytes(length) as usize];
            self.0.read_exact(&mut frame).unwrap();
            let is_to = frame.get(12..14) == Some(&[8, 0]) && frame.get(36..38) == Some(&[0, port]);
            if is_to && frame.windows(3).any(|bytes| bytes == [53, 1, kind]) {
                return frame;
            }
        }
    }
}

/// A DHCPDISCOVER as a guest sends it that has just come (RFC 2131 2).
fn discover() -> Vec<u8> {
    let mut message = [&[1, 1, 6, 0, 0, 0, 0, 7][..], &[0; 20], &Station::OWN, &[0; 10 + 64 + 128]].concat();
    message.extend([0x63, 0x82, 0x53, 0x63, 53, 1, 1, 255]);
    let datagram = [&[0, 68, 0, 67, 0, 8 + message.len() as u8, 0, 0][..], &message].concat();
    let mut header = [0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255];
    header[2..4].copy_from_slice(&(20 + datagram.len() as u16).to_be_bytes());
    let sum: u32 = header.chunks(2).map(|two| u32::from(u16::from_be_bytes([two[0], two[1]]))).sum();
    header[10..12].copy_from_slice(&(!(sum % 0xffff) as u16).to_be_bytes());
    [&[0xff; 6][..], &Station::OWN, &[8, 0], &header, &datagram].concat()
}

/// Nothing is sent twice here: whoever sees that the gateway is there is answered.
#[test]
fn a_gateway_that_says_that_it_is_there_gives_addresses() {
    let lan = Lan::new();
    let gateway = Server::start(&["gateway", "--link", &lan.link()]);
    let mut station = Station::join(&lan.link());
    station.send(&discover());
    let offer = station.dhcp(68, 2);
    assert!(offer.windows(4).any(|bytes| bytes == [10, 7, 0, 100]), "{offer:?}");
    assert_eq!(gateway.stop().code(), Some(0));
}

/// RFC 5227 2.4 b, RFC 2131 4.4.4: it is defended once, and given up when that does not help.
#[test]
fn a_leased_address_that_another_claims_again_and_again_is_declined() {
    let lan = Lan::new();
    let link = lan.link();
    let gateway = Server::start(&["gateway", "--link", &link]);
    let server = lan.serve(&["--address", "dhcp", "--no-publish"]);
    assert!(server.banner.contains("talk on 10.7.0.100:9528"), "{}", server.banner);

    let mut station = Station::join(&link);
    // It announces the address as its own.
    let (own, address) = (Station::OWN, [10, 7, 0, 100]);
    let arp = [0, 1, 8, 0, 6, 4, 0, 1];
    let claim = [&[0xff; 6][..], &own, &[8, 6], &arp, &own, &address, &[0; 6], &address].concat();
    for _ in 0..2 {
        station.send(&claim);
    }
    // DHCPDECLINE (RFC 2132 9.6), to the port of servers.
    let declined = station.dhcp(67, 4);
    assert!(declined.windows(6).any(|bytes| bytes == [50, 4, 10, 7, 0, 100]), "{declined:?}");
    drop((server, gateway));
}

#[test]
fn where_nobody_gives_addresses_there_is_none() {
    for (arguments, says) in [
        (&["ping", "10.7.0.1", "--link", "tun:x", "--address", "dhcp"][..], "a TUN has no stations"),
        (&["ping", "10.7.0.1", "--gateway", "10.7.0.1", "--address", "dhcp"], "brings its router along"),
        (&["serve", "--link", "host", "--address", "dhcp"], "--address dhcp needs a stack of our own"),
        (&["gateway", "--address", "dhcp"], "guests find a gateway by its address"),
    ] {
        let outcome = run(arguments, b"");
        assert_eq!(outcome.code, Some(2), "{outcome:?}");
        assert!(outcome.stderr.contains(says), "{outcome:?}");
    }
}
