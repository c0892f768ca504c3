//! A frame as rules and tests see it.

use wire::ethernet::EtherType;
use wire::tcp::Flags;
use wire::{arp, ethernet, ipv4, protocol, tcp};

/// A frame's headers, as far as they can be read.
#[derive(Clone, Debug)]
pub struct Packet {
    /// IPv4's; `None` if it is another protocol's frame, or broken.
    pub ip: Option<ipv4::Header>,
    /// TCP's.
    pub tcp: Option<tcp::Header>,
    /// Bytes of all that follows the Ethernet header, if there is one: of the IP packet, by whichever version.
    pub length: usize,
    /// Bytes of TCP's payload.
    pub payload: usize,
    /// What a rule calls it: one of [`Packet::KINDS`].
    pub kind: &'static str,
}

impl Packet {
    /// What rules can name. A TCP segment is called by its SYN, FIN or RST and its ACK, or else by whether it carries data.
    pub const KINDS: [&'static str; 15] = [
        "SYN",
        "SYN,ACK",
        "ACK",
        "data",
        "FIN",
        "FIN,ACK",
        "RST",
        "RST,ACK",
        "TCP",
        "UDP",
        "ICMP",
        "fragment",
        "IP",
        "ARP-request",
        "ARP-reply",
    ];

    /// Reads a frame that begins with an Ethernet header, or else with IP's.
    pub fn read(bytes: &[u8], has_ethernet: bool) -> Packet {
        let link = if has_ethernet { ethernet::HEADER_LENGTH } else { 0 };
        let length = bytes.len().saturating_sub(link);
        let mut packet = Packet { ip: None, tcp: None, length, payload: 0, kind: "IP" };
        if has_ethernet && !packet.read_ethernet(bytes) {
            return packet;
        }
        let Some(bytes) = bytes.get(link..) else { return packet };
        let Ok(ip) = ipv4::Header::parse(bytes, bytes.len()) else { return packet };
        let whole = bytes.get(ip.header_length..ip.total_length);
        packet.kind = match ip.protocol {
            _ if ip.is_fragment() => "fragment",
            protocol::TCP => "TCP",
            protocol::UDP => "UDP",
            protocol::ICMPV4 => "ICMP",
            _ => "IP",
        };
        if packet.kind == "TCP"
            && let Some(segment) = whole
            && let Ok((tcp, header)) = tcp::Header::parse(segment)
        {
            packet.payload = segment.len().saturating_sub(header);
            packet.kind = kind(tcp.flags, packet.payload);
            packet.tcp = Some(tcp);
        }
        packet.ip = Some(ip);
        packet
    }

    /// Whether an IP packet follows the Ethernet header.
    fn read_ethernet(&mut self, bytes: &[u8]) -> bool {
        let Ok(header) = ethernet::Header::parse(bytes) else { return false };
        if header.ether_type == EtherType::ARP {
            let packet =
                bytes.get(ethernet::HEADER_LENGTH..).and_then(|bytes| arp::Packet::parse(bytes).ok());
            let reply = packet.is_some_and(|packet| packet.operation == arp::Operation::Reply);
            self.kind = if reply { "ARP-reply" } else { "ARP-request" };
        }
        header.ether_type == EtherType::IPV4
    }

    /// Whether it is a TCP segment with all of these flags.
    pub fn has_flags(&self, flags: Flags) -> bool {
        self.tcp.as_ref().is_some_and(|tcp| tcp.flags.contains(flags))
    }
}

fn kind(flags: Flags, payload: usize) -> &'static str {
    let acknowledges = flags.contains(Flags::ACK);
    let which = |alone, with| if acknowledges { with } else { alone };
    if flags.contains(Flags::RST) {
        which("RST", "RST,ACK")
    } else if flags.contains(Flags::SYN) {
        which("SYN", "SYN,ACK")
    } else if flags.contains(Flags::FIN) {
        which("FIN", "FIN,ACK")
    } else if payload > 0 {
        "data"
    } else {
        which("TCP", "ACK")
    }
}
