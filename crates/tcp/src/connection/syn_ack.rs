//! The SYN-ACK of a connection that is open already, because its SYN proved its sender (RFC 7413 4.2): what is left to do until the
//! peer acknowledges it.

use crate::receive::timestamps::clock;
use crate::segment::FourTuple;
use crate::timers::INITIAL_TIMEOUT;
use basis::{Frame, Instant};
use core::time::Duration;
use wire::tcp::{Flags, Header, Options, Seq, Timestamps};

/// What is sent, and when again.
#[derive(Clone, Debug)]
pub(crate) struct SynAck {
    pub(crate) initial: Seq,      // ISS
    pub(crate) peer_initial: Seq, // IRS
    pub(crate) flags: Flags,
    /// With the peer's timestamp, if timestamps are on.
    pub(crate) options: Options,
    pub(crate) timestamp_offset: u32,
    pub(crate) window: u16,
    first_sent: Instant,
    deadline: Instant,
    retries: u8,
    due: bool,
}

impl SynAck {
    pub(crate) fn new(
        initial: Seq,
        peer_initial: Seq,
        (flags, options): (Flags, Options),
        timestamp_offset: u32,
        window: u16,
        now: Instant,
    ) -> SynAck {
        let deadline = now + INITIAL_TIMEOUT;
        SynAck {
            initial,
            peer_initial,
            flags,
            options,
            timestamp_offset,
            window,
            first_sent: now,
            deadline,
            retries: 0,
            due: true,
        }
    }

    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    pub(super) fn is_due(&self) -> bool {
        self.due
    }

    /// The peer has repeated its SYN: the answer was lost. Nothing tells a round-trip time any more (Karn).
    pub(super) fn repeat(&mut self) {
        (self.due, self.retries) = (true, self.retries.max(1));
    }

    /// The retransmission timer expired. Returns false if that has happened `most` times.
    pub(super) fn on_expired(&mut self, most: u8, now: Instant) -> bool {
        if now < self.deadline {
            return true;
        }
        if self.retries >= most {
            return false;
        }
        self.retries += 1;
        self.due = true;
        self.deadline = now + INITIAL_TIMEOUT.saturating_mul(1 << self.retries.min(6));
        true
    }

    /// The time since it was sent, if that was once.
    pub(super) fn round_trip(&self, now: Instant) -> Option<Duration> {
        (self.retries == 0).then(|| now - self.first_sent)
    }

    /// Lays it into `frame`, acknowledging all before `next`.
    pub(super) fn transmit(&mut self, frame: &mut Frame, tuple: &FourTuple, next: Seq, now: Instant) {
        self.due = false;
        let value = clock(self.timestamp_offset, now);
        let timestamps = self.options.timestamps.map(|timestamps| Timestamps { value, ..timestamps });
        let header = Header {
            source_port: tuple.local_port,
            destination_port: tuple.remote_port,
            sequence: self.initial,
            acknowledgment: next,
            flags: self.flags,
            window: self.window,
            urgent: 0,
            options: Options { timestamps, ..self.options.clone() },
        };
        header.prepend_to(frame, tuple.local, tuple.remote);
    }
}
