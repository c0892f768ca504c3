//! A router: it takes in packets that are addressed to its hardware and another host, and sends them one hop further.

use super::occurrence::Outcome;
use basis::{Frame, Instant};
use bytes::Bytes;
use ipnet::Ipv4Net;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;
use wire::ethernet::{self, EtherType, MacAddress};
use wire::icmpv4::{self, Message};
use wire::{arp, ipv4, protocol};

/// Packets that wait for one neighbour's hardware address; a further one takes the place of the oldest.
const WAITING: usize = 16;
/// Neighbours known or asked for, of all ports; packets to further ones are lost.
const MOST_NEIGHBOURS: usize = 4096;
/// ARP requests before a neighbour is given up (RFC 1812 3.3.2).
const ATTEMPTS: u8 = 3;
const INTERVAL: Duration = Duration::from_secs(1);
/// Bytes quoted in an ICMP error (RFC 1812 4.3.2.3: as much as fits 576).
const QUOTE: usize = 548;

#[derive(Clone, Debug, Default)]
pub(crate) struct Router {
    ports: Vec<Port>,
    routes: Vec<(Ipv4Net, Ipv4Addr)>,
    neighbours: BTreeMap<(usize, Ipv4Addr), Neighbour>,
    identification: u16,
}

#[derive(Clone, Debug)]
struct Port {
    hardware: MacAddress,
    network: Option<Ipv4Net>,
    mtu: usize,
}

#[derive(Clone, Debug)]
enum Neighbour {
    Known(MacAddress),
    Asked { packets: Vec<Vec<u8>>, requests: u8, deadline: Instant },
}

/// Takes what leaves, with the port by which it does.
pub(crate) type Out<'a> = &'a mut dyn FnMut(usize, Bytes);

impl Router {
    pub(crate) fn add_port(&mut self, hardware: MacAddress, network: Option<Ipv4Net>, mtu: usize) {
        self.ports.push(Port { hardware, network, mtu });
    }

    /// Packets to `network` go by the neighbour `next`.
    pub(crate) fn add_route(&mut self, network: Ipv4Net, next: Ipv4Addr) {
        self.routes.push((network, next));
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let deadlines = self.neighbours.values().filter_map(|neighbour| match neighbour {
            Neighbour::Asked { deadline, .. } => Some(*deadline),
            Neighbour::Known(_) => None,
        });
        deadlines.min()
    }

    /// Asks again for neighbours that have not answered, and gives up those that were asked often enough.
    pub(crate) fn on_timeout(&mut self, now: Instant, out: Out<'_>) {
        let mut failed = Vec::new();
        for (&(port, address), neighbour) in &mut self.neighbours {
            let Neighbour::Asked { requests, deadline, .. } = neighbour else { continue };
            if *deadline > now {
                continue;
            }
            if *requests >= ATTEMPTS {
                failed.push((port, address));
                continue;
            }
            (*requests, *deadline) = (*requests + 1, now + INTERVAL);
            out(port, request(&self.ports[port], address));
        }
        for key in failed {
            if let Some(Neighbour::Asked { packets, .. }) = self.neighbours.remove(&key) {
                let unreachable =
                    Message::DestinationUnreachable { code: icmpv4::HOST_UNREACHABLE, next_hop_mtu: 0 };
                for packet in packets {
                    self.complain(now, &packet, unreachable, out);
                }
            }
        }
    }

    pub(crate) fn on_frame(&mut self, now: Instant, port: usize, bytes: &Bytes, out: Out<'_>) -> Outcome {
        let Ok(header) = ethernet::Header::parse(bytes) else {
            return Outcome::Discarded("no Ethernet frame");
        };
        if header.destination != self.ports[port].hardware && !header.destination.is_broadcast() {
            return Outcome::Discarded("for another station");
        }
        let payload = bytes.slice(ethernet::HEADER_LENGTH..);
        match header.ether_type {
            EtherType::ARP => self.on_arp(port, &payload, out),
            // A router passes no broadcasts on (RFC 1812 5.3.5).
            EtherType::IPV4 if header.destination.is_broadcast() => {
                Outcome::Discarded("a broadcast stays on its LAN")
            }
            EtherType::IPV4 => self.on_packet(now, &payload, out),
            _ => Outcome::Discarded("unknown EtherType"),
        }
    }

    fn on_arp(&mut self, port: usize, payload: &[u8], out: Out<'_>) -> Outcome {
        let Ok(packet) = arp::Packet::parse(payload) else { return Outcome::Discarded("malformed ARP") };
        let own = self.ports[port].network.map(|network| network.addr());
        if own != Some(packet.target_protocol) {
            return Outcome::Discarded("ARP about another station");
        }
        if !packet.sender_protocol.is_unspecified() {
            let known = Neighbour::Known(packet.sender_hardware);
            let before = self.neighbours.insert((port, packet.sender_protocol), known);
            if let Some(Neighbour::Asked { packets, .. }) = before {
                for packet_ in packets {
                    out(port, self.framed(port, packet.sender_hardware, &packet_));
                }
            }
        }
        if packet.operation == arp::Operation::Request {
            let hardware = self.ports[port].hardware;
            let mut frame = Frame::new();
            packet.reply(hardware).prepend_to(&mut frame);
            put_link(&mut frame, hardware, packet.sender_hardware, EtherType::ARP);
            out(port, Bytes::from(frame.to_vec()));
        }
        Outcome::Taken
    }

    /// RFC 1812 5.2.1: for this router itself, or to be forwarded.
    fn on_packet(&mut self, now: Instant, payload: &[u8], out: Out<'_>) -> Outcome {
        let Ok(header) = ipv4::Header::parse(payload, payload.len()) else {
            return Outcome::Discarded("malformed IPv4");
        };
        let packet = &payload[..header.total_length];
        if self.ports.iter().any(|port| port.network.is_some_and(|own| own.addr() == header.destination)) {
            return self.on_own(now, &header, packet, out);
        }
        if header.time_to_live <= 1 {
            self.complain(now, packet, Message::TimeExceeded { code: icmpv4::TIME_TO_LIVE_EXCEEDED }, out);
            return Outcome::Discarded("time to live exceeded");
        }
        let Some((port, next)) = self.way(header.destination) else {
            let code = icmpv4::NETWORK_UNREACHABLE;
            self.complain(now, packet, Message::DestinationUnreachable { code, next_hop_mtu: 0 }, out);
            return Outcome::Discarded("no route");
        };
        let mtu = self.ports[port].mtu;
        if packet.len() > mtu {
            // Hosts of this network forbid fragments (RFC 1191); what allows them is not cut either.
            let next_hop_mtu = u16::try_from(mtu).unwrap_or(u16::MAX);
            let code = icmpv4::FRAGMENTATION_NEEDED;
            self.complain(now, packet, Message::DestinationUnreachable { code, next_hop_mtu }, out);
            return Outcome::Discarded("too long for the next link");
        }
        self.send(now, port, next, one_hop_older(packet), out);
        Outcome::PassedOn(1)
    }

    fn on_own(&mut self, now: Instant, header: &ipv4::Header, packet: &[u8], out: Out<'_>) -> Outcome {
        let body = packet.get(header.header_length..).unwrap_or_default();
        let echo = match Message::parse(body) {
            Ok((Message::EchoRequest { identifier, sequence }, length))
                if header.protocol == protocol::ICMPV4 =>
            {
                (Message::EchoReply { identifier, sequence }, length)
            }
            _ => return Outcome::Discarded("nobody listens on a router"),
        };
        let (reply, length) = echo;
        self.reply(
            now,
            header.destination,
            header.source,
            reply,
            body.get(length..).unwrap_or_default(),
            out,
        );
        Outcome::Taken
    }

    /// An ICMP error about a packet; never about an error, a fragment but the first, or a group (RFC 1812 4.3.2.7).
    fn complain(&mut self, now: Instant, packet: &[u8], message: Message, out: Out<'_>) {
        let Ok(header) = ipv4::Header::parse(packet, packet.len()) else { return };
        let body = packet.get(header.header_length..).unwrap_or_default();
        let about_error = header.protocol == protocol::ICMPV4
            && Message::parse(body).is_ok_and(|(message, _)| message.is_error());
        if about_error || header.fragment_offset > 0 || header.destination.is_multicast() {
            return;
        }
        let Some((port, _)) = self.way(header.source) else { return };
        let Some(own) = self.ports[port].network.map(|network| network.addr()) else { return };
        self.reply(now, own, header.source, message, &packet[..packet.len().min(QUOTE)], out);
    }

    fn reply(
        &mut self,
        now: Instant,
        from: Ipv4Addr,
        to: Ipv4Addr,
        message: Message,
        body: &[u8],
        out: Out<'_>,
    ) {
        let Some((port, next)) = self.way(to) else { return };
        let mut frame = Frame::copy_of(body);
        message.prepend_to(&mut frame);
        self.identification = self.identification.wrapping_add(1);
        let header = ipv4::Header::new(from, to, protocol::ICMPV4);
        ipv4::Header { identification: self.identification, ..header }.prepend_to(&mut frame);
        self.send(now, port, next, frame.to_vec(), out);
    }

    /// By which port, and to which neighbour.
    fn way(&self, to: Ipv4Addr) -> Option<(usize, Ipv4Addr)> {
        if let Some(port) = self.port_on(to) {
            return Some((port, to));
        }
        let routes = self.routes.iter().filter(|(network, _)| network.contains(&to));
        let (_, next) = routes.max_by_key(|(network, _)| network.prefix_len())?;
        Some((self.port_on(*next)?, *next))
    }

    fn port_on(&self, address: Ipv4Addr) -> Option<usize> {
        self.ports.iter().position(|port| port.network.is_some_and(|network| network.contains(&address)))
    }

    fn send(&mut self, now: Instant, port: usize, next: Ipv4Addr, packet: Vec<u8>, out: Out<'_>) {
        let full = self.neighbours.len() >= MOST_NEIGHBOURS;
        match self.neighbours.get_mut(&(port, next)) {
            Some(Neighbour::Known(hardware)) => {
                let hardware = *hardware;
                out(port, self.framed(port, hardware, &packet));
            }
            Some(Neighbour::Asked { packets, .. }) => {
                if packets.len() >= WAITING {
                    packets.remove(0);
                }
                packets.push(packet);
            }
            None if full => {}
            None => {
                out(port, request(&self.ports[port], next));
                let asked = Neighbour::Asked { packets: vec![packet], requests: 1, deadline: now + INTERVAL };
                self.neighbours.insert((port, next), asked);
            }
        }
    }

    fn framed(&self, port: usize, to: MacAddress, packet: &[u8]) -> Bytes {
        let mut frame = Frame::copy_of(packet);
        put_link(&mut frame, self.ports[port].hardware, to, EtherType::IPV4);
        Bytes::from(frame.to_vec())
    }
}

fn request(port: &Port, wanted: Ipv4Addr) -> Bytes {
    let own = port.network.map_or(Ipv4Addr::UNSPECIFIED, |network| network.addr());
    let mut frame = Frame::new();
    arp::Packet::request(port.hardware, own, wanted).prepend_to(&mut frame);
    put_link(&mut frame, port.hardware, MacAddress::BROADCAST, EtherType::ARP);
    Bytes::from(frame.to_vec())
}

fn put_link(frame: &mut Frame, source: MacAddress, destination: MacAddress, ether_type: EtherType) {
    ethernet::Header { destination, source, ether_type }.prepend_to(frame);
}

/// The packet with its time to live one less, and the header's checksum made right (RFC 1141).
fn one_hop_older(packet: &[u8]) -> Vec<u8> {
    let mut packet = packet.to_vec();
    packet[8] -= 1;
    let sum = u32::from(u16::from_be_bytes([packet[10], packet[11]])) + 0x0100;
    let sum = ((sum & 0xffff) + (sum >> 16)) as u16;
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_bounded_and_one_that_is_given_up_makes_room() {
        let mut router = Router::default();
        router.add_port(MacAddress([2, 0, 0, 0, 0, 1]), Some("10.0.0.1/8".parse().unwrap()), 1500);
        let neighbour = |number: usize| Ipv4Addr::from(0x0a00_0100 + number as u32);
        let ask = |router: &mut Router, number: usize| {
            let mut requests = 0;
            router.send(Instant::ZERO, 0, neighbour(number), vec![0; 20], &mut |_, _| requests += 1);
            requests
        };
        for number in 0..MOST_NEIGHBOURS {
            assert_eq!(ask(&mut router, number), 1);
        }
        assert_eq!(ask(&mut router, MOST_NEIGHBOURS), 0);
        assert_eq!(router.neighbours.len(), MOST_NEIGHBOURS);
        for second in 1..=u64::from(ATTEMPTS) {
            router.on_timeout(Instant::from_millis(1_000 * second), &mut |_, _| {});
        }
        assert_eq!(ask(&mut router, MOST_NEIGHBOURS), 1);
    }
}
