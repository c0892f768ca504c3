//! ICMPv6 as it arrives (RFC 4443).

use super::input::Arrival;
use crate::dropped::Dropped;
use crate::icmp::foreign::EchoRequest;
use crate::icmp::meaning::{error_of_v6, ping_kind_v6};
use crate::icmp::ping::{PingKind, PingReply};
use crate::stack::state::Stack;
use basis::{Checksum, Frame};
use bytes::Bytes;
use core::net::IpAddr;
use wire::icmpv6::{self, Message};
use wire::ipv6::extension::Chain;
use wire::{mld, ndp};

impl Stack {
    pub(crate) fn on_icmpv6(
        &mut self,
        arrival: Arrival,
        chain: &Chain,
        frame: &mut Frame,
    ) -> Result<(), Dropped> {
        let header = arrival.header;
        frame.strip(chain.offset);
        if frame.checksum != Checksum::Verified {
            icmpv6::verify(header.source, header.destination, frame.parts()).map_err(Dropped::Malformed)?;
        }
        let (message, length) = Message::parse(frame.first()).map_err(Dropped::Malformed)?;
        self.counters.icmp.received += 1;
        let foreign = !arrival.group && !self.is_own(IpAddr::V6(header.destination));
        match message {
            // What goes to an address that is nobody's here is about a packet from there, or for nobody.
            Message::EchoReply { .. } | Message::Other { .. } if foreign => Err(Dropped::OtherHost),
            Message::Other { kind: ndp::ROUTER_SOLICITATION..=ndp::REDIRECT, .. } => {
                self.on_discovery(arrival, &frame.to_vec())
            }
            Message::Other { kind: mld::QUERY, .. } => self.on_mld_query(arrival, &frame.to_vec()),
            _ if header.source.is_unspecified() => Err(Dropped::MartianSource),
            Message::EchoRequest { identifier, sequence } if foreign => {
                frame.strip(length);
                let request = EchoRequest {
                    from: IpAddr::V6(header.source),
                    to: IpAddr::V6(header.destination),
                    identifier,
                    sequence,
                    time_to_live: header.hop_limit,
                    dont_fragment: !arrival.reassembled,
                    payload: Bytes::from(frame.to_vec()),
                };
                self.on_foreign_echo(arrival.station, request)
            }
            Message::EchoRequest { identifier, sequence } => {
                // RFC 4443 4.2 lets a request to a group be answered, which serves only to multiply traffic.
                if arrival.group {
                    return Err(Dropped::IcmpIgnored);
                }
                self.counters.icmp.echoes_answered += 1;
                let mut reply = core::mem::take(frame);
                reply.strip(length);
                reply.checksum = Checksum::Complete;
                let source = header.destination;
                Message::EchoReply { identifier, sequence }.prepend_to(&mut reply, source, header.source);
                self.answer_v6(&arrival, source, reply);
                Ok(())
            }
            Message::EchoReply { identifier, sequence } => {
                let bytes = frame.len();
                frame.strip(length);
                let reply = PingReply {
                    kind: PingKind::Reply,
                    from: IpAddr::V6(header.source),
                    sequence,
                    ttl: header.hop_limit,
                    bytes,
                    payload: Bytes::from(frame.to_vec()),
                    at: arrival.now,
                };
                self.ping.deliver(identifier, reply)?;
                self.counters.icmp.echo_replies += 1;
                Ok(())
            }
            message => self.on_error_v6(&arrival, &message, frame, length),
        }
    }

    /// An error about a packet of ours, which it quotes.
    fn on_error_v6(
        &mut self,
        arrival: &Arrival,
        message: &Message,
        frame: &mut Frame,
        length: usize,
    ) -> Result<(), Dropped> {
        let Some(error) = error_of_v6(message) else { return Err(Dropped::IcmpIgnored) };
        let bytes = frame.len();
        frame.strip(length);
        let quoted = icmpv6::quoted(frame.first()).map_err(Dropped::Malformed)?;
        let from = (IpAddr::V6(arrival.header.source), arrival.header.hop_limit, bytes);
        self.on_failure(arrival.now, from, &quoted, error, ping_kind_v6(message))?;
        self.counters.icmp.received_errors += 1;
        Ok(())
    }
}
