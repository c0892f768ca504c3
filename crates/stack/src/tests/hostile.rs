//! Any bytes at all: counted, never a panic.

use super::harness::*;
use crate::{ReassemblyConfig, StackConfig};
use basis::Frame;
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;
use wire::arp::Packet;
use wire::icmpv4::Message;
use wire::{ipv4, protocol, tcp as wire_tcp};

fn valid_frames() -> Vec<Vec<u8>> {
    let mut frames = vec![
        arp_frame(Packet::request(PEER_HARDWARE, PEER, OURS)),
        ipv4_frame(from_peer(protocol::UDP), &udp_bytes(1, 7, b"datagram")),
        ipv4_frame(from_peer(protocol::UDP), &udp_bytes(1, 9, b"closed")),
        ipv4_frame(
            from_peer(protocol::ICMPV4),
            &icmp_bytes(Message::EchoRequest { identifier: 1, sequence: 2 }, b"echo"),
        ),
    ];
    let mut quoted = Frame::copy_of(&udp_bytes(7, 1, b"12345678"));
    ipv4::Header::new(OURS, PEER, protocol::UDP).prepend_to(&mut quoted);
    let error = Message::DestinationUnreachable { code: 4, next_hop_mtu: 900 };
    frames.push(ipv4_frame(from_peer(protocol::ICMPV4), &icmp_bytes(error, &quoted.to_vec())));
    let datagram = udp_bytes(1, 7, &[5; 40]);
    for (fragment_offset, more_fragments) in [(0, true), (16, true), (32, false)] {
        let header = from_peer(protocol::UDP);
        let header = ipv4::Header { dont_fragment: false, fragment_offset, more_fragments, ..header };
        frames.push(ipv4_frame(header, &datagram[fragment_offset.into()..][..16]));
    }
    let mut segment = Frame::new();
    let header = wire_tcp::Header {
        source_port: 4000,
        destination_port: 80,
        flags: wire_tcp::Flags::SYN,
        window: 1000,
        ..Default::default()
    };
    header.prepend_to(&mut segment, PEER.into(), OURS.into());
    frames.push(ipv4_frame(from_peer(protocol::TCP), &segment.to_vec()));
    frames.iter().map(Frame::to_vec).collect()
}

fn small() -> Bench {
    let reassembly = ReassemblyConfig { max_datagrams: 3, max_bytes: 2000, ..ReassemblyConfig::default() };
    let mut bench = Bench::acquainted_with(StackConfig { reassembly, ..StackConfig::default() });
    let socket = bench.stack.udp_bind("0.0.0.0:7".parse().unwrap()).unwrap();
    bench.stack.udp_connect(socket, (PEER, 1).into()).unwrap();
    bench.stack.tcp_listen("0.0.0.0:80".parse().unwrap(), 4, tcp::SocketOptions::default()).unwrap();
    bench
}

/// Frames one after the other, and now and then time.
fn survive(bench: &mut Bench, frames: impl IntoIterator<Item = Vec<u8>>) {
    for (index, bytes) in frames.into_iter().enumerate() {
        let _ = bench.frame(Frame::copy_of(&bytes));
        bench.sent();
        if index % 8 == 7 {
            bench.pass(seconds(1));
        }
    }
    bench.pass(seconds(100));
    bench.sent();
}

/// Makes the IPv4 header's checksum right again, so that damage behind it is reached.
fn mend(bytes: &mut [u8]) {
    if let Some(header) = bytes.get_mut(14..34) {
        header[10..12].copy_from_slice(&[0, 0]);
        let checksum = wire::checksum::Sum::ZERO.add_bytes(header).finish();
        header[10..12].copy_from_slice(&checksum.to_be_bytes());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn random_frames(frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..120), 40)) {
        let mut bench = small();
        survive(&mut bench, frames.into_iter().map(|mut bytes| {
            let to_us = OUR_HARDWARE.0;
            for (byte, ours) in bytes.iter_mut().zip(to_us) {
                *byte = ours;
            }
            bytes
        }));
    }

    #[test]
    fn mutated_frames(
        mutations in prop::collection::vec(
            (any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>(), any::<bool>(), 0_usize..3),
            40,
        )
    ) {
        let valid = valid_frames();
        let mut bench = small();
        survive(&mut bench, mutations.into_iter().map(|(frame, place, value, mended, cut)| {
            let mut bytes = frame.get(&valid).clone();
            let place = place.index(bytes.len());
            match cut {
                0 => bytes.truncate(place),
                _ => bytes[place] = value,
            }
            if mended {
                mend(&mut bytes);
            }
            bytes
        }));
    }
}

#[test]
fn the_valid_frames_are_valid() {
    let mut bench = small();
    let taken = valid_frames().iter().filter(|bytes| bench.frame(Frame::copy_of(bytes)).is_ok()).count();
    assert_eq!(taken, valid_frames().len() - 1, "all but the one for the closed port");
}
