//! Every format of `wire`: no bytes panic, what is read lies inside the bytes, and what is written again reads the same.

use crate::input::Input;
use basis::Frame;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use wire::checksum::Sum;
use wire::ipv6::extension::{Chain, Refusal};
use wire::{icmpv4, icmpv6, igmp, ipv6, mld, ndp, protocol, tcp, udp};

const HERE: Ipv4Addr = Ipv4Addr::new(10, 7, 0, 2);
const THERE: Ipv4Addr = Ipv4Addr::new(10, 7, 0, 3);
const HERE_6: Ipv6Addr = Ipv6Addr::new(0xfd07, 0, 0, 0, 0, 0, 0, 2);
const THERE_6: Ipv6Addr = Ipv6Addr::new(0xfd07, 0, 0, 0, 0, 0, 0, 3);

/// Ethernet headers.
pub fn ethernet(bytes: &[u8]) {
    let Ok(header) = wire::ethernet::Header::parse(bytes) else { return };
    let mut frame = Frame::copy_of(&bytes[wire::ethernet::HEADER_LENGTH..]);
    header.prepend_to(&mut frame);
    assert_eq!(frame.to_vec(), bytes);
    let text = header.source.to_string();
    assert_eq!(text.parse(), Ok(header.source));
}

/// ARP packets.
pub fn arp(bytes: &[u8]) {
    let Ok(packet) = wire::arp::Packet::parse(bytes) else { return };
    let mut frame = Frame::new();
    packet.prepend_to(&mut frame);
    let written = frame.to_vec();
    assert_eq!(written, bytes[..written.len()]);
    let _ = (packet.is_probe(), packet.is_announcement(), packet.reply(packet.target_hardware));
}

/// IPv4 headers, as they come and with their checksum mended.
pub fn ipv4(bytes: &[u8]) {
    ipv4_header(bytes);
    let mut mended = bytes.to_vec();
    let length = usize::from(mended.first().map_or(0, |first| first & 15)) * 4;
    if let Some(header) = mended.get_mut(..length).filter(|header| header.len() >= 20) {
        complete(header, 10, Sum::ZERO);
        ipv4_header(&mended);
    }
}

fn ipv4_header(bytes: &[u8]) {
    let Ok(header) = wire::ipv4::Header::parse(bytes, bytes.len()) else { return };
    assert!(header.header_length >= 20 && header.header_length <= header.total_length);
    assert!(header.total_length <= bytes.len());
    assert!(usize::from(header.fragment_offset) + header.payload_length() <= 65_535);
    let mut frame = Frame::copy_of(&bytes[header.header_length..header.total_length]);
    header.prepend_to(&mut frame);
    let again = wire::ipv4::Header::parse(frame.first(), frame.len()).expect("what was written is read");
    let total_length = 20 + header.payload_length();
    assert_eq!(again, wire::ipv4::Header { header_length: 20, total_length, ..header });
}

/// IPv6 headers and the extension headers behind them.
pub fn ipv6(bytes: &[u8]) {
    let _ = icmpv6::quoted(bytes);
    let Ok(header) = ipv6::Header::parse(bytes, bytes.len()) else {
        // Behind a right header any bytes are extension headers.
        let mut input = Input::new(bytes);
        let next = input.byte();
        let rest = input.rest();
        if rest.len() <= 2_000 {
            let mut frame = Frame::copy_of(rest);
            ipv6::Header::new(HERE_6, THERE_6, next).prepend_to(&mut frame);
            ipv6(&frame.to_vec());
        }
        return;
    };
    assert!(header.total_length() <= bytes.len());
    let mut frame = Frame::copy_of(&bytes[ipv6::HEADER_LENGTH..header.total_length()]);
    header.prepend_to(&mut frame);
    assert_eq!(frame.to_vec(), bytes[..header.total_length()]);
    match Chain::walk(bytes, &header) {
        Ok(chain) => {
            assert!(chain.offset <= header.total_length() && chain.named_at < chain.offset);
            assert!(chain.fragment_named_at < chain.offset);
            let named = if chain.fragment.is_some() { chain.fragment_named_at } else { chain.named_at };
            let expected = if chain.fragment.is_some() { protocol::FRAGMENT } else { chain.protocol };
            assert_eq!(bytes[named], expected);
            if let Some(fragment) = chain.fragment {
                assert!(!fragment.is_atomic() && fragment.offset.is_multiple_of(8));
                let mut frame = Frame::new();
                fragment.prepend_to(&mut frame);
                let [first, ..] = frame.first() else { unreachable!("a fragment header has 8 bytes") };
                assert_eq!(*first, fragment.next_header);
            }
        }
        Err(Refusal::Problem { pointer, .. }) => assert!((pointer as usize) < header.total_length().max(41)),
        Err(Refusal::Malformed(_) | Refusal::Silent) => {}
    }
}

/// ICMP for IPv4, and what its errors quote.
pub fn icmpv4(bytes: &[u8]) {
    let _ = icmpv4::Quoted::parse(bytes);
    let _ = icmpv4::verify([bytes, &[]]);
    let Ok((message, length)) = icmpv4::Message::parse(bytes) else { return };
    let mut frame = Frame::copy_of(&bytes[length..]);
    message.prepend_to(&mut frame);
    icmpv4::verify(frame.parts()).expect("what was written has a right checksum");
    assert_eq!(icmpv4::Message::parse(frame.first()), Ok((message, length)));
    let _ = message.is_error();
}

/// ICMP for IPv6, and what its errors quote.
pub fn icmpv6(bytes: &[u8]) {
    let _ = icmpv6::quoted(bytes);
    let _ = icmpv6::verify(HERE_6, THERE_6, [bytes, &[]]);
    let Ok((message, length)) = icmpv6::Message::parse(bytes) else { return };
    let mut frame = Frame::copy_of(&bytes[length..]);
    message.prepend_to(&mut frame, HERE_6, THERE_6);
    icmpv6::verify(HERE_6, THERE_6, frame.parts()).expect("what was written has a right checksum");
    assert_eq!(icmpv6::Message::parse(frame.first()), Ok((message, length)));
    let _ = message.is_error();
}

/// Neighbour discovery.
pub fn ndp(bytes: &[u8]) {
    let Ok((message, options)) = ndp::Message::parse(bytes) else { return };
    let written = message.to_frame(&options, HERE_6, THERE_6);
    icmpv6::verify(HERE_6, THERE_6, written.parts()).expect("what was written has a right checksum");
    assert_eq!(ndp::Message::parse(&written.to_vec()), Ok((message, options)));
}

/// Queries of groups: IGMP and MLD.
pub fn groups(bytes: &[u8]) {
    let _ = (igmp::Query::parse(bytes), mld::Query::parse(bytes));
    let mut mended = bytes.to_vec();
    if mended.len() >= 8 {
        complete(&mut mended, 2, Sum::ZERO);
        if let Ok(query) = igmp::Query::parse(&mended) {
            assert!((1..=3).contains(&query.version));
            assert!(query.group.is_unspecified() || query.group.is_multicast());
        }
    }
    if let Ok(query) = mld::Query::parse(&mended) {
        assert!(query.group.is_unspecified() || query.group.is_multicast());
    }
}

/// UDP headers.
pub fn udp(bytes: &[u8]) {
    let _ = udp::verify(HERE.into(), THERE.into(), [bytes, &[]]);
    let Ok(header) = udp::Header::parse(bytes, bytes.len()) else { return };
    assert!(header.length >= 8 && header.length <= bytes.len());
    for (here, there) in [(IpAddr::V4(HERE), IpAddr::V4(THERE)), (HERE_6.into(), THERE_6.into())] {
        let mut frame = Frame::copy_of(&bytes[8..header.length]);
        header.prepend_to(&mut frame, here, there);
        assert_eq!(udp::Header::parse(frame.first(), frame.len()), Ok(header));
        udp::verify(here, there, frame.parts()).expect("what was written has a right checksum");
    }
}

/// TCP headers and their options.
pub fn tcp(bytes: &[u8]) {
    let _ = tcp::Options::parse(bytes);
    let _ = tcp::verify(HERE.into(), THERE.into(), [bytes, &[]]);
    let Ok((header, length)) = tcp::Header::parse(bytes) else { return };
    assert!((20..=60).contains(&length) && length <= bytes.len());
    let payload = &bytes[length..];
    let once = written(&header, payload);
    // Blocks that do not fit are left out.
    let mut expected = header;
    expected.options.sack.truncate(once.options.sack.len());
    assert_eq!(once, expected);
    assert_eq!(written(&once, payload), once, "what fits once fits again");
}

fn written(header: &tcp::Header, payload: &[u8]) -> tcp::Header {
    let mut frame = Frame::copy_of(payload);
    header.prepend_to(&mut frame, HERE.into(), THERE.into());
    tcp::verify(HERE.into(), THERE.into(), frame.parts()).expect("what was written has a right checksum");
    let (again, length) = tcp::Header::parse(frame.first()).expect("what was written is read");
    assert_eq!((length, frame.len()), (header.length(), header.length() + payload.len()));
    again
}

/// Writes the Internet checksum of `bytes` to the place where it belongs.
fn complete(bytes: &mut [u8], at: usize, sum: Sum) {
    bytes[at..at + 2].fill(0);
    let checksum = sum.add_bytes(bytes).finish();
    bytes[at..at + 2].copy_from_slice(&checksum.to_be_bytes());
}

/// One packet of each format, without the headers before it.
pub fn seeds() -> Vec<Vec<u8>> {
    let hardware = wire::MacAddress([2, 0, 0, 0, 0, 2]);
    let mut seeds = Vec::new();
    let mut keep = |frame: Frame| seeds.push(frame.to_vec());
    let mut arp = Frame::new();
    wire::arp::Packet::request(hardware, HERE, THERE).prepend_to(&mut arp);
    keep(arp.clone());
    let ether_type = wire::EtherType::ARP;
    wire::ethernet::Header { destination: wire::MacAddress::BROADCAST, source: hardware, ether_type }
        .prepend_to(&mut arp);
    keep(arp);
    let options = tcp::Options {
        maximum_segment_size: Some(1460),
        window_scale: Some(7),
        sack_permitted: true,
        timestamps: Some(tcp::Timestamps { value: 1, echo: 2 }),
        ..tcp::Options::NONE
    };
    let syn = tcp::Header { flags: tcp::Flags::SYN, options, ..Default::default() };
    let mut sack = tcp::Header { flags: tcp::Flags::ACK, ..Default::default() };
    sack.options.sack.push(tcp::SackBlock { left: tcp::Seq(5), right: tcp::Seq(9) });
    for header in [syn, sack] {
        let mut frame = Frame::copy_of(b"payload");
        header.prepend_to(&mut frame, HERE.into(), THERE.into());
        keep(frame.clone());
        wire::ipv4::Header::new(HERE, THERE, protocol::TCP).prepend_to(&mut frame);
        keep(frame);
    }
    let mut datagram = Frame::copy_of(b"payload");
    udp::Header { source_port: 5, destination_port: 6, length: 0 }.prepend_to(
        &mut datagram,
        HERE_6.into(),
        THERE_6.into(),
    );
    keep(datagram.clone());
    let fragment =
        ipv6::extension::Fragment { next_header: protocol::UDP, offset: 8, more: true, identification: 1 };
    fragment.prepend_to(&mut datagram);
    ipv6::extension::prepend_router_alert(&mut datagram, protocol::FRAGMENT);
    ipv6::Header::new(HERE_6, THERE_6, protocol::HOP_BY_HOP).prepend_to(&mut datagram);
    keep(datagram.clone());
    icmpv6::Message::PacketTooBig { mtu: 1280 }.prepend_to(&mut datagram, HERE_6, THERE_6);
    keep(datagram);
    let mut unreachable = Frame::copy_of(&[
        0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 7, 0, 2, 10, 7, 0, 3, 0, 5, 0, 6, 0, 8, 0, 0,
    ]);
    icmpv4::Message::DestinationUnreachable { code: 3, next_hop_mtu: 0 }.prepend_to(&mut unreachable);
    keep(unreachable);
    let prefix = ndp::Prefix {
        address: HERE_6,
        length: 64,
        on_link: true,
        autonomous: true,
        valid: 60,
        preferred: 30,
    };
    let mut options = ndp::Options::from_source(hardware);
    options.prefixes.push(prefix);
    let router = ndp::Router { hop_limit: 64, lifetime: 1800, ..Default::default() };
    keep(ndp::Message::RouterAdvertisement(router).to_frame(&options, HERE_6, THERE_6));
    keep(ndp::Message::Redirect { target: HERE_6, destination: THERE_6 }.to_frame(&options, HERE_6, THERE_6));
    keep(igmp::version_2(igmp::QUERY, Ipv4Addr::new(239, 1, 2, 3)));
    keep(mld::version_1(mld::QUERY, Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 5), HERE_6, THERE_6));
    seeds
}
