//! One UDP socket: what it is bound to, what has arrived, what has failed.

use super::readiness::UdpReadiness;
use crate::error::ReceiveError;
use crate::shares::{Sender, Shares};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use basis::Frame;
use bytes::Bytes;
use core::net::{IpAddr, SocketAddr};
use tcp::IcmpError;

/// Bytes that a datagram costs beside its memory, so that empty ones are bounded too.
const DATAGRAM_COST: usize = 128;

/// Stands for every port; no datagram names it.
pub(crate) const EVERY_PORT: u16 = 0;

/// How a datagram came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Delivery {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    /// Whom it is charged to where what is for everybody waits.
    pub(crate) sender: Sender,
    /// Hops that it could still have gone.
    pub(crate) time_to_live: u8,
    /// Whether nobody on its way might cut it.
    pub(crate) dont_fragment: bool,
}

#[derive(Clone, Debug)]
struct Datagram {
    delivery: Delivery,
    payload: Bytes,
    cost: usize,
}

/// A datagram that was taken out of its socket's queue, or looked at there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Received {
    /// Bytes that were copied.
    pub copied: usize,
    /// Bytes that it had.
    pub length: usize,
    /// Its sender.
    pub from: SocketAddr,
    /// The address and port that it was sent to.
    pub to: SocketAddr,
    /// Hops that it could still have gone (IP_RECVTTL).
    pub time_to_live: u8,
    /// Whether its sender wanted it whole or not at all: by its bit in IPv4, by not having cut it in IPv6.
    pub dont_fragment: bool,
}

/// What a socket has to do with groups.
#[derive(Clone, Debug)]
pub(crate) struct Multicast {
    /// The groups it has joined, each on the interface with this number.
    pub(crate) groups: Vec<(u8, IpAddr)>,
    /// Whether what it sends to groups comes back to this host's own listeners, by family.
    pub(crate) comes_back_v4: bool,
    pub(crate) comes_back_v6: bool,
    /// Hops that IPv4 datagrams to groups may go.
    pub(crate) time_to_live: u8,
}

impl Default for Multicast {
    fn default() -> Multicast {
        // RFC 1112 6.1: what goes to a group stays on the link, unless its owner says otherwise.
        Multicast { groups: Vec::new(), comes_back_v4: true, comes_back_v6: true, time_to_live: 1 }
    }
}

/// Whether two addresses name the same port of the same host; a zone that is not told counts as the same (RFC 4007 6).
pub(crate) fn is_same(one: SocketAddr, other: SocketAddr) -> bool {
    let zone = |address: SocketAddr| match address {
        SocketAddr::V4(_) => 0,
        SocketAddr::V6(address) => address.scope_id(),
    };
    let same_zone = zone(one) == zone(other) || zone(one) == 0 || zone(other) == 0;
    one.ip() == other.ip() && one.port() == other.port() && same_zone
}

#[derive(Clone, Debug)]
pub(crate) struct Socket {
    /// What it is found by.
    pub(crate) bound: SocketAddr,
    /// The local address once it is connected; else the one it is bound to.
    pub(crate) local: IpAddr,
    pub(crate) remote: Option<SocketAddr>,
    pub(crate) broadcast: bool,
    /// Whether a socket on every IPv6 address has every IPv4 address, too.
    pub(crate) dual: bool,
    /// Whether others that do so, too, may have the same address and port.
    pub(crate) shares: bool,
    pub(crate) multicast: Multicast,
    pub(crate) time_to_live: Option<u8>,
    pub(crate) error: Option<IcmpError>,
    /// Readiness that the owner was not told of yet.
    pub(crate) untold: UdpReadiness,
    /// Bytes of memory that its unsent datagrams hold.
    pub(crate) unsent: usize,
    /// Whether somebody was refused for want of room.
    pub(crate) blocked: bool,
    received: VecDeque<Datagram>,
    received_cost: usize,
    /// Of what came for everybody, how much is whose.
    senders: Option<Box<Shares>>,
}

impl Socket {
    pub(crate) fn new(bound: SocketAddr, dual: bool) -> Socket {
        Socket {
            bound,
            local: bound.ip(),
            remote: None,
            broadcast: false,
            dual,
            shares: false,
            multicast: Multicast::default(),
            time_to_live: None,
            error: None,
            untold: UdpReadiness::NONE,
            unsent: 0,
            blocked: false,
            received: VecDeque::new(),
            received_cost: 0,
            senders: (bound.port() == EVERY_PORT).then(Box::default),
        }
    }

    pub(crate) fn local(&self) -> SocketAddr {
        SocketAddr::new(self.local, self.bound.port())
    }

    /// Where a datagram comes from that is to be sent from `from`, if it can be: the socket has that address.
    pub(crate) fn sends_from(&self, from: SocketAddr) -> Option<SocketAddr> {
        let from = SocketAddr::new(from.ip().to_canonical(), from.port());
        let port = match self.bound.port() {
            EVERY_PORT => from.port(),
            bound => bound,
        };
        if from.ip().is_multicast() || from.ip().is_unspecified() {
            return None;
        }
        let here = self.local.is_unspecified() && self.speaks(from.ip()) || self.local == from.ip();
        (here && port == from.port() && port != EVERY_PORT).then_some(from)
    }

    /// Whether it can have anything to do with addresses of the family of `address`.
    pub(crate) fn speaks(&self, address: IpAddr) -> bool {
        self.dual || self.bound.is_ipv4() == address.is_ipv4()
    }

    /// Whether a datagram from `source` to our address `destination` is for this socket.
    pub(crate) fn takes(&self, source: SocketAddr, destination: IpAddr) -> bool {
        match self.remote {
            Some(remote) => is_same(remote, source) && self.local == destination,
            None => true,
        }
    }

    pub(crate) fn readiness(&self, send_buffer: usize) -> UdpReadiness {
        let mut readiness = UdpReadiness::NONE;
        if !self.received.is_empty() || self.error.is_some() {
            readiness |= UdpReadiness::READABLE;
        }
        if self.unsent < send_buffer || self.error.is_some() {
            readiness |= UdpReadiness::WRITABLE;
        }
        if self.error.is_some() {
            readiness |= UdpReadiness::FAILED;
        }
        readiness
    }

    /// Queues what `payload` holds; false if more than `most` bytes of memory wait already.
    pub(crate) fn push(&mut self, delivery: Delivery, payload: &mut Frame, most: usize) -> bool {
        let (sender, free) = (delivery.sender, most.saturating_sub(self.received_cost));
        if free == 0 || self.senders.as_ref().is_some_and(|senders| !senders.admits(sender, free)) {
            return false;
        }
        let length = payload.len();
        // Memory much larger than what lies in it is not kept; nor can a payload in two parts be.
        let (bytes, memory) = if payload.body().len() == length && payload.memory() <= 4 * length {
            let memory = payload.memory();
            (payload.take_body(), memory)
        } else {
            (Bytes::from(payload.to_vec()), length)
        };
        let cost = memory + DATAGRAM_COST;
        self.received_cost += cost;
        if let Some(senders) = &mut self.senders {
            senders.add(sender, cost);
        }
        self.received.push_back(Datagram { delivery, payload: bytes, cost });
        true
    }

    /// Copies the next datagram's beginning.
    pub(crate) fn receive(&mut self, buffer: &mut [u8], peek: bool) -> Result<Received, ReceiveError> {
        if let Some(error) = self.error.take() {
            return Err(ReceiveError::Failed(error));
        }
        let Some(datagram) = self.received.front() else { return Err(ReceiveError::WouldBlock) };
        let copied = buffer.len().min(datagram.payload.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..copied), datagram.payload.get(..copied)) {
            to.copy_from_slice(from);
        }
        let Delivery { from, to, sender, time_to_live, dont_fragment } = datagram.delivery;
        let length = datagram.payload.len();
        let received = Received { copied, length, from, to, time_to_live, dont_fragment };
        if !peek {
            self.received_cost = self.received_cost.saturating_sub(datagram.cost);
            if let Some(senders) = &mut self.senders {
                senders.remove(sender, datagram.cost);
            }
            self.received.pop_front();
        }
        Ok(received)
    }
}
