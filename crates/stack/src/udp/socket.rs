//! One UDP socket: what it is bound to, what has arrived, what has failed.

use super::readiness::UdpReadiness;
use crate::error::ReceiveError;
use alloc::collections::VecDeque;
use basis::Frame;
use bytes::Bytes;
use core::net::{IpAddr, SocketAddr};
use tcp::IcmpError;

/// Bytes that a datagram costs beside its memory, so that empty ones are bounded too.
const DATAGRAM_COST: usize = 128;

#[derive(Clone, Debug)]
struct Datagram {
    from: SocketAddr,
    payload: Bytes,
    cost: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Socket {
    /// What it is found by.
    pub(crate) bound: SocketAddr,
    /// The local address once it is connected; else the one it is bound to.
    pub(crate) local: IpAddr,
    pub(crate) remote: Option<SocketAddr>,
    pub(crate) broadcast: bool,
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
}

impl Socket {
    pub(crate) fn new(bound: SocketAddr) -> Socket {
        Socket {
            bound,
            local: bound.ip(),
            remote: None,
            broadcast: false,
            time_to_live: None,
            error: None,
            untold: UdpReadiness::NONE,
            unsent: 0,
            blocked: false,
            received: VecDeque::new(),
            received_cost: 0,
        }
    }

    pub(crate) fn local(&self) -> SocketAddr {
        SocketAddr::new(self.local, self.bound.port())
    }

    /// Whether a datagram from `source` to our address `destination` is for this socket.
    pub(crate) fn takes(&self, source: SocketAddr, destination: IpAddr) -> bool {
        match self.remote {
            Some(remote) => remote == source && self.local == destination,
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
    pub(crate) fn push(&mut self, from: SocketAddr, payload: &mut Frame, most: usize) -> bool {
        if self.received_cost >= most {
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
        self.received.push_back(Datagram { from, payload: bytes, cost });
        true
    }

    /// Copies the next datagram's beginning: bytes copied, bytes it had, its sender.
    pub(crate) fn receive(
        &mut self,
        buffer: &mut [u8],
        peek: bool,
    ) -> Result<(usize, usize, SocketAddr), ReceiveError> {
        if let Some(error) = self.error.take() {
            return Err(ReceiveError::Failed(error));
        }
        let Some(datagram) = self.received.front() else { return Err(ReceiveError::WouldBlock) };
        let copied = buffer.len().min(datagram.payload.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..copied), datagram.payload.get(..copied)) {
            to.copy_from_slice(from);
        }
        let result = (copied, datagram.payload.len(), datagram.from);
        if !peek {
            self.received_cost = self.received_cost.saturating_sub(datagram.cost);
            self.received.pop_front();
        }
        Ok(result)
    }
}
