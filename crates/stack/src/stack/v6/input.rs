//! The way in: IPv6, its extension headers and fragments, and on to TCP, UDP or ICMPv6.

use crate::config::Medium;
use crate::dropped::Dropped;
use crate::interface::InterfaceId;
use crate::shares::Sender;
use crate::stack::input::{header_first, path};
use crate::stack::interception::takes;
use crate::stack::state::Stack;
use crate::udp::Delivery;
use basis::{Checksum, Ecn, Frame, Instant};
use core::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use wire::ethernet::MacAddress;
use wire::icmpv6::{self, Message};
use wire::ipv6::extension::{self, Chain, Fragment, Refusal};
use wire::ipv6::{Header, MAXIMUM_PAYLOAD, is_link_local};
use wire::{protocol, udp};

/// A packet that was taken in: where it came from and to whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) now: Instant,
    pub(crate) interface: InterfaceId,
    /// The station that sent it, where the link has some and it is still known.
    pub(crate) station: Option<MacAddress>,
    pub(crate) header: Header,
    /// Whether it came to a group and not to this host alone.
    pub(crate) group: bool,
    /// Whether it was put together of fragments.
    pub(crate) reassembled: bool,
}

impl Stack {
    pub(crate) fn on_ipv6(
        &mut self,
        now: Instant,
        interface: InterfaceId,
        frame: &mut Frame,
        frame_for_many: bool,
        station: Option<MacAddress>,
    ) -> Result<(), Dropped> {
        let header = Header::parse(frame.first(), frame.len()).map_err(Dropped::Malformed)?;
        let arrival = Arrival { now, interface, station, header, group: false, reassembled: false };
        let admitted = self.admit_v6(interface, &header);
        if admitted == Err(Dropped::NoHopLeft) {
            // RFC 8200 3: as at a router.
            frame.truncate(header.total_length());
            let arrival = Arrival { group: frame_for_many, ..arrival };
            let message = Message::TimeExceeded { code: icmpv6::HOP_LIMIT_EXCEEDED };
            self.send_error_v6(&arrival, frame, message, false);
        }
        let group = admitted?;
        if frame_for_many && !group {
            return Err(Dropped::UnicastInBroadcast);
        }
        frame.truncate(header.total_length());
        self.counters.ip.received += 1;
        self.on_packet_v6(Arrival { group, ..arrival }, frame)
    }

    /// Whether a packet with these addresses may come in by this interface; if so, whether it came to a group.
    fn admit_v6(&self, id: InterfaceId, header: &Header) -> Result<bool, Dropped> {
        let interface = self.interfaces.get(id.index()).ok_or(Dropped::NoSuchInterface)?;
        let Header { source, destination, .. } = *header;
        // RFC 4291 2.7: a group sends nothing. RFC 4942 2.2: mapped addresses are for programs, not for the wire.
        if source.is_multicast() || source.to_ipv4_mapped().is_some() {
            return Err(Dropped::MartianSource);
        }
        if interface.medium == Medium::Loopback {
            let ours = self.is_own(IpAddr::V6(destination)) && self.is_own(IpAddr::V6(source));
            return if ours { Ok(false) } else { Err(Dropped::OtherHost) };
        }
        // RFC 4291 2.5.3: the loopback address is never seen outside.
        if source.is_loopback() || interface.v6.is_assigned(source) {
            return Err(Dropped::MartianSource);
        }
        if interface.v6.is_assigned(destination) {
            return Ok(false);
        }
        if destination.is_multicast() {
            // RFC 4291 2.7: scopes 0 and 1 never leave a host.
            if destination.octets()[1] & 0xf <= 1 {
                return Err(Dropped::MartianDestination);
            }
            let heard = interface.groups.contains(IpAddr::V6(destination));
            return if heard { Ok(true) } else { Err(Dropped::OtherHost) };
        }
        if destination.is_loopback() || destination.is_unspecified() {
            return Err(Dropped::MartianDestination);
        }
        match header.hop_limit {
            _ if !takes(interface, IpAddr::V6(destination)) => Err(Dropped::OtherHost),
            0 | 1 => Err(Dropped::NoHopLeft),
            _ => Ok(false),
        }
    }

    /// A packet for this host; `frame` begins with its header.
    fn on_packet_v6(&mut self, arrival: Arrival, frame: &mut Frame) -> Result<(), Dropped> {
        let chain = match Chain::walk(frame.first(), &arrival.header) {
            Ok(chain) => chain,
            Err(refusal) => return Err(self.refuse_v6(&arrival, frame, refusal)),
        };
        match chain.fragment {
            Some(fragment) if !arrival.reassembled => self.on_fragment_v6(arrival, &chain, fragment, frame),
            // Fragments of fragments: nobody sends them but to hide something.
            Some(_) => Err(Dropped::ImpossibleFragment),
            None => self.on_datagram_v6(arrival, &chain, frame),
        }
    }

    /// The extension headers of a packet are refused: its sender is told where RFC 8200 4.2 wants it.
    #[cold]
    fn refuse_v6(&mut self, arrival: &Arrival, frame: &Frame, refusal: Refusal) -> Dropped {
        match refusal {
            Refusal::Malformed(malformed) => Dropped::Malformed(malformed),
            Refusal::Silent => Dropped::ExtensionRefused,
            Refusal::Problem { code, pointer, even_to_group } => {
                let message = Message::ParameterProblem { code, pointer };
                self.send_error_v6(arrival, frame, message, even_to_group);
                Dropped::ExtensionRefused
            }
        }
    }

    #[cold]
    fn on_fragment_v6(
        &mut self,
        arrival: Arrival,
        chain: &Chain,
        fragment: Fragment,
        frame: &Frame,
    ) -> Result<(), Dropped> {
        self.counters.ip.received_fragments += 1;
        let header = arrival.header;
        let length = header.total_length().saturating_sub(chain.offset);
        let end = usize::from(fragment.offset) + length;
        // RFC 8200 4.5: the pointer is at the payload length, or at the fragment offset.
        let pointer = if fragment.more && !length.is_multiple_of(8) {
            Some((extension::ERRONEOUS_FIELD, 4))
        } else if end + chain.offset.saturating_sub(wire::ipv6::HEADER_LENGTH + extension::FRAGMENT_LENGTH)
            > MAXIMUM_PAYLOAD
        {
            Some((extension::ERRONEOUS_FIELD, chain.named_at as u32 + 2))
        } else if fragment.offset == 0 && !is_complete(frame.first(), chain) {
            Some((extension::INCOMPLETE_FIRST_FRAGMENT, 0))
        } else {
            None
        };
        if let Some((code, pointer)) = pointer {
            self.send_error_v6(&arrival, frame, Message::ParameterProblem { code, pointer }, false);
            return Err(Dropped::ImpossibleFragment);
        }
        if length == 0 {
            return Err(Dropped::ImpossibleFragment);
        }
        let what = (&header, chain, fragment);
        let number = arrival.interface.number();
        let whole = self.reassembly.on_fragment_v6(arrival.now, number, what, frame, &mut self.timers)?;
        let Some(mut whole) = whole else { return Ok(()) };
        self.counters.ip.reassembled += 1;
        if let Some(handed) = self.hand_over(arrival.interface, &whole) {
            return handed;
        }
        let header = Header::parse(whole.first(), whole.len()).map_err(Dropped::Malformed)?;
        self.on_packet_v6(Arrival { header, reassembled: true, ..arrival }, &mut whole)
    }

    fn on_datagram_v6(&mut self, arrival: Arrival, chain: &Chain, frame: &mut Frame) -> Result<(), Dropped> {
        let Header { source, destination, .. } = arrival.header;
        match chain.protocol {
            protocol::ICMPV6 => return self.on_icmpv6(arrival, chain, frame),
            // Who has no address yet has nothing else to say.
            _ if source.is_unspecified() => return Err(Dropped::MartianSource),
            protocol::TCP if arrival.group => return Err(Dropped::UnexpectedBroadcast),
            protocol::TCP => {}
            protocol::UDP => return self.on_udp_v6(arrival, chain, frame),
            protocol::NO_NEXT_HEADER => return Err(Dropped::NothingFollows),
            _ => {
                let (code, pointer) = (extension::UNKNOWN_NEXT_HEADER, chain.named_at as u32);
                self.send_error_v6(&arrival, frame, Message::ParameterProblem { code, pointer }, false);
                return Err(Dropped::UnknownProtocol);
            }
        }
        frame.strip(chain.offset);
        frame.ecn = Ecn::of_traffic_class(arrival.header.traffic_class);
        let (local, remote) = (IpAddr::V6(destination), IpAddr::V6(source));
        let path = || path(&self.interfaces, &self.path_mtus, arrival.now, arrival.interface, remote);
        self.tcp.on_segment(arrival.now, path, local, remote, frame).map_err(Dropped::Tcp)
    }

    fn on_udp_v6(&mut self, arrival: Arrival, chain: &Chain, frame: &mut Frame) -> Result<(), Dropped> {
        let Arrival { interface, station, header, group, reassembled, .. } = arrival;
        let mut datagram = frame.clone();
        datagram.strip(chain.offset);
        let ports = udp::Header::parse(datagram.first(), datagram.len()).map_err(Dropped::Malformed)?;
        if datagram.checksum != Checksum::Verified {
            let (source, destination) = (IpAddr::V6(header.source), IpAddr::V6(header.destination));
            udp::verify(source, destination, header_first(&datagram)).map_err(Dropped::Malformed)?;
        }
        let source = scoped(header.source, ports.source_port, interface);
        let destination = SocketAddr::new(IpAddr::V6(header.destination), ports.destination_port);
        let found = if group {
            self.udp.find_joined(source, destination, interface.number())
        } else {
            self.udp.find(source, destination, false)
        };
        let Some(socket) = found else {
            let code = icmpv6::PORT_UNREACHABLE;
            self.send_error_v6(&arrival, frame, Message::DestinationUnreachable { code }, false);
            return Err(if group { Dropped::GroupNotJoined } else { Dropped::UdpNoSocket });
        };
        datagram.truncate(ports.length);
        datagram.strip(udp::HEADER_LENGTH);
        let (time_to_live, dont_fragment) = (header.hop_limit, !reassembled);
        let sender = Sender::new(station, source.ip());
        let delivery = Delivery { from: source, to: destination, sender, time_to_live, dont_fragment };
        if group {
            self.udp.share_with_group(socket, delivery, interface.number(), &datagram);
        }
        self.udp.deliver(socket, delivery, &mut datagram)?;
        self.counters.udp.received += 1;
        Ok(())
    }
}

/// The address and port of a sender; one that is valid on its link alone is told with that link (RFC 4007 6).
pub(crate) fn scoped(address: Ipv6Addr, port: u16, interface: InterfaceId) -> SocketAddr {
    let scope = if is_link_local(address) { interface.scope() } else { 0 };
    SocketAddr::V6(SocketAddrV6::new(address, port, 0, scope))
}

/// Whether a first fragment has all headers to the end of the transport's (RFC 7112 5).
fn is_complete(packet: &[u8], chain: &Chain) -> bool {
    let Ok(inner) = Chain::walk_from(packet, chain.protocol, chain.named_at, chain.offset) else {
        return false;
    };
    let header = match inner.protocol {
        protocol::TCP => wire::tcp::HEADER_LENGTH,
        protocol::UDP => udp::HEADER_LENGTH,
        protocol::ICMPV6 => icmpv6::HEADER_LENGTH,
        _ => 0,
    };
    packet.len() >= inner.offset + header
}
