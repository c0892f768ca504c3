//! One neighbour: what is known of its hardware address, and what waits for it.

use alloc::collections::VecDeque;
use basis::{Frame, Instant, TimerId};
use core::net::IpAddr;
use wire::ethernet::MacAddress;

/// Bytes that a waiting packet costs beside its own.
const PACKET_COST: usize = size_of::<Frame>();

/// How much a neighbour's hardware address can be trusted (RFC 4861 7.3.2, with ARP in place of neighbour discovery).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NeighbourState {
    /// Asked for, not known yet.
    Incomplete,
    /// Confirmed not long ago.
    Reachable,
    /// Known, but not confirmed for long; asked again once it is used.
    Stale,
    /// In use while stale: soon asked again.
    Delay,
    /// Being asked again.
    Probe,
    /// Did not answer.
    Failed,
}

#[derive(Clone, Debug)]
pub(crate) struct Neighbour {
    pub(crate) address: IpAddr,
    pub(crate) hardware: MacAddress,
    pub(crate) state: NeighbourState,
    /// When the present state ends, if it does.
    pub(crate) deadline: Instant,
    /// Requests sent in the present state.
    pub(crate) asked: u8,
    /// Whether another station has claimed the address since the last answer: then all are asked.
    pub(crate) is_contested: bool,
    /// From when on such a claim may be a reason to ask again.
    pub(crate) contest: Instant,
    /// When it was last looked up or heard of by the slow way.
    pub(crate) used: Instant,
    pub(crate) timer: Option<TimerId>,
    waiting: VecDeque<Frame>,
    waiting_bytes: usize,
}

impl Neighbour {
    pub(crate) fn new(now: Instant, address: IpAddr) -> Neighbour {
        Neighbour {
            address,
            hardware: MacAddress::UNSPECIFIED,
            state: NeighbourState::Incomplete,
            deadline: now,
            asked: 0,
            is_contested: false,
            contest: now,
            used: now,
            timer: None,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
        }
    }

    pub(crate) fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
    }

    pub(crate) fn waiting_packets(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn push(&mut self, packet: Frame) {
        self.waiting_bytes += packet.len() + PACKET_COST;
        self.waiting.push_back(packet);
    }

    pub(crate) fn pop(&mut self) -> Option<Frame> {
        let packet = self.waiting.pop_front()?;
        self.waiting_bytes = self.waiting_bytes.saturating_sub(packet.len() + PACKET_COST);
        Some(packet)
    }

    pub(crate) fn take_waiting(&mut self) -> VecDeque<Frame> {
        self.waiting_bytes = 0;
        core::mem::take(&mut self.waiting)
    }

    /// How little would be lost with this entry; the least goes first.
    pub(crate) fn worth(&self, now: Instant) -> u8 {
        match self.state {
            NeighbourState::Failed => 0,
            NeighbourState::Stale => 1,
            NeighbourState::Reachable if self.deadline <= now => 1,
            NeighbourState::Incomplete => 2,
            NeighbourState::Delay | NeighbourState::Probe => 3,
            NeighbourState::Reachable => 4,
        }
    }
}
