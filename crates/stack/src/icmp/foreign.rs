//! Echo requests that are for others: taken in by an interface that intercepts, answered by whoever asked for them.

use crate::dropped::Dropped;
use alloc::collections::VecDeque;
use bytes::Bytes;
use core::net::IpAddr;

/// An echo request to somebody else.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EchoRequest {
    /// Who asks.
    pub from: IpAddr,
    /// Who is asked.
    pub to: IpAddr,
    /// The asker's identifier.
    pub identifier: u16,
    /// The request's number.
    pub sequence: u16,
    /// Hops that the request could still have gone.
    pub time_to_live: u8,
    /// Whether its sender wanted it whole or not at all: by its bit in IPv4, by not having cut it in IPv6.
    pub dont_fragment: bool,
    /// What is to be sent back.
    pub payload: Bytes,
}

/// The requests for others that wait.
#[derive(Clone, Debug, Default)]
pub(super) struct Foreign {
    waiting: VecDeque<EchoRequest>,
}

impl Foreign {
    /// One more, unless `most` wait.
    pub(super) fn push(&mut self, request: EchoRequest, most: usize) -> Result<(), Dropped> {
        if self.waiting.len() >= most {
            return Err(Dropped::PingQueueFull);
        }
        self.waiting.push_back(request);
        Ok(())
    }

    pub(super) fn pop(&mut self) -> Option<EchoRequest> {
        self.waiting.pop_front()
    }
}
