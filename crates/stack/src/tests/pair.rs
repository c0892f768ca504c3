//! Two stacks that talk to each other, and one that talks to itself.

use super::harness::*;
use crate::{InterfaceConfig, Medium, Probing, Stack, StackConfig};
use basis::Instant;
use core::net::{IpAddr, Ipv4Addr};
use std::vec;
use std::vec::Vec;
use tcp::{ReadError, SocketOptions};

#[test]
fn ping() {
    let mut pair = Pair::new(&StackConfig::default(), false);
    let ping = pair.hosts[0].ping_open().unwrap();
    for sequence in 0..3 {
        let sent = pair.now;
        pair.hosts[0].ping_send(sent, ping, PEER.into(), sequence, b"payload", None).unwrap();
        let mut reply = None;
        pair.until(|pair| {
            reply = pair.hosts[0].ping_receive(ping);
            reply.is_some()
        });
        let reply = reply.unwrap();
        assert_eq!((reply.from, reply.sequence), (IpAddr::V4(PEER), sequence));
        assert!((reply.at - sent).as_millis() <= 5);
    }
}

/// Sends `payload` from host 0 to host 1 and back through one connection; both sides close.
fn echo(pair: &mut Pair, payload: &[u8]) {
    let options = SocketOptions::default();
    let (listener, address) = pair.hosts[1].tcp_listen("0.0.0.0:9528".parse().unwrap(), 4, options).unwrap();
    assert_eq!(address.port(), 9528);
    let now = pair.now;
    let client = pair.hosts[0].tcp_connect(now, None, (PEER, 9528).into(), options).unwrap();
    let mut server = None;
    pair.until(|pair| {
        server = pair.hosts[1].tcp_mut().accept(listener).ok();
        server.is_some()
    });
    let server = server.unwrap();
    let (mut written, mut back) = (0, Vec::new());
    let mut held: Vec<u8> = Vec::new();
    let (mut shut, mut ended) = (false, false);
    let mut buffer = vec![0; 100_000];
    pair.until(|pair| {
        let now = pair.now;
        let [near, far] = &mut pair.hosts;
        while let Ok(count @ 1..) = near.tcp_mut().write(now, client, &payload[written..]) {
            written += count;
        }
        if written == payload.len() && !shut {
            near.tcp_mut().shutdown(now, client, tcp::Shutdown::Write).unwrap();
            shut = true;
        }
        while !ended {
            match far.tcp_mut().write(now, server, &held) {
                Ok(count) => drop(held.drain(..count)),
                Err(tcp::WriteError::WouldBlock) => {}
                Err(error) => panic!("{error}"),
            }
            if !held.is_empty() {
                break;
            }
            match far.tcp_mut().read(now, server, &mut buffer) {
                Ok(0) => {
                    ended = true;
                    far.tcp_mut().close(now, server);
                }
                Ok(count) => held.extend_from_slice(&buffer[..count]),
                Err(ReadError::WouldBlock) => break,
                Err(error) => panic!("{error}"),
            }
        }
        loop {
            match near.tcp_mut().read(now, client, &mut buffer) {
                Ok(0) => return true,
                Ok(count) => back.extend_from_slice(&buffer[..count]),
                Err(ReadError::WouldBlock) => return false,
                Err(error) => panic!("{error}"),
            }
        }
    });
    assert!(back == payload, "{} of {} bytes came back", back.len(), payload.len());
    near_close(pair, client);
}

fn near_close(pair: &mut Pair, client: tcp::ConnectionId) {
    let now = pair.now;
    pair.hosts[0].tcp_mut().close(now, client);
}

fn pattern(length: u32) -> Vec<u8> {
    (0..length).map(|n| (n ^ n >> 8).wrapping_mul(31) as u8).collect()
}

#[test]
fn tcp_carries_bytes_there_and_back() {
    for super_segments in [false, true] {
        let mut pair = Pair::new(&StackConfig::default(), super_segments);
        echo(&mut pair, &pattern(1_000_000));
        let frames = pair.hosts[0].counters().link.sent_frames;
        assert_eq!(frames < 600, super_segments, "{frames} frames");
    }
}

#[test]
fn tcp_carries_bytes_over_a_wire_that_loses() {
    let mut pair = Pair::new(&StackConfig::default(), false);
    pair.lose_one_in = 50;
    echo(&mut pair, &pattern(300_000));
}

#[test]
fn a_call_to_nobody_is_refused_and_one_to_no_host_unreachable() {
    let mut pair = Pair::new(&StackConfig::default(), false);
    let options = SocketOptions::default();
    let now = pair.now;
    let refused = pair.hosts[0].tcp_connect(now, None, (PEER, 1).into(), options).unwrap();
    let mut failure = None;
    pair.until(|pair| {
        failure = pair.hosts[0].tcp_mut().take_failure(refused);
        failure.is_some()
    });
    assert_eq!(failure, Some(tcp::Failure::Refused));
    let begun = pair.now;
    let absent = Ipv4Addr::new(10, 7, 0, 99);
    let absent = pair.hosts[0].tcp_connect(begun, None, (absent, 1).into(), options).unwrap();
    let mut failure = None;
    pair.until(|pair| {
        failure = pair.hosts[0].tcp_mut().take_failure(absent);
        failure.is_some()
    });
    assert_eq!(failure, Some(tcp::Failure::HostUnreachable));
    assert!((pair.now - begun).as_secs() <= 4);
}

#[test]
fn a_host_calls_itself_over_its_loopback() {
    let now = Instant::from_millis(1000);
    let mut stack = Stack::new(now, StackConfig::default(), [3; 32]);
    let lan = stack.add_interface(now, ethernet_config(OUR_HARDWARE));
    stack.add_address(now, lan, OURS.into(), 24, Probing::Skip).unwrap();
    let options = SocketOptions::default();
    let to_self = (OURS, 80).into();
    assert_eq!(stack.tcp_connect(now, None, to_self, options), Err(crate::ConnectError::NoRoute));
    let loopback = stack.add_interface(
        now,
        InterfaceConfig { name: "lo".into(), medium: Medium::Loopback, mtu: 65535, super_segments: true },
    );
    stack.add_address(now, loopback, Ipv4Addr::LOCALHOST.into(), 8, Probing::Skip).unwrap();
    let (listener, _) = stack.tcp_listen("0.0.0.0:80".parse().unwrap(), 4, options).unwrap();
    for to in ["127.0.0.1:80", "127.9.8.7:80", "10.7.0.2:80", "0.0.0.0:80"] {
        let client = stack.tcp_connect(now, None, to.parse().unwrap(), options).unwrap();
        let mut server = None;
        for _ in 0..10 {
            while let Some(frame) = stack.poll_transmit(now, loopback) {
                let _ = stack.on_frame(now, loopback, frame);
            }
            server = server.or_else(|| stack.tcp_mut().accept(listener).ok());
        }
        let server = server.expect(to);
        assert_eq!(stack.tcp_mut().write(now, client, &[5; 30_000]), Ok(30_000));
        let mut read = 0;
        let mut buffer = [0; 4096];
        for _ in 0..100 {
            while let Some(frame) = stack.poll_transmit(now, loopback) {
                let _ = stack.on_frame(now, loopback, frame);
            }
            while let Ok(count @ 1..) = stack.tcp_mut().read(now, server, &mut buffer) {
                read += count;
            }
        }
        assert_eq!(read, 30_000, "{to}");
        assert!(stack.poll_transmit(now, lan).is_none());
    }
}

#[test]
fn connect_refuses_what_cannot_be() {
    use crate::ConnectError;
    let mut bench = Bench::new();
    let options = SocketOptions::default();
    let mut connect = |local: Option<&str>, remote: &str| {
        let local = local.map(|local| local.parse().unwrap());
        bench.stack.tcp_connect(bench.now, local, remote.parse().unwrap(), options).map(|_| ())
    };
    assert_eq!(connect(None, "10.7.0.3:0"), Err(ConnectError::InvalidDestination));
    assert_eq!(connect(None, "10.7.0.255:1"), Err(ConnectError::InvalidDestination));
    assert_eq!(connect(None, "224.0.0.1:1"), Err(ConnectError::InvalidDestination));
    assert_eq!(connect(None, "192.0.2.1:1"), Err(ConnectError::NoRoute));
    assert_eq!(connect(None, "[::1]:1"), Err(ConnectError::NoRoute));
    assert_eq!(connect(None, "127.0.0.1:1"), Err(ConnectError::NoRoute));
    assert_eq!(connect(Some("10.7.0.9:0"), "10.7.0.3:1"), Err(ConnectError::AddressNotAvailable));
    assert_eq!(connect(Some("10.7.0.2:5000"), "10.7.0.3:1"), Ok(()));
    assert_eq!(connect(Some("10.7.0.2:5000"), "10.7.0.3:1"), Err(ConnectError::AddressInUse));
    assert_eq!(connect(Some("0.0.0.0:5000"), "10.7.0.3:2"), Ok(()));
}

#[test]
fn all_ports_in_use_is_said() {
    let config = StackConfig { ephemeral_ports: 50000..=50003, ..StackConfig::default() };
    let mut bench = Bench::with(config);
    let options = SocketOptions::default();
    bench.stack.tcp_listen("0.0.0.0:50001".parse().unwrap(), 1, options).unwrap();
    for _ in 0..3 {
        bench.stack.tcp_connect(bench.now, None, (PEER, 80).into(), options).unwrap();
    }
    assert_eq!(
        bench.stack.tcp_connect(bench.now, None, (PEER, 80).into(), options),
        Err(crate::ConnectError::NoFreePort),
        "the listener's port is left alone"
    );
    assert!(bench.stack.tcp_connect(bench.now, None, (PEER, 81).into(), options).is_ok());
}

#[test]
fn the_second_call_brings_its_request_with_the_syn() {
    let mut pair = Pair::new(&StackConfig::default(), false);
    let options = SocketOptions::default();
    let (listener, _) = pair.hosts[1].tcp_listen("0.0.0.0:80".parse().unwrap(), 4, options).unwrap();
    let server = tcp::FastOpenServer { pending: 4, key: None, require_cookie: true };
    assert!(pair.hosts[1].tcp_mut().set_fast_open(listener, Some(server)));
    let client = tcp::FastOpenClient::default();
    for (taken, early) in [(0, 0), (7, 1)] {
        let now = pair.now;
        let begun =
            pair.hosts[0].tcp_connect_with_data(now, None, (PEER, 80).into(), options, client, b"request");
        let (id, count) = begun.unwrap();
        assert_eq!(count, taken);
        let mut accepted = None;
        pair.until(|pair| {
            accepted = pair.hosts[1].tcp_mut().accept(listener).ok();
            accepted.is_some()
        });
        let (accepted, now) = (accepted.unwrap(), pair.now);
        let mut buffer = [0; 20];
        if early > 0 {
            assert_eq!(pair.hosts[1].tcp_mut().read(now, accepted, &mut buffer), Ok(7));
            assert_eq!(&buffer[..7], b"request");
        } else {
            assert_eq!(pair.hosts[1].tcp_mut().read(now, accepted, &mut buffer), Err(ReadError::WouldBlock));
        }
        pair.until(|pair| pair.hosts[0].tcp().readiness(id).contains(tcp::Readiness::CONNECTED));
        assert_eq!(pair.hosts[1].tcp().counters().fast_opens, early);
        assert_eq!(pair.hosts[0].tcp().info(id).unwrap().syn_data, early > 0);
    }
}
