//! Two hosts talk by IPv6.

use crate::tests::harness::*;
use crate::{Probing, Stack, StackConfig};
use basis::Instant;
use core::net::SocketAddr;
use std::vec;
use std::vec::Vec;
use tcp::{ReadError, Shutdown, SocketOptions, WriteError};

const BYTES: usize = 300_000;

fn pattern(place: usize) -> u8 {
    (place * 31 + (place >> 9)) as u8
}

/// Sends a known stream from the first host to the second, and lets both close.
fn transfer(pair: &mut Pair, listen: &str, remote: SocketAddr) -> (SocketAddr, u16) {
    let now = pair.now;
    let options = SocketOptions::default();
    let (listener, _) = pair.hosts[1].tcp_listen(listen.parse().unwrap(), 4, options).unwrap();
    let client = pair.hosts[0].tcp_connect(now, None, remote, options).unwrap();
    let mut server = None;
    let (mut written, mut read) = (0, 0);
    let mut peer = None;
    let mut segment = 0;
    pair.until(|pair| {
        server = server.or_else(|| pair.hosts[1].tcp_mut().accept(listener).ok());
        while written < BYTES {
            let end = (written + 5000).min(BYTES);
            let chunk: Vec<u8> = (written..end).map(pattern).collect();
            match pair.hosts[0].tcp_mut().write(pair.now, client, &chunk) {
                Ok(count) => written += count,
                Err(WriteError::WouldBlock | WriteError::NotConnected) => break,
                Err(error) => panic!("{error:?}"),
            }
            if written == BYTES {
                segment = pair.hosts[0].tcp().info(client).unwrap().segment_size;
                pair.hosts[0].tcp_mut().shutdown(pair.now, client, Shutdown::Write).unwrap();
            }
        }
        let Some(server) = server else { return false };
        peer = pair.hosts[1].tcp().tuple(server).map(|tuple| tuple.remote_address()).or(peer);
        let mut buffer = vec![0; 8192];
        loop {
            match pair.hosts[1].tcp_mut().read(pair.now, server, &mut buffer) {
                Ok(0) => return true,
                Ok(count) => {
                    assert!(buffer[..count].iter().enumerate().all(|(at, byte)| *byte == pattern(read + at)));
                    read += count;
                }
                Err(ReadError::WouldBlock) => return false,
                Err(error) => panic!("{error:?}"),
            }
        }
    });
    assert_eq!(read, BYTES);
    (peer.unwrap(), segment as u16)
}

#[test]
fn a_stream_crosses_whole_with_segments_that_fill_the_link() {
    for super_segments in [false, true] {
        for lose_one_in in [0, 50] {
            let mut pair = Pair::new(&StackConfig::default(), super_segments);
            pair.lose_one_in = lose_one_in;
            let (peer, segment) = transfer(&mut pair, "[::]:80", (six(PEER), 80).into());
            assert_eq!(peer.ip(), six(OURS));
            // 1500 less 40 of IPv6, 20 of TCP and 12 of timestamps.
            assert_eq!(segment, 1428);
        }
    }
}

#[test]
fn a_listener_for_both_families_takes_calls_by_either() {
    let mut pair = Pair::new(&StackConfig::default(), true);
    let (peer, segment) = transfer(&mut pair, "[::]:80", (PEER, 80).into());
    assert_eq!((peer.ip(), segment), (OURS.into(), 1448));
    let mut pair = Pair::new(&StackConfig::default(), true);
    let mapped = "[::ffff:10.7.0.3]:80".parse().unwrap();
    assert_eq!(transfer(&mut pair, "0.0.0.0:80", mapped).0.ip(), OURS);
}

#[test]
fn the_longest_datagram_crosses_and_the_answer_comes_back() {
    let mut pair = Pair::new(&StackConfig::default(), false);
    let any = "[::]:7".parse().unwrap();
    let sockets = [pair.hosts[0].udp_bind(any).unwrap(), pair.hosts[1].udp_bind(any).unwrap()];
    let payload: Vec<u8> = (0..65_527_u32).map(|n| (n * 13) as u8).collect();
    let mut buffer = vec![0; 65_527];
    for (from, to, address) in [(0, 1, six(PEER)), (1, 0, six(OURS))] {
        pair.hosts[from].udp_send(pair.now, sockets[from], &payload, Some((address, 7).into())).unwrap();
        pair.until(|pair| pair.hosts[to].udp_peek(sockets[to], &mut []).is_ok());
        assert_eq!(pair.hosts[to].udp_receive(sockets[to], &mut buffer).unwrap().0, 65_527);
        assert_eq!(buffer, payload);
    }
    assert_eq!(pair.hosts[1].counters().ip.reassembled, 1);
}

#[test]
fn a_host_talks_to_itself() {
    let now = Instant::ZERO;
    let mut stack = Stack::new(now, StackConfig::default(), [1; 32]);
    let config = crate::InterfaceConfig {
        name: "lo".into(),
        medium: crate::Medium::Loopback,
        mtu: 65_535,
        super_segments: true,
    };
    let lo = stack.add_interface(now, config);
    stack.add_address(now, lo, "::1".parse().unwrap(), 128, Probing::Skip).unwrap();
    let socket = stack.udp_bind("[::1]:7".parse().unwrap()).unwrap();
    let sender = stack.udp_bind("[::]:8".parse().unwrap()).unwrap();
    stack.udp_send(now, sender, b"hello", Some("[::1]:7".parse().unwrap())).unwrap();
    let frame = stack.poll_transmit(now, lo).unwrap();
    stack.on_frame(now, lo, frame).unwrap();
    assert_eq!(stack.udp_receive(socket, &mut [0; 9]), Ok((5, 5, "[::1]:8".parse().unwrap())));
    assert!(stack.tcp_connect(now, None, "[::]:80".parse().unwrap(), SocketOptions::default()).is_ok());
}
