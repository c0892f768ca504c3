//! What became of a packet for a stranger: an owner that carries such packets on tells their senders.

use super::input_icmp::QUOTE;
use super::routing::{is_host, is_host_v6};
use super::state::Stack;
use super::v6;
use crate::dropped::Dropped;
use crate::interface::InterfaceId;
use basis::{Frame, Instant};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use tcp::{DecideError, Decision};
use wire::{icmpv4, icmpv6, ipv4, ipv6, protocol, udp};

/// Why a packet did not reach whom it was for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unreachable {
    /// No way leads to its network.
    Network,
    /// The host does not answer.
    Host,
    /// Nobody listens at the port.
    Port,
    /// It may not go there.
    Prohibited,
    /// It went over as many hops as it might.
    TimeExceeded,
    /// It is longer than what can go there in one piece.
    TooLong {
        /// Bytes that a packet can have there.
        mtu: u32,
    },
}

/// A packet that an ICMP error is about: who sent it to whom, and what makes its sender know it again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failed<'a> {
    /// A TCP segment.
    Segment {
        /// Who sent it.
        from: SocketAddr,
        /// Whom it was for.
        to: SocketAddr,
        /// Its sequence number.
        sequence: u32,
    },
    /// A UDP datagram.
    Datagram {
        /// Who sent it.
        from: SocketAddr,
        /// Whom it was for.
        to: SocketAddr,
        /// Its payload, as far as it is known.
        payload: &'a [u8],
    },
    /// An echo request.
    Echo {
        /// Who sent it.
        from: IpAddr,
        /// Whom it was for.
        to: IpAddr,
        /// Its sender's identifier.
        identifier: u16,
        /// Its number.
        sequence: u16,
        /// Its payload, as far as it is known.
        payload: &'a [u8],
    },
}

impl Failed<'_> {
    fn ends(self) -> (IpAddr, IpAddr) {
        match self {
            Failed::Segment { from, to, .. } | Failed::Datagram { from, to, .. } => {
                (from.ip().to_canonical(), to.ip().to_canonical())
            }
            Failed::Echo { from, to, .. } => (from.to_canonical(), to.to_canonical()),
        }
    }

    /// What was behind the IP header: of a segment the first 64 bits alone, which RFC 792 wants quoted at least.
    fn message(self) -> Frame {
        match self {
            Failed::Segment { from, to, sequence } => {
                let ([a, b], [c, d]) = (from.port().to_be_bytes(), to.port().to_be_bytes());
                let [e, f, g, h] = sequence.to_be_bytes();
                Frame::copy_of(&[a, b, c, d, e, f, g, h])
            }
            Failed::Datagram { from, to, payload } => {
                let mut message = Frame::copy_of(payload);
                let header = udp::Header { source_port: from.port(), destination_port: to.port(), length: 0 };
                header.prepend_to(&mut message, from.ip().to_canonical(), to.ip().to_canonical());
                message
            }
            Failed::Echo { identifier, sequence, payload, .. } => {
                let mut message = Frame::copy_of(payload);
                match self.ends() {
                    (IpAddr::V6(from), IpAddr::V6(to)) => {
                        let request = icmpv6::Message::EchoRequest { identifier, sequence };
                        request.prepend_to(&mut message, from, to);
                    }
                    _ => icmpv4::Message::EchoRequest { identifier, sequence }.prepend_to(&mut message),
                }
                message
            }
        }
    }

    fn protocol(self, v4: bool) -> u8 {
        match self {
            Failed::Segment { .. } => protocol::TCP,
            Failed::Datagram { .. } => protocol::UDP,
            Failed::Echo { .. } if v4 => protocol::ICMPV4,
            Failed::Echo { .. } => protocol::ICMPV6,
        }
    }
}

impl Stack {
    /// Refuses a call that waits for a decision by an ICMP error, as a router does that cannot forward its SYN.
    ///
    /// # Errors
    /// It waits no more.
    pub fn tcp_decide_unreachable(
        &mut self,
        now: Instant,
        request: &tcp::Request,
        why: Unreachable,
    ) -> Result<(), DecideError> {
        self.tcp.decide(now, request.id, Decision::Ignore)?;
        let (from, to) = (request.tuple.remote_address(), request.tuple.local_address());
        self.tell_unreachable(now, Failed::Segment { from, to, sequence: request.sequence.0 }, why, None);
        Ok(())
    }

    /// Tells the sender of a packet that this host took in for somebody else that it did not get there (RFC 792, RFC 4443 3), as far
    /// as ICMP errors may be sent just now. It is said in the name of `teller`, the host on the way that said so (RFC 5508 4.2); without
    /// one, that nobody listens is said in the name of whom it was for, and all else in our own. False if nothing was said.
    pub fn tell_unreachable(
        &mut self,
        now: Instant,
        failed: Failed<'_>,
        why: Unreachable,
        teller: Option<IpAddr>,
    ) -> bool {
        let (sender, meant) = failed.ends();
        let Some((interface, next_hop)) = self.route(sender, None) else { return false };
        if !self.icmp_limit.take(now) {
            self.counters.dropped.count(Dropped::IcmpRateLimit);
            return false;
        }
        let teller =
            teller.map(|teller| teller.to_canonical()).or((why == Unreachable::Port).then_some(meant));
        let told = match (sender, meant) {
            (IpAddr::V4(sender), IpAddr::V4(meant)) if is_host(sender) => {
                let own = self.source_on(interface, next_hop);
                let teller = teller.filter(|teller| matches!(teller, IpAddr::V4(teller) if is_host(*teller)));
                let Some(IpAddr::V4(teller)) = teller.or(own) else { return false };
                self.unreachable_v4(failed, (sender, meant), why, teller)
            }
            (IpAddr::V6(sender), IpAddr::V6(meant)) if !sender.is_multicast() => {
                let own = self.source_on_v6(interface, sender).map(IpAddr::V6);
                let teller =
                    teller.filter(|teller| matches!(teller, IpAddr::V6(teller) if is_host_v6(*teller)));
                let Some(IpAddr::V6(teller)) = teller.or(own) else { return false };
                self.unreachable_v6(interface, failed, (sender, meant), why, teller)
            }
            _ => return false,
        };
        self.counters.icmp.sent_errors += 1;
        self.queue_packet(now, interface, sender, told);
        true
    }

    fn unreachable_v4(
        &mut self,
        failed: Failed<'_>,
        (sender, meant): (Ipv4Addr, Ipv4Addr),
        why: Unreachable,
        teller: Ipv4Addr,
    ) -> Frame {
        let mut message = failed.message();
        ipv4::Header::new(sender, meant, failed.protocol(true)).prepend_to(&mut message);
        message.truncate(QUOTE);
        let unreachable = |code| icmpv4::Message::DestinationUnreachable { code, next_hop_mtu: 0 };
        let told = match why {
            Unreachable::Network => unreachable(icmpv4::NETWORK_UNREACHABLE),
            Unreachable::Host => unreachable(icmpv4::HOST_UNREACHABLE),
            Unreachable::Port => unreachable(icmpv4::PORT_UNREACHABLE),
            Unreachable::Prohibited => unreachable(icmpv4::ADMINISTRATIVELY_PROHIBITED),
            Unreachable::TimeExceeded => {
                icmpv4::Message::TimeExceeded { code: icmpv4::TIME_TO_LIVE_EXCEEDED }
            }
            Unreachable::TooLong { mtu } => icmpv4::Message::DestinationUnreachable {
                code: icmpv4::FRAGMENTATION_NEEDED,
                next_hop_mtu: u16::try_from(mtu).unwrap_or(u16::MAX),
            },
        };
        told.prepend_to(&mut message);
        ipv4::Header {
            dont_fragment: false,
            identification: self.identification.next(teller, sender, protocol::ICMPV4),
            time_to_live: self.config.time_to_live,
            ..ipv4::Header::new(teller, sender, protocol::ICMPV4)
        }
        .prepend_to(&mut message);
        message
    }

    fn unreachable_v6(
        &mut self,
        interface: InterfaceId,
        failed: Failed<'_>,
        (sender, meant): (Ipv6Addr, Ipv6Addr),
        why: Unreachable,
        teller: Ipv6Addr,
    ) -> Frame {
        let mut message = failed.message();
        ipv6::Header::new(sender, meant, failed.protocol(false)).prepend_to(&mut message);
        message.truncate(v6::QUOTE);
        let unreachable = |code| icmpv6::Message::DestinationUnreachable { code };
        let told = match why {
            Unreachable::Network => unreachable(icmpv6::NO_ROUTE),
            Unreachable::Host => unreachable(icmpv6::ADDRESS_UNREACHABLE),
            Unreachable::Port => unreachable(icmpv6::PORT_UNREACHABLE),
            Unreachable::Prohibited => unreachable(icmpv6::ADMINISTRATIVELY_PROHIBITED),
            Unreachable::TimeExceeded => icmpv6::Message::TimeExceeded { code: icmpv6::HOP_LIMIT_EXCEEDED },
            Unreachable::TooLong { mtu } => icmpv6::Message::PacketTooBig { mtu },
        };
        told.prepend_to(&mut message, teller, sender);
        self.prepend_v6(&mut message, interface, (teller, sender), protocol::ICMPV6, None);
        message
    }
}
