//! The way in of a datagram (RFC 768, RFC 1122 4.1).

use super::input::header_first;
use super::state::Stack;
use crate::dropped::Dropped;
use crate::interface::InterfaceId;
use crate::shares::Sender;
use crate::udp::Delivery;
use basis::{Checksum, Frame, Instant};
use core::net::{IpAddr, SocketAddr};
use wire::ethernet::MacAddress;
use wire::icmpv4::{self, Message};
use wire::ipv4::Header;
use wire::udp;

impl Stack {
    /// A whole datagram for this host; `frame` begins with its IPv4 header.
    pub(super) fn on_udp(
        &mut self,
        now: Instant,
        id: InterfaceId,
        header: &Header,
        frame: &mut Frame,
        for_many: bool,
        station: Option<MacAddress>,
    ) -> Result<(), Dropped> {
        let behind = frame.first().get(header.header_length..).unwrap_or_default();
        let ports = udp::Header::parse(behind, header.payload_length()).map_err(Dropped::Malformed)?;
        let source = SocketAddr::new(IpAddr::V4(header.source), ports.source_port);
        let destination = SocketAddr::new(IpAddr::V4(header.destination), ports.destination_port);
        let group = for_many && header.destination.is_multicast();
        let found = if group {
            self.udp.find_joined(source, destination, id.number())
        } else {
            self.udp.find(source, destination, for_many)
        };
        let Some(socket) = found else {
            verify_udp(frame.clone(), header)?;
            let code = icmpv4::PORT_UNREACHABLE;
            let message = Message::DestinationUnreachable { code, next_hop_mtu: 0 };
            self.send_error(now, id, header, frame, for_many, message);
            return Err(Dropped::UdpNoSocket);
        };
        frame.strip(header.header_length);
        frame.truncate(ports.length);
        if frame.checksum != Checksum::Verified {
            udp::verify(source.ip(), destination.ip(), header_first(frame)).map_err(Dropped::Malformed)?;
        }
        frame.strip(udp::HEADER_LENGTH);
        let Header { time_to_live, dont_fragment, .. } = *header;
        let sender = Sender::new(station, source.ip());
        let delivery = Delivery { from: source, to: destination, sender, time_to_live, dont_fragment };
        if group {
            self.udp.share_with_group(socket, delivery, id.number(), frame);
        }
        self.udp.deliver(socket, delivery, frame)?;
        self.counters.udp.received += 1;
        Ok(())
    }
}

fn verify_udp(mut datagram: Frame, header: &Header) -> Result<(), Dropped> {
    if datagram.checksum == Checksum::Verified {
        return Ok(());
    }
    datagram.strip(header.header_length);
    let (source, destination) = (IpAddr::V4(header.source), IpAddr::V4(header.destination));
    udp::verify(source, destination, header_first(&datagram)).map_err(Dropped::Malformed)
}
