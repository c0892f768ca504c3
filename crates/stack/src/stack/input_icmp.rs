//! ICMP as it arrives, and the errors that this host sends.

use super::state::Stack;
use crate::dropped::Dropped;
use crate::icmp::foreign::EchoRequest;
use crate::icmp::meaning::{error_of, error_of_v6, ping_kind, ping_kind_v6};
use crate::icmp::ping::{PingKind, PingReply};
use crate::interface::{InterfaceId, is_v6};
use basis::{Checksum, Frame, Instant};
use bytes::Bytes;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use tcp::IcmpError;
use wire::ethernet::MacAddress;
use wire::icmpv4::{self, Message, Quoted};
use wire::icmpv6;
use wire::ipv4::Header;
use wire::protocol;
use wire::tcp::Seq;

/// Bytes of a datagram that an error quotes: as many as fit into 576 bytes (RFC 1812 4.3.2.3).
pub(crate) const QUOTE: usize = 576 - wire::ipv4::HEADER_LENGTH - icmpv4::HEADER_LENGTH;

impl Stack {
    pub(crate) fn on_icmp(
        &mut self,
        now: Instant,
        id: InterfaceId,
        header: &Header,
        frame: &mut Frame,
        for_many: bool,
        station: Option<MacAddress>,
    ) -> Result<(), Dropped> {
        frame.strip(header.header_length);
        if frame.checksum != Checksum::Verified {
            icmpv4::verify(frame.parts()).map_err(Dropped::Malformed)?;
        }
        let (message, length) = Message::parse(frame.first()).map_err(Dropped::Malformed)?;
        self.counters.icmp.received += 1;
        let bytes = frame.len();
        frame.strip(length);
        match message {
            // RFC 1122 3.2.2.6: a broadcast echo may be ignored, and is, for it serves only to multiply traffic.
            Message::EchoRequest { .. } if for_many => Err(Dropped::IcmpIgnored),
            // Nobody here knows whether such a host is there.
            Message::EchoRequest { identifier, sequence } if !self.is_own(IpAddr::V4(header.destination)) => {
                let request = EchoRequest {
                    from: IpAddr::V4(header.source),
                    to: IpAddr::V4(header.destination),
                    identifier,
                    sequence,
                    time_to_live: header.time_to_live,
                    dont_fragment: header.dont_fragment,
                    payload: Bytes::from(frame.to_vec()),
                };
                self.on_foreign_echo(station, request)
            }
            Message::EchoRequest { identifier, sequence } => {
                self.counters.icmp.echoes_answered += 1;
                let mut reply = core::mem::take(frame);
                reply.checksum = Checksum::Complete;
                Message::EchoReply { identifier, sequence }.prepend_to(&mut reply);
                self.answer(now, id, (header.destination, header.source), reply);
                Ok(())
            }
            Message::EchoReply { identifier, sequence } => {
                let reply = PingReply {
                    kind: PingKind::Reply,
                    from: IpAddr::V4(header.source),
                    sequence,
                    ttl: header.time_to_live,
                    bytes,
                    payload: Bytes::from(frame.to_vec()),
                    at: now,
                };
                self.ping.deliver(identifier, reply)?;
                self.counters.icmp.echo_replies += 1;
                Ok(())
            }
            message if message.is_error() => {
                let Some(error) = error_of(&message) else { return Err(Dropped::IcmpIgnored) };
                let quoted = Quoted::parse(frame.first()).map_err(Dropped::Malformed)?;
                let from = (IpAddr::V4(header.source), header.time_to_live, bytes);
                self.on_failure(now, from, &quoted, error, ping_kind(&message))?;
                self.counters.icmp.received_errors += 1;
                Ok(())
            }
            _ => Err(Dropped::IcmpIgnored),
        }
    }

    /// A packet of ours, quoted, failed on its way: tells whose it was (RFC 1122 3.2.2.1).
    pub(crate) fn on_failure(
        &mut self,
        now: Instant,
        (from, ttl, bytes): (IpAddr, u8, usize),
        quoted: &Quoted,
        error: IcmpError,
        ping: Option<PingKind>,
    ) -> Result<(), Dropped> {
        if !self.speaks_as(quoted.source) {
            return Err(Dropped::IcmpUnrelated);
        }
        let local = SocketAddr::new(quoted.source, quoted.source_port);
        let remote = SocketAddr::new(quoted.destination, quoted.destination_port);
        match (quoted.protocol, quoted.sequence) {
            (protocol::TCP, Some(sequence)) => {
                let tuple = tcp::FourTuple {
                    local: local.ip(),
                    remote: remote.ip(),
                    local_port: local.port(),
                    remote_port: remote.port(),
                };
                if !self.tcp.is_credible(&tuple, Seq(sequence), error) {
                    return Err(Dropped::IcmpUnrelated);
                }
                let error = self.believe(now, remote.ip(), error);
                self.tcp.on_icmp_error(now, tuple, Seq(sequence), error);
                Ok(())
            }
            (protocol::UDP, _) if self.udp.on_error(local, remote, error) => {
                self.believe(now, remote.ip(), error);
                Ok(())
            }
            (protocol::ICMPV4 | protocol::ICMPV6, Some(sequence)) => {
                let Some(kind) = ping else { return Err(Dropped::IcmpIgnored) };
                let sequence = sequence as u16;
                let payload = Bytes::new();
                let reply = PingReply { kind, from, sequence, ttl, bytes, payload, at: now };
                self.ping.deliver(quoted.source_port, reply)?;
                self.believe(now, remote.ip(), error);
                Ok(())
            }
            _ => Err(Dropped::IcmpUnrelated),
        }
    }

    /// Remembers a smaller path MTU, and puts what is believed of it in place of what was told.
    fn believe(&mut self, now: Instant, destination: IpAddr, error: IcmpError) -> IcmpError {
        let IcmpError::PacketTooBig { mtu } = error else { return error };
        let told = u16::try_from(mtu).unwrap_or(u16::MAX);
        let mtu = self.path_mtus.learn(now, destination, told);
        IcmpError::PacketTooBig { mtu }
    }

    /// `packet` of ours could not leave: its neighbour does not answer, or no route leads there. To its owner that is what an
    /// ICMP error says.
    #[cold]
    pub(crate) fn on_unsendable(&mut self, now: Instant, packet: &Frame, code: u8) {
        let reason = match code {
            icmpv4::HOST_UNREACHABLE => Dropped::NeighbourUnreachable,
            _ => Dropped::NoRoute,
        };
        self.counters.dropped.count(reason);
        let (quoted, error, ping) = if is_v6(packet) {
            let code = match code {
                icmpv4::HOST_UNREACHABLE => icmpv6::ADDRESS_UNREACHABLE,
                _ => icmpv6::NO_ROUTE,
            };
            let message = icmpv6::Message::DestinationUnreachable { code };
            (icmpv6::quoted(packet.first()), error_of_v6(&message), ping_kind_v6(&message))
        } else {
            let message = Message::DestinationUnreachable { code, next_hop_mtu: 0 };
            (Quoted::parse(packet.first()), error_of(&message), ping_kind(&message))
        };
        let (Ok(quoted), Some(error)) = (quoted, error) else { return };
        // Whether anybody was there to hear it changes nothing.
        let _ = self.on_failure(now, (quoted.source, 0, 0), &quoted, error, ping);
    }

    /// Sends an ICMP error about `packet`, which begins with `header`, if one may be sent (RFC 1122 3.2.2).
    #[cold]
    pub(crate) fn send_error(
        &mut self,
        now: Instant,
        id: InterfaceId,
        header: &Header,
        packet: &Frame,
        for_many: bool,
        message: Message,
    ) {
        // The source is a host's address: what is not was dropped on arrival.
        if for_many || header.fragment_offset != 0 || is_icmp_error(header, packet) {
            return;
        }
        if !self.icmp_limit.take(now) {
            self.counters.dropped.count(Dropped::IcmpRateLimit);
            return;
        }
        let mut quote = packet.clone();
        quote.truncate(QUOTE);
        let quote = quote.to_vec();
        let mut error = Frame::new();
        let memory = quote.len();
        error.set_body(Bytes::from(quote), memory);
        message.prepend_to(&mut error);
        // A router that ends a packet's way says so itself.
        let source = match message {
            Message::TimeExceeded { code: icmpv4::TIME_TO_LIVE_EXCEEDED } => {
                let Some(IpAddr::V4(own)) = self.source_on(id, IpAddr::V4(header.source)) else { return };
                own
            }
            _ => header.destination,
        };
        self.counters.icmp.sent_errors += 1;
        self.answer(now, id, (source, header.source), error);
    }

    /// Sends an ICMP message to where a packet came from.
    fn answer(
        &mut self,
        now: Instant,
        id: InterfaceId,
        (source, destination): (Ipv4Addr, Ipv4Addr),
        mut message: Frame,
    ) {
        let identification = self.identification.next(source, destination, protocol::ICMPV4);
        Header {
            dont_fragment: false,
            identification,
            time_to_live: self.config.time_to_live,
            ..Header::new(source, destination, protocol::ICMPV4)
        }
        .prepend_to(&mut message);
        self.queue_packet(now, id, IpAddr::V4(destination), message);
    }
}

/// Whether `packet` is an ICMP message other than a request or reply that asks for nothing but an answer.
fn is_icmp_error(header: &Header, packet: &Frame) -> bool {
    if header.protocol != protocol::ICMPV4 {
        return false;
    }
    let mut message = packet.clone();
    message.strip(header.header_length);
    Message::parse(message.first()).map_or(true, |(message, _)| {
        !matches!(message, Message::EchoRequest { .. } | Message::EchoReply { .. })
    })
}
