//! Admission: a listener that is asked before a SYN is answered, so that a proxy can see first whether it reaches the destination.

use super::tcp_host::Host;
use crate::error::{AcceptError, DecideError};
use crate::event::{ListenerId, RequestId};
use crate::segment::FourTuple;
use basis::{Instant, Key};
use wire::tcp::Seq;

/// A SYN that waits for a decision.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Request {
    /// What [`Host::decide`] wants to hear.
    pub id: RequestId,
    /// Who calls whom.
    pub tuple: FourTuple,
    /// The SYN's sequence number, for an ICMP error that quotes it.
    pub sequence: Seq,
}

/// What becomes of a SYN.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    /// It is answered; once the handshake is done the connection waits to be accepted.
    Accept,
    /// A RST answers it: to the caller, nobody listens.
    Refuse,
    /// Nothing answers it. It is forgotten: when the caller repeats its SYN, that is a request of its own.
    Ignore,
}

impl Host {
    /// Whether each SYN to a listener waits for a decision, from now on. At first none does. A SYN that waits is half-open: the
    /// backlog bounds how many there are, and one that nobody decides on is dropped when it would have been answered for the last
    /// time (63 s by default). False if there is no such listener.
    pub fn set_admission(&mut self, listener: ListenerId, asks: bool) -> bool {
        self.listeners.get_mut(listener.0).map(|listener| listener.asks = asks).is_some()
    }

    /// Takes the next SYN that waits for a decision. [`crate::Event::Listener`] tells that there is one.
    ///
    /// # Errors
    /// None waits, or the listener was closed.
    pub fn poll_request(&mut self, listener: ListenerId) -> Result<Request, AcceptError> {
        let listener = self.listeners.get_mut(listener.0).ok_or(AcceptError::NotListening)?;
        while let Some(key) = listener.next_request() {
            if let Some(half_open) = self.half_open.slab.get(key) {
                let (id, sequence) = (RequestId(key), half_open.peer_initial);
                return Ok(Request { id, tuple: half_open.tuple, sequence });
            }
        }
        Err(AcceptError::WouldBlock)
    }

    /// Decides on a SYN.
    ///
    /// # Errors
    /// It waits no more: it was decided on, the caller gave up, it waited too long, or its listener was closed.
    pub fn decide(&mut self, now: Instant, id: RequestId, decision: Decision) -> Result<(), DecideError> {
        let waiting = self.half_open.slab.get(id.0).filter(|half_open| half_open.undecided);
        let half_open = waiting.ok_or(DecideError::NotWaiting)?;
        let (index, tuple, lane) = (id.0.index(), half_open.tuple, half_open.lane);
        let refusal = (decision == Decision::Refuse).then(|| half_open.refusal());
        let listening = self.listeners.get(half_open.listener).is_some();
        match decision {
            Decision::Accept if listening => {
                self.half_open.admit(index, now);
                self.queue_half_open(index);
                return Ok(());
            }
            _ => self.drop_half_open(index),
        }
        if let Some(refusal) = refusal {
            self.reply_reset(&tuple, lane, refusal);
        }
        if listening { Ok(()) } else { Err(DecideError::NotWaiting) }
    }

    /// A half-open connection is to be decided on.
    #[inline(never)]
    pub(super) fn ask(&mut self, listener: Key, index: u32) {
        let Some(half_open) = self.half_open.slab.key_at(index) else { return };
        let slab = &self.half_open.slab;
        if let Some(listener) = self.listeners.get_mut(listener) {
            listener.ask(half_open, |key| slab.get(key).is_some());
        }
        self.announce(listener);
    }
}
