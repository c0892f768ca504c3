//! The ICMPv6 errors that this host sends (RFC 4443 2.4).

use super::input::Arrival;
use crate::dropped::Dropped;
use crate::stack::state::Stack;
use basis::Frame;
use bytes::Bytes;
use core::net::{IpAddr, Ipv6Addr};
use wire::icmpv6::{HEADER_LENGTH, HOP_LIMIT_EXCEEDED, Message};
use wire::ipv6::extension::behind_all;
use wire::ipv6::{self, Header, MINIMUM_MTU};
use wire::protocol;

/// Bytes of a packet that an error quotes: as many as fit without exceeding what every link carries (RFC 4443 2.4 c).
pub(crate) const QUOTE: usize = MINIMUM_MTU - ipv6::HEADER_LENGTH - HEADER_LENGTH;

impl Stack {
    /// Sends an error about `packet`, which begins with its header, if one may be sent. `even_to_group`: it may be about a packet
    /// to a group.
    #[cold]
    pub(crate) fn send_error_v6(
        &mut self,
        arrival: &Arrival,
        packet: &Frame,
        message: Message,
        even_to_group: bool,
    ) {
        let Arrival { now, interface, header, group, .. } = *arrival;
        // RFC 4443 2.4 e; a source that is a group was dropped on arrival.
        if header.source.is_unspecified() || group && !even_to_group || is_error(packet, &header) {
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
        // A router that ends a packet's way says so itself.
        let on_the_way = message == Message::TimeExceeded { code: HOP_LIMIT_EXCEEDED };
        let from = (!group && !on_the_way).then_some(header.destination);
        let Some(source) = from.or_else(|| self.source_on_v6(interface, header.source)) else { return };
        self.counters.icmp.sent_errors += 1;
        message.prepend_to(&mut error, source, header.source);
        self.answer_v6(arrival, source, error);
    }

    /// Sends an ICMPv6 message from `source` back to where a packet came from.
    pub(crate) fn answer_v6(&mut self, arrival: &Arrival, source: Ipv6Addr, mut message: Frame) {
        let destination = arrival.header.source;
        let hop_limit = self.hop_limit(arrival.interface);
        Header { hop_limit, ..Header::new(source, destination, protocol::ICMPV6) }.prepend_to(&mut message);
        self.queue_packet(arrival.now, arrival.interface, IpAddr::V6(destination), message);
    }
}

/// Whether `packet` is itself an ICMPv6 error or a redirect, also behind headers that are refused.
fn is_error(packet: &Frame, header: &Header) -> bool {
    let Some((protocol, offset)) = behind_all(packet.first(), header) else { return false };
    let kind = packet_byte(packet, offset);
    protocol == protocol::ICMPV6 && kind.is_none_or(|kind| kind < 128 || kind == wire::ndp::REDIRECT)
}

/// The byte at `at`, in whichever part it lies.
fn packet_byte(packet: &Frame, at: usize) -> Option<u8> {
    let [head, body] = packet.parts();
    head.get(at).or_else(|| body.get(at.checked_sub(head.len())?)).copied()
}
