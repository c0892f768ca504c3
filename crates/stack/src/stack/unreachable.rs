//! What became of a packet for a stranger: an owner that carries such packets on tells their senders.

use super::routing::is_host;
use super::state::Stack;
use crate::dropped::Dropped;
use crate::interface::InterfaceId;
use basis::{Frame, Instant};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use tcp::{DecideError, Decision};
use wire::{icmpv4, icmpv6, ipv4, ipv6, protocol};

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
}

/// A packet that an ICMP error is about: who sent it to whom, and what makes its sender know it again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failed {
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
        /// Bytes of its payload.
        length: u16,
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
    },
}

impl Failed {
    fn ends(self) -> (IpAddr, IpAddr) {
        match self {
            Failed::Segment { from, to, .. } | Failed::Datagram { from, to, .. } => {
                (from.ip().to_canonical(), to.ip().to_canonical())
            }
            Failed::Echo { from, to, .. } => (from.to_canonical(), to.to_canonical()),
        }
    }

    /// The first 64 bits behind the IP header: what RFC 792 wants quoted at least, and its sender finds the socket by.
    fn beginning(self) -> [u8; 8] {
        let halves = |a: u16, b: u16, c: u16, d: u16| {
            let ([a, b], [c, d], [e, f], [g, h]) =
                (a.to_be_bytes(), b.to_be_bytes(), c.to_be_bytes(), d.to_be_bytes());
            [a, b, c, d, e, f, g, h]
        };
        match self {
            Failed::Segment { from, to, sequence } => {
                halves(from.port(), to.port(), (sequence >> 16) as u16, sequence as u16)
            }
            Failed::Datagram { from, to, length } => {
                halves(from.port(), to.port(), length.saturating_add(wire::udp::HEADER_LENGTH as u16), 0)
            }
            Failed::Echo { from, identifier, sequence, .. } => {
                let kind = if from.to_canonical().is_ipv4() { ECHO_REQUEST } else { ECHO_REQUEST_V6 };
                halves(kind << 8, 0, identifier, sequence)
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

/// The types of RFC 792 and RFC 4443 4.1.
const ECHO_REQUEST: u16 = 8;
const ECHO_REQUEST_V6: u16 = 128;

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
        self.tell_unreachable(now, Failed::Segment { from, to, sequence: request.sequence.0 }, why);
        Ok(())
    }

    /// Tells the sender of a packet that this host took in for somebody else that it did not get there (RFC 792, RFC 4443 3.1), as far
    /// as ICMP errors may be sent just now. That nobody listens is said in the name of whom it was for, all else in our own.
    /// False if nothing was said.
    pub fn tell_unreachable(&mut self, now: Instant, failed: Failed, why: Unreachable) -> bool {
        let (sender, meant) = failed.ends();
        let Some((interface, next_hop)) = self.route(sender, None) else { return false };
        if !self.icmp_limit.take(now) {
            self.counters.dropped.count(Dropped::IcmpRateLimit);
            return false;
        }
        let told = match (sender, meant) {
            (IpAddr::V4(sender), IpAddr::V4(meant)) if is_host(sender) => {
                self.unreachable_v4((interface, next_hop), failed, (sender, meant), why)
            }
            (IpAddr::V6(sender), IpAddr::V6(meant)) if !sender.is_multicast() => {
                self.unreachable_v6(interface, failed, (sender, meant), why)
            }
            _ => return false,
        };
        self.counters.icmp.sent_errors += 1;
        self.queue_packet(now, interface, sender, told);
        true
    }

    fn unreachable_v4(
        &mut self,
        (interface, next_hop): (InterfaceId, IpAddr),
        failed: Failed,
        (sender, meant): (Ipv4Addr, Ipv4Addr),
        why: Unreachable,
    ) -> Frame {
        let mut message = Frame::copy_of(&failed.beginning());
        ipv4::Header::new(sender, meant, failed.protocol(true)).prepend_to(&mut message);
        let code = match why {
            Unreachable::Network => icmpv4::NETWORK_UNREACHABLE,
            Unreachable::Host => icmpv4::HOST_UNREACHABLE,
            Unreachable::Port => icmpv4::PORT_UNREACHABLE,
            Unreachable::Prohibited => icmpv4::ADMINISTRATIVELY_PROHIBITED,
        };
        icmpv4::Message::DestinationUnreachable { code, next_hop_mtu: 0 }.prepend_to(&mut message);
        let source = match self.source_on(interface, next_hop) {
            Some(IpAddr::V4(own)) if why != Unreachable::Port => own,
            _ => meant,
        };
        ipv4::Header {
            dont_fragment: false,
            identification: self.identification.next(source, sender, protocol::ICMPV4),
            time_to_live: self.config.time_to_live,
            ..ipv4::Header::new(source, sender, protocol::ICMPV4)
        }
        .prepend_to(&mut message);
        message
    }

    fn unreachable_v6(
        &mut self,
        interface: InterfaceId,
        failed: Failed,
        (sender, meant): (Ipv6Addr, Ipv6Addr),
        why: Unreachable,
    ) -> Frame {
        let mut message = Frame::copy_of(&failed.beginning());
        ipv6::Header::new(sender, meant, failed.protocol(false)).prepend_to(&mut message);
        let code = match why {
            Unreachable::Network => icmpv6::NO_ROUTE,
            Unreachable::Host => icmpv6::ADDRESS_UNREACHABLE,
            Unreachable::Port => icmpv6::PORT_UNREACHABLE,
            Unreachable::Prohibited => icmpv6::ADMINISTRATIVELY_PROHIBITED,
        };
        let source = match self.source_on_v6(interface, sender) {
            Some(own) if why != Unreachable::Port => own,
            _ => meant,
        };
        icmpv6::Message::DestinationUnreachable { code }.prepend_to(&mut message, source, sender);
        self.prepend_v6(&mut message, interface, (source, sender), protocol::ICMPV6, None);
        message
    }
}
