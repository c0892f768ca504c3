//! A station that claims the server's address does not stop the server (RFC 5227 2.4).
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "tests of real processes live in real time"
)]

mod common;

use std::collections::VecDeque;
use std::thread;
use std::time::{Duration, Instant};

use common::{Lan, exchange, run, status, until};
use netstrata::basis::{self, Frame};
use netstrata::link::Link;
use netstrata::link::lan::{LanAddress, Nic};
use netstrata::wire::arp::Packet;
use netstrata::wire::ethernet::{EtherType, Header, MacAddress};

const STATION: MacAddress = MacAddress([0x02, 0xba, 0xdb, 0xad, 0xba, 0xd0]);

/// Announces 10.7.0.2 as its own.
fn claim(nic: &mut Nic) {
    let mut frame = Frame::new();
    Packet::announcement(STATION, [10, 7, 0, 2].into()).prepend_to(&mut frame);
    let destination = MacAddress::BROADCAST;
    Header { destination, source: STATION, ether_type: EtherType::ARP }.prepend_to(&mut frame);
    let mut waiting = VecDeque::from([frame]);
    until("room on the LAN", || {
        nic.transmit(basis::Instant::ZERO, &mut waiting).unwrap();
        waiting.is_empty()
    });
}

#[test]
fn forged_announcements_do_not_stop_the_server() {
    let lan = Lan::new();
    let control = lan.file("it.control");
    let server = lan.serve(&["--control", control.to_str().unwrap()]);
    let mut before = server.call();
    exchange(&mut before, b"before");
    let addresses = || status(&control)["hosts"][0]["addresses"].to_string();
    assert!(addresses().contains("\"10.7.0.2/24\""), "{}", addresses());

    let mut nic = Nic::join(LanAddress::new(lan.path()), STATION, 1500).unwrap();
    let begun = Instant::now();
    for _ in 0..3 {
        claim(&mut nic);
        thread::sleep(Duration::from_millis(300));
    }
    let warning = "another station claims this address";
    server.process.logs(warning);
    let log = server.process.stderr();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains(warning)).collect();
    let most = 1 + begun.elapsed().as_secs() / 30;
    assert!(u64::try_from(lines.len()).unwrap() <= most, "{lines:?}");
    for part in ["WARN", "address=10.7.0.2 ", "station=02:ba:db:ad:ba:d0", "give it another address"] {
        assert!(lines[0].contains(part), "{part} in {lines:?}");
    }

    // Who asks for the address now finds the server.
    let outcome = run(&["connect", "--link", &lan.link()], b"after");
    assert!(outcome.is_quiet_success() && outcome.text() == "after", "{outcome:?}");
    let conflict = "10.7.0.2/24 CONFLICT with 02:ba:db:ad:ba:d0";
    until("a conflict in the report", || {
        claim(&mut nic);
        addresses().contains(conflict)
    });
    until("a conflict in the text", || {
        claim(&mut nic);
        run(&["status", "--control", control.to_str().unwrap()], b"").text().contains(conflict)
    });
    // Who believed the station is put right by the defence that is due when the interval is over.
    exchange(&mut before, b"the call that was there before");
    exchange(&mut server.call(), b"a new one");
    until("the end of the conflict", || !addresses().contains("CONFLICT"));
    assert_eq!(server.stop().code(), Some(0));
}
