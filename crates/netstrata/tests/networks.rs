//! Hosts on links that a line of text names.
#![cfg(unix)]
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests live in real time, and a failure is a failed test"
)]

mod common;

use common::{pattern, within};
use netstrata::network::{LAN_PROBING, LinkSpec, Network};
use netstrata::{Host, TcpListener, TcpStream};
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(100);
const SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 7, 0, 2));
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 7, 0, 3));

/// A directory that goes with the test.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Directory {
        let path = std::env::temp_dir().join(format!("ns-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Directory(path)
    }

    fn lan(&self) -> Network {
        Network::new(LinkSpec::Lan(Some(self.0.join("lan.sock"))))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Both directions at once carry everything.
fn exchange(server: &Host, client: &Host, length: usize) {
    let listener = TcpListener::bind(server, (SERVER, 7)).unwrap();
    let client = TcpStream::connect(client, (SERVER, 7)).unwrap();
    let (server, _) = listener.accept().unwrap();
    let ends = [client, server].map(|stream| {
        let mut writer = stream.try_clone().unwrap();
        let writing = thread::spawn(move || {
            writer.write_all(&pattern(length)).unwrap();
            writer.shutdown(std::net::Shutdown::Write).unwrap();
        });
        let reading = thread::spawn(move || {
            let mut received = Vec::new();
            (&stream).read_to_end(&mut received).unwrap();
            assert!(received == pattern(length), "{} bytes arrived", received.len());
        });
        (writing, reading)
    });
    for (writing, reading) in ends {
        writing.join().unwrap();
        reading.join().unwrap();
    }
}

#[test]
fn two_hosts_meet_on_a_lan_with_addresses_that_were_probed() {
    within(LIMIT, || {
        let directory = Directory::new("meet");
        let start = std::time::Instant::now();
        let server = directory.lan().address(SERVER, 24).start().unwrap();
        assert!(start.elapsed() < Duration::from_secs(20), "probing took {:?}", start.elapsed());
        let client = directory.lan().address(CLIENT, 24).gateway(Some(SERVER)).start().unwrap();
        exchange(&server, &client, 2_000_000);
        assert!(server.link_failures().is_empty());
    });
}

#[test]
fn an_address_that_somebody_has_is_refused_and_another_one_found() {
    within(LIMIT, || {
        let directory = Directory::new("taken");
        let first = directory.lan().address(SERVER, 24).start().unwrap();
        let error = directory.lan().address(SERVER, 24).start().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        assert!(error.to_string().contains("10.7.0.2 is in use by "), "{error}");
        // One of two addresses is taken: whichever is tried first, the other one is got in the end.
        let range = Ipv4Addr::new(10, 7, 0, 2)..=Ipv4Addr::new(10, 7, 0, 3);
        let (second, address) = directory.lan().start_at_free_address(range, 24, 30).unwrap();
        assert_eq!(address, CLIENT);
        exchange(&first, &second, 1000);
        let taken = Ipv4Addr::new(10, 7, 0, 2)..=Ipv4Addr::new(10, 7, 0, 2);
        let error = directory.lan().start_at_free_address(taken, 24, 2).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        let nothing = Ipv4Addr::new(10, 7, 0, 3)..=Ipv4Addr::new(10, 7, 0, 2);
        assert_eq!(
            directory.lan().start_at_free_address(nothing, 24, 2).unwrap_err().kind(),
            ErrorKind::InvalidInput
        );
    });
}

#[test]
fn impairments_cost_time_but_no_bytes_and_captures_show_the_cable() {
    within(LIMIT, || {
        let directory = Directory::new("impaired");
        let file = directory.0.join("cable.pcapng");
        let server = directory.lan().address(SERVER, 24).start().unwrap();
        let impairment = "loss=1%,dup=1%,reorder=2%,corrupt=0.1%,seed=3".parse().unwrap();
        let client = directory
            .lan()
            .address(CLIENT, 24)
            .impairment(Some(impairment))
            .pcapng(Some(file.clone()))
            .start()
            .unwrap();
        exchange(&server, &client, 1_000_000);
        client.shutdown(Duration::from_secs(5));
        // Section header block of pcapng, and more than the bytes that were carried both ways.
        let capture = std::fs::read(file).unwrap();
        assert_eq!(capture[..4], [0x0a, 0x0d, 0x0d, 0x0a]);
        assert!(capture.len() > 2_000_000, "{} bytes", capture.len());
    });
}

#[test]
fn what_is_no_network_says_why() {
    let error = Network::new(LinkSpec::Host).start().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let error = Network::new(LinkSpec::Memory).start().unwrap_err();
    assert!(error.to_string().contains("as a pair"), "{error}");
    let error = common::network(common::LEFT).gateway(Some("224.0.0.1".parse().unwrap()));
    let error = error.pair(common::network(common::RIGHT)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    let error = Network::new(LinkSpec::Lan(Some("/nowhere/at/all/lan.sock".into()))).start().unwrap_err();
    assert!(error.to_string().contains("/nowhere/at/all"), "{error}");
}

#[test]
fn a_host_probes_on_a_cable_in_memory_too() {
    within(LIMIT, || {
        let network = |address| Network::new(LinkSpec::Memory).probing(LAN_PROBING).address(address, 24);
        let (server, client) = network(SERVER).pair(network(CLIENT)).unwrap();
        exchange(&server, &client, 100_000);
    });
}
