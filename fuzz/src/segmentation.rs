//! Cutting super-segments: the packets together say what the whole said.

use crate::input::Input;
use crate::stream;
use basis::{Checksum, Frame};
use bytes::Bytes;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use wire::segmentation::{Segments, is_finished};
use wire::tcp::{Flags, Header, Options, Seq, Timestamps};
use wire::{EtherType, MacAddress, ethernet, ipv4, ipv6, protocol, udp};

const V4: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::new(10, 7, 0, 2)), IpAddr::V4(Ipv4Addr::new(10, 7, 0, 3))];
const V6: [IpAddr; 2] = [
    IpAddr::V6(Ipv6Addr::new(0xfd07, 0, 0, 0, 0, 0, 0, 2)),
    IpAddr::V6(Ipv6Addr::new(0xfd07, 0, 0, 0, 0, 0, 0, 3)),
];

/// A super-segment, or bytes that claim to be one.
pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    if input.bit() { super_segment(&mut input) } else { anything(&mut input) }
}

/// Any head and any body: no panic, and a frame that is finished comes out as it is.
fn anything(input: &mut Input<'_>) {
    let mut frame = Frame::new();
    let (head, link_header) = (input.below(65), input.one_of(&[0, 14, 1, 200]));
    frame.checksum = input.one_of(&[Checksum::Complete, Checksum::Deferred, Checksum::Verified]);
    frame.segment_size = input.one_of(&[0, 1, 8, 100, 65_535]);
    frame.append(input.bytes(head));
    let body = Bytes::copy_from_slice(input.rest());
    let memory = body.len();
    frame.set_body(body, memory);
    let whole = frame.to_vec();
    let finished = is_finished(&frame);
    let packets: Vec<Frame> = Segments::of(frame, link_header).take(5_000).collect();
    assert!(!packets.is_empty() && packets.len() < 5_000);
    if finished {
        assert_eq!(packets[0].to_vec(), whole);
    }
}

fn super_segment(input: &mut Input<'_>) {
    let [here, there] = if input.bit() { V6 } else { V4 };
    let is_tcp = input.bit();
    let link_header = if input.bit() { ethernet::HEADER_LENGTH } else { 0 };
    let segment_size = 1 + input.word() % 2_000;
    let length = usize::from(input.word()) % 20_000;
    let flags = Flags(input.byte()).without(Flags::SYN | Flags::RST | Flags::URG);
    let mut options = Options::NONE;
    if input.bit() {
        options.timestamps = Some(Timestamps { value: input.long(), echo: input.long() });
    }
    let first = Header { source_port: 5, sequence: Seq(input.long()), flags, options, ..Header::default() };
    let mut frame = Frame::new();
    frame.set_body(stream::bytes_at(0, 0, length).into(), length);
    frame.segment_size = segment_size;
    frame.checksum = Checksum::Deferred;
    if is_tcp {
        first.prepend_to(&mut frame, here, there);
    } else {
        udp::Header { source_port: 5, destination_port: 6, length: 0 }.prepend_to(&mut frame, here, there);
    }
    add_network(&mut frame, [here, there], if is_tcp { protocol::TCP } else { protocol::UDP }, link_header);
    let segments = Segments::of(frame, link_header);
    // Datagrams are not cut: they only get their checksum.
    let expected = if is_tcp { length.div_ceil(usize::from(segment_size)).max(1) } else { 1 };
    assert_eq!(segments.len(), expected);
    let mut place = 0;
    for (number, packet) in segments.enumerate() {
        let payload =
            open(packet, [here, there], is_tcp.then_some(&first), link_header, (number, expected, place));
        assert!(!is_tcp || payload.len() <= usize::from(segment_size));
        stream::check(0, place, &payload);
        place += payload.len() as u64;
    }
    assert_eq!(place, length as u64);
}

fn add_network(frame: &mut Frame, addresses: [IpAddr; 2], protocol: u8, link_header: usize) {
    let ether_type = match addresses {
        [IpAddr::V4(here), IpAddr::V4(there)] => {
            ipv4::Header::new(here, there, protocol).prepend_to(frame);
            EtherType::IPV4
        }
        [IpAddr::V6(here), IpAddr::V6(there)] => {
            ipv6::Header::new(here, there, protocol).prepend_to(frame);
            EtherType::IPV6
        }
        _ => return,
    };
    if link_header > 0 {
        let station = MacAddress([2, 0, 0, 0, 0, 1]);
        ethernet::Header { destination: station, source: station, ether_type }.prepend_to(frame);
    }
}

/// Checks a packet's headers and returns its payload.
fn open(
    mut packet: Frame,
    [here, there]: [IpAddr; 2],
    first: Option<&Header>,
    link_header: usize,
    (number, count, place): (usize, usize, u64),
) -> Vec<u8> {
    assert!(is_finished(&packet));
    packet.strip(link_header);
    let length = packet.len();
    if here.is_ipv4() {
        let header = ipv4::Header::parse(packet.first(), length).expect("a right IPv4 header");
        assert_eq!(header.total_length, length);
        packet.strip(header.header_length);
    } else {
        let header = ipv6::Header::parse(packet.first(), length).expect("a right IPv6 header");
        assert_eq!(header.total_length(), length);
        packet.strip(ipv6::HEADER_LENGTH);
    }
    let Some(first) = first else {
        udp::verify(here, there, packet.parts()).expect("a right checksum");
        assert_eq!(
            udp::Header::parse(packet.first(), packet.len()).map(|header| header.length),
            Ok(packet.len())
        );
        packet.strip(udp::HEADER_LENGTH);
        return packet.to_vec();
    };
    wire::tcp::verify(here, there, packet.parts()).expect("a right checksum");
    let (header, length) = Header::parse(packet.first()).expect("a right TCP header");
    assert_eq!(header.sequence, first.sequence + place as u32);
    assert_eq!(header.options, first.options);
    let (last, begin) = (number + 1 == count, number == 0);
    let kept = |flag, here: bool| first.flags.contains(flag) && here;
    assert_eq!(header.flags.contains(Flags::FIN), kept(Flags::FIN, last));
    assert_eq!(header.flags.contains(Flags::PSH), kept(Flags::PSH, last));
    assert_eq!(header.flags.contains(Flags::CWR), kept(Flags::CWR, begin));
    packet.strip(length);
    packet.to_vec()
}
