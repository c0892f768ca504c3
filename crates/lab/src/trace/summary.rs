//! What a frame's headers say, in a few words.

use super::model::Summary;
use std::fmt::Write as _;
use std::net::SocketAddr;
use wire::ethernet::EtherType;
use wire::tcp::{Flags, Options};
use wire::{arp, ethernet, icmpv4, ipv4, protocol, tcp, udp};

/// Reads an Ethernet frame, or else an IP packet.
pub(crate) fn of_frame(bytes: &[u8], has_ethernet: bool) -> Summary {
    if !has_ethernet {
        let unknown = Summary { protocol: "IPv4", payload: bytes.len(), ..Summary::default() };
        return of_ipv4(bytes).unwrap_or(unknown);
    }
    let Ok(header) = ethernet::Header::parse(bytes) else {
        return Summary { protocol: "Ethernet", payload: bytes.len(), ..Summary::default() };
    };
    let payload = bytes.get(ethernet::HEADER_LENGTH..).unwrap_or_default();
    let plain = Summary {
        protocol: "Ethernet",
        source: header.source.to_string(),
        destination: header.destination.to_string(),
        payload: payload.len(),
        info: format!("type 0x{:04x}", header.ether_type.0),
        ..Summary::default()
    };
    match header.ether_type {
        EtherType::ARP => arp::Packet::parse(payload).map_or(plain, |packet| of_arp(&header, &packet)),
        EtherType::IPV4 => of_ipv4(payload).unwrap_or(plain),
        _ => plain,
    }
}

fn of_arp(header: &ethernet::Header, packet: &arp::Packet) -> Summary {
    let info = match packet.operation {
        arp::Operation::Request => {
            format!("who has {}? tell {}", packet.target_protocol, packet.sender_protocol)
        }
        arp::Operation::Reply => format!("{} is at {}", packet.sender_protocol, packet.sender_hardware),
    };
    let (source, destination) = (header.source.to_string(), header.destination.to_string());
    Summary { protocol: "ARP", source, destination, info, ..Summary::default() }
}

fn of_ipv4(bytes: &[u8]) -> Option<Summary> {
    let ip = ipv4::Header::parse(bytes, bytes.len()).ok()?;
    let inner = bytes.get(ip.header_length..ip.total_length)?;
    let plain = Summary {
        protocol: "IPv4",
        source: ip.source.to_string(),
        destination: ip.destination.to_string(),
        payload: inner.len(),
        info: format!("protocol {}, TTL {}", ip.protocol, ip.time_to_live),
        ..Summary::default()
    };
    if ip.is_fragment() {
        let more = if ip.more_fragments { ", more follow" } else { "" };
        return Some(Summary { info: format!("fragment at {}{more}", ip.fragment_offset), ..plain });
    }
    let inside = match ip.protocol {
        protocol::TCP => of_tcp(&ip, inner),
        protocol::UDP => of_udp(&ip, inner),
        protocol::ICMPV4 => of_icmp(inner).map(|info| Summary { protocol: "ICMP", info, ..plain.clone() }),
        _ => None,
    };
    Some(inside.unwrap_or(plain))
}

fn of_tcp(ip: &ipv4::Header, segment: &[u8]) -> Option<Summary> {
    let (header, length) = tcp::Header::parse(segment).ok()?;
    Some(Summary {
        protocol: "TCP",
        source: SocketAddr::new(ip.source.into(), header.source_port).to_string(),
        destination: SocketAddr::new(ip.destination.into(), header.destination_port).to_string(),
        flags: flags(header.flags),
        sequence: Some(header.sequence.0),
        acknowledgment: header.flags.contains(Flags::ACK).then_some(header.acknowledgment.0),
        window: Some(header.window),
        payload: segment.len().saturating_sub(length),
        info: options(&header),
    })
}

fn of_udp(ip: &ipv4::Header, datagram: &[u8]) -> Option<Summary> {
    let header = udp::Header::parse(datagram, datagram.len()).ok()?;
    Some(Summary {
        protocol: "UDP",
        source: SocketAddr::new(ip.source.into(), header.source_port).to_string(),
        destination: SocketAddr::new(ip.destination.into(), header.destination_port).to_string(),
        payload: header.length.saturating_sub(udp::HEADER_LENGTH),
        ..Summary::default()
    })
}

fn of_icmp(message: &[u8]) -> Option<String> {
    let (message, _) = icmpv4::Message::parse(message).ok()?;
    Some(match message {
        icmpv4::Message::EchoRequest { sequence, .. } => format!("echo request {sequence}"),
        icmpv4::Message::EchoReply { sequence, .. } => format!("echo reply {sequence}"),
        icmpv4::Message::DestinationUnreachable { code: icmpv4::FRAGMENTATION_NEEDED, next_hop_mtu } => {
            format!("fragmentation needed, next hop takes {next_hop_mtu} bytes")
        }
        icmpv4::Message::DestinationUnreachable { code, .. } => match code {
            icmpv4::NETWORK_UNREACHABLE => "network unreachable".to_owned(),
            icmpv4::HOST_UNREACHABLE => "host unreachable".to_owned(),
            icmpv4::PORT_UNREACHABLE => "port unreachable".to_owned(),
            _ => format!("unreachable, code {code}"),
        },
        icmpv4::Message::TimeExceeded { .. } => "time exceeded".to_owned(),
        icmpv4::Message::ParameterProblem { pointer, .. } => format!("parameter problem at byte {pointer}"),
        icmpv4::Message::Redirect { gateway, .. } => format!("redirect to {gateway}"),
        icmpv4::Message::Other { kind, code } => format!("type {kind}, code {code}"),
    })
}

/// Flags by name, in the order in which people say them.
pub(crate) fn flags(flags: Flags) -> String {
    let names = [
        (Flags::SYN, "SYN"),
        (Flags::FIN, "FIN"),
        (Flags::RST, "RST"),
        (Flags::PSH, "PSH"),
        (Flags::ACK, "ACK"),
        (Flags::URG, "URG"),
        (Flags::ECE, "ECE"),
        (Flags::CWR, "CWR"),
    ];
    let set: Vec<&str> =
        names.iter().filter(|(flag, _)| flags.contains(*flag)).map(|(_, name)| *name).collect();
    set.join(",")
}

/// Whether its first selective acknowledgment tells of what had come before: it lies below the acknowledgment, or inside the
/// next block (RFC 2883 4).
pub(crate) fn tells_of_repeats(header: &tcp::Header) -> bool {
    let blocks = &header.options.sack;
    blocks.first().is_some_and(|block| {
        block.right.at_or_before(header.acknowledgment)
            || blocks.get(1).is_some_and(|other| {
                other.left.at_or_before(block.left) && block.right.at_or_before(other.right)
            })
    })
}

fn options(header: &tcp::Header) -> String {
    let options: &Options = &header.options;
    let repeats = tells_of_repeats(header);
    let mut out = String::new();
    let mut add = |word: std::fmt::Arguments<'_>| {
        let _ = write!(out, "{}{word}", if out.is_empty() { "" } else { ", " });
    };
    if let Some(size) = options.maximum_segment_size {
        add(format_args!("mss {size}"));
    }
    if let Some(scale) = options.window_scale {
        add(format_args!("wscale {scale}"));
    }
    if options.sack_permitted {
        add(format_args!("sackOK"));
    }
    if let Some(timestamps) = options.timestamps {
        add(format_args!("TS val {} ecr {}", timestamps.value, timestamps.echo));
    }
    for (place, block) in options.sack.iter().enumerate() {
        let name = if place == 0 && repeats { "D-SACK" } else { "sack" };
        add(format_args!("{name} {}:{}", block.left.0, block.right.0));
    }
    out
}
