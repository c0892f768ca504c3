//! The verbs of echo sockets.

use super::routing::NoWay;
use super::state::Stack;
use super::way::Way;
use crate::dropped::Dropped;
use crate::error::{BindError, OpenError, SendError};
use crate::icmp::foreign::EchoRequest;
use crate::icmp::ping::{PingId, PingReply};
use crate::interface::{Owner, Waiting};
use crate::payload::frame_with;
use crate::shares::Sender;
use basis::{Frame, Instant};
use core::net::{IpAddr, SocketAddr};
use wire::ethernet::MacAddress;
use wire::icmpv4::{self, Message};
use wire::{icmpv6, ipv4, protocol};

/// Bytes of the longest payload.
const MAXIMUM_PAYLOAD: usize = ipv4::MAXIMUM_LENGTH - ipv4::HEADER_LENGTH - icmpv4::HEADER_LENGTH;

impl Stack {
    /// An echo socket with an identifier of its own.
    ///
    /// # Errors
    /// When there are too many.
    pub fn ping_open(&mut self) -> Result<PingId, OpenError> {
        self.ping.open(&mut self.random)
    }

    /// An echo socket that also has the echo requests for strangers that interfaces intercept ([`Stack::set_interception`]); as many
    /// wait as replies may, and whoever has the fewest there takes the place of who has the most. Without such a socket they are dropped.
    ///
    /// # Errors
    /// When another has them, or there are too many sockets.
    pub fn ping_open_any(&mut self) -> Result<PingId, BindError> {
        let id = self.ping_open().map_err(|OpenError::TooManySockets| BindError::TooManySockets)?;
        self.ping.take_foreign(id).inspect_err(|_| self.ping.close(id))?;
        Ok(id)
    }

    /// An echo request for a stranger has come.
    #[cold]
    pub(crate) fn on_foreign_echo(
        &mut self,
        station: Option<MacAddress>,
        request: EchoRequest,
    ) -> Result<(), Dropped> {
        let sender = Sender::new(station, request.from);
        if let Some(displaced) = self.ping.on_foreign(sender, request)? {
            self.note_dropped(displaced);
        }
        Ok(())
    }

    /// Takes the next echo request for a stranger.
    pub fn ping_receive_foreign(&mut self, id: PingId) -> Option<EchoRequest> {
        self.ping.receive_foreign(id)
    }

    /// Answers an echo request in the name of whom it was for, with this payload.
    ///
    /// # Errors
    /// When it cannot be sent; [`SendError::WouldBlock`] if as much waits as may.
    pub fn ping_answer(
        &mut self,
        id: PingId,
        request: &EchoRequest,
        payload: &[u8],
    ) -> Result<(), SendError> {
        let EchoRequest { from, to, identifier, sequence, .. } = *request;
        self.ping_room(id, payload)?;
        let way = self.way_as(SocketAddr::new(from, 0), Some(to)).map_err(no_way)?;
        let mut packet = frame_with(&mut self.pool, payload);
        match (way.source, from.to_canonical()) {
            (IpAddr::V4(_), IpAddr::V4(_)) => {
                Message::EchoReply { identifier, sequence }.prepend_to(&mut packet);
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                let reply = icmpv6::Message::EchoReply { identifier, sequence };
                reply.prepend_to(&mut packet, source, destination);
            }
            _ => return Err(SendError::InvalidDestination),
        }
        self.queue_echo(id, way, from.to_canonical(), packet, None)
    }

    /// Sends an echo request; `ttl` is its time to live in hops, if not the usual one.
    ///
    /// # Errors
    /// When it cannot be sent; [`SendError::WouldBlock`] if as much waits as may.
    pub fn ping_send(
        &mut self,
        _now: Instant,
        id: PingId,
        to: IpAddr,
        sequence: u16,
        payload: &[u8],
        ttl: Option<u8>,
    ) -> Result<(), SendError> {
        let identifier = self.ping_room(id, payload)?;
        if self.is_broadcast(to) {
            return Err(SendError::BroadcastNotAllowed);
        }
        let way = self.way_to(to.to_canonical(), None).map_err(no_way)?;
        let mut packet = frame_with(&mut self.pool, payload);
        match (way.source, to.to_canonical()) {
            (IpAddr::V4(_), IpAddr::V4(_)) => {
                Message::EchoRequest { identifier, sequence }.prepend_to(&mut packet);
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                let request = icmpv6::Message::EchoRequest { identifier, sequence };
                request.prepend_to(&mut packet, source, destination);
            }
            _ => return Err(SendError::InvalidDestination),
        }
        self.queue_echo(id, way, to.to_canonical(), packet, ttl)
    }

    /// The identifier of a socket that has room for a message with this payload.
    fn ping_room(&mut self, id: PingId, payload: &[u8]) -> Result<u16, SendError> {
        let send_buffer = self.ping.config.send_buffer;
        let socket = self.ping.get_mut(id).ok_or(SendError::NoSuchSocket)?;
        if payload.len() > MAXIMUM_PAYLOAD {
            return Err(SendError::TooLong);
        }
        if socket.unsent >= send_buffer {
            socket.blocked = true;
            return Err(SendError::WouldBlock);
        }
        Ok(socket.identifier)
    }

    /// An echo message leaves, once it has its IP header.
    fn queue_echo(
        &mut self,
        id: PingId,
        way: Way,
        to: IpAddr,
        mut packet: Frame,
        ttl: Option<u8>,
    ) -> Result<(), SendError> {
        match (way.source, to) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => ipv4::Header {
                dont_fragment: false,
                identification: self.identification.next(source, destination, protocol::ICMPV4),
                time_to_live: ttl.unwrap_or(self.config.time_to_live).max(1),
                ..ipv4::Header::new(source, destination, protocol::ICMPV4)
            }
            .prepend_to(&mut packet),
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                let hop_limit = ttl.map(|ttl| ttl.max(1));
                let ends = (source, destination);
                self.prepend_v6(&mut packet, way.interface, ends, protocol::ICMPV6, hop_limit);
            }
            _ => return Err(SendError::InvalidDestination),
        }
        let cost = Owner::cost(&packet);
        let waiting = Waiting { owner: Owner::Ping(id), next_hop: way.next_hop, packet };
        let interface = self.interfaces.get_mut(way.interface.index()).ok_or(SendError::NoRoute)?;
        if !interface.push_waiting(waiting) {
            self.counters.dropped.count(Dropped::OutputQueueFull);
        } else if let Some(socket) = self.ping.get_mut(id) {
            socket.unsent += cost;
        }
        Ok(())
    }

    /// Takes the next answer, or word that there will be none.
    pub fn ping_receive(&mut self, id: PingId) -> Option<PingReply> {
        self.ping.receive(id)
    }

    /// Closes an echo socket.
    pub fn ping_close(&mut self, id: PingId) {
        self.ping.close(id);
    }
}

fn no_way(reason: NoWay) -> SendError {
    match reason {
        NoWay::Route => SendError::NoRoute,
        NoWay::Source => SendError::AddressNotAvailable,
    }
}
