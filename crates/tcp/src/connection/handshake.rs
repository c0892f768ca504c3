//! The active opener's way from SYN-SENT, or SYN-RECEIVED after a simultaneous open, to an open connection
//! (RFC 9293 3.5 and 3.10.7.3).

use super::established::Established;
use super::syn_data::{Lesson, SynData};
use super::throttle::Throttle;
use crate::error::{Dropped, Failure};
use crate::inspection::Inspection;
use crate::negotiation::{Negotiated, Offer};
use crate::receive::timestamps::clock;
use crate::segment::FourTuple;
use crate::send::window::SendWindow;
use crate::timers::{INITIAL_TIMEOUT, Timer};
use alloc::boxed::Box;
use basis::{Frame, Instant};
use bytes::Bytes;
use core::hint::cold_path;
use core::time::Duration;
use wire::tcp::{Flags, Header, Options, Seq, Timestamps};

/// The window of a SYN, which is never scaled.
pub(crate) fn syn_window(receive_buffer: u32) -> u16 {
    receive_buffer.min(u16::MAX as u32) as u16
}

/// An attempt to connect.
#[derive(Clone, Debug)]
pub(crate) struct Handshake {
    initial: Seq, // ISS
    offer: Offer,
    timestamp_offset: u32,
    /// The peer's SYN, when both opened at once.
    crossed: Option<Crossed>,
    window: u16,
    retries: u8,
    /// The SYN or SYN-ACK is due.
    due: bool,
    acknowledge: bool,
    throttle: Throttle,
    pub(crate) deadline: Instant,
    first_sent: Instant,
    /// For the sender of the connection to be (SO_MAX_PACING_RATE).
    pub(crate) max_pacing_rate: Option<u64>,
    /// The SYN went again for another reason than its timer.
    repeated: bool,
    /// What goes with the SYN (RFC 7413).
    syn_data: Option<Box<SynData>>,
    /// The application's own bound of retransmissions (TCP_SYNCNT).
    most_retries: Option<u8>,
}

/// What the peer's SYN said.
#[derive(Clone, Copy, Debug)]
struct Crossed {
    initial: Seq, // IRS
    negotiated: Negotiated,
    recent: u32,
}

/// What a segment did to the attempt.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It goes on.
    Pending,
    /// The connection is open, and begins so.
    Opened(Established),
    /// It was refused.
    Refused,
    /// The segment belongs to no attempt of ours: it is answered by a RST with this number.
    Stray(Seq),
}

impl Handshake {
    #[inline(always)]
    pub(crate) fn new(
        initial: Seq,
        offer: Offer,
        timestamp_offset: u32,
        receive_buffer: u32,
        now: Instant,
    ) -> Handshake {
        Handshake {
            initial,
            offer,
            timestamp_offset,
            crossed: None,
            window: syn_window(receive_buffer),
            retries: 0,
            due: true,
            acknowledge: false,
            throttle: Throttle::default(),
            deadline: now + INITIAL_TIMEOUT,
            first_sent: now,
            max_pacing_rate: None,
            repeated: false,
            syn_data: None,
            most_retries: None,
        }
    }

    /// Lets the SYN carry more.
    pub(crate) fn carry(&mut self, syn_data: SynData) {
        self.syn_data = Some(Box::new(syn_data));
    }

    pub(crate) fn set_retries(&mut self, most: u8) {
        self.most_retries = Some(most);
    }

    /// One past the last number sent: SND.NXT.
    fn next(&self) -> Seq {
        self.initial + 1 + self.syn_data.as_ref().map_or(0, |syn_data| syn_data.length())
    }

    /// Whether `number` acknowledges the SYN, and no more than was sent with it.
    fn is_acknowledged_by(&self, number: Seq) -> bool {
        number.since(self.initial + 1) <= self.next().since(self.initial + 1)
    }

    /// How many bytes of data the peer took in with the SYN, and those that it did not.
    pub(super) fn rest_of_data(&self, acknowledged: Seq) -> Option<(u32, Bytes)> {
        self.syn_data.as_ref().map(|syn_data| syn_data.rest(self.initial, acknowledged))
    }

    /// What the segment that completed the handshake taught about the peer.
    pub(super) fn lesson(&self, answer: &Header) -> Option<Lesson> {
        let syn_data = self.syn_data.as_ref().filter(|_| answer.flags.contains(Flags::SYN))?;
        Some(syn_data.learn(answer, self.retries > 0 || self.repeated))
    }

    /// The SYN did not fit the path: it goes again without data (RFC 7413 4.1.3.1).
    pub(super) fn on_too_big(&mut self) {
        if self.crossed.is_none()
            && self.syn_data.as_ref().is_some_and(|syn_data| syn_data.length() > 0)
            && !self.repeated
        {
            (self.due, self.repeated) = (true, true);
        }
    }

    /// Whether both sides opened at once: SYN-RECEIVED.
    pub(crate) fn is_crossed(&self) -> bool {
        self.crossed.is_some()
    }

    /// The number expected of the peer, once its SYN has come.
    pub(crate) fn expected(&self) -> Seq {
        self.crossed.map_or(Seq(0), |crossed| crossed.initial + 1)
    }

    pub(crate) fn initial(&self) -> Seq {
        self.initial
    }

    pub(crate) fn inspect(&self, inspection: &mut Inspection) {
        inspection.set_numbers(self.initial, self.next(), self.expected());
        inspection.set_deadline(Timer::Retransmit, self.deadline);
    }

    #[inline(always)]
    pub(crate) fn on_segment(
        &mut self,
        header: &Header,
        ipv4: bool,
        now: Instant,
    ) -> Result<Outcome, Dropped> {
        match self.crossed {
            None => self.on_segment_syn_sent(header, ipv4, now),
            Some(crossed) => self.on_segment_syn_received(crossed, header, now),
        }
    }

    /// RFC 9293 3.10.7.3.
    #[inline(always)]
    fn on_segment_syn_sent(&mut self, header: &Header, ipv4: bool, now: Instant) -> Result<Outcome, Dropped> {
        let flags = header.flags;
        let acknowledges = flags.contains(Flags::ACK);
        if acknowledges && !self.is_acknowledged_by(header.acknowledgment) {
            cold_path();
            return if flags.contains(Flags::RST) {
                Err(Dropped::BlindReset)
            } else {
                Ok(Outcome::Stray(header.acknowledgment))
            };
        }
        if flags.contains(Flags::RST) {
            cold_path();
            return if acknowledges { Ok(Outcome::Refused) } else { Err(Dropped::BlindReset) };
        }
        if !flags.contains(Flags::SYN) {
            return Err(Dropped::BadFlags);
        }
        if acknowledges && !self.has_sent_echoed(header, now) {
            cold_path();
            return Ok(Outcome::Stray(header.acknowledgment));
        }
        let mut negotiated = self.offer.agree(&header.options, flags, ipv4);
        if self.retries > 0 {
            // RFC 3168 6.1.1.1: this host has also sent a SYN that did not ask.
            negotiated.without_marks();
        }
        let recent = header.options.timestamps.map_or(0, |timestamps| timestamps.value);
        if acknowledges {
            let established = self.established(header, header.sequence, negotiated, recent, now);
            return Ok(Outcome::Opened(established));
        }
        self.crossed = Some(Crossed { initial: header.sequence, negotiated, recent });
        self.due = true;
        (self.retries, self.deadline) = (0, now + INITIAL_TIMEOUT);
        Ok(Outcome::Pending)
    }

    /// Whether the timestamp that a SYN-ACK echoes, if any, is of a SYN of this attempt (RFC 7323 3.2): another answers an older one, or
    /// was guessed.
    fn has_sent_echoed(&self, header: &Header, now: Instant) -> bool {
        let Some(timestamps) =
            header.options.timestamps.filter(|echo| self.offer.timestamps && echo.echo != 0)
        else {
            return true;
        };
        let first = clock(self.timestamp_offset, self.first_sent);
        timestamps.echo.wrapping_sub(first) <= clock(self.timestamp_offset, now).wrapping_sub(first)
    }

    /// RFC 9293 3.10.7.4 for SYN-RECEIVED.
    #[cold]
    #[inline(never)]
    fn on_segment_syn_received(
        &mut self,
        crossed: Crossed,
        header: &Header,
        now: Instant,
    ) -> Result<Outcome, Dropped> {
        let flags = header.flags;
        let next = crossed.initial + 1;
        // The peer's SYN-ACK repeats its SYN; nothing else lies before the window.
        let repeats = flags.contains(Flags::SYN) && header.sequence == crossed.initial;
        if !repeats && !header.sequence.within(next, self.window as u32) {
            self.acknowledge |= !flags.contains(Flags::RST) && self.throttle.allow(now);
            return Err(Dropped::OutsideWindow);
        }
        if flags.contains(Flags::RST) {
            if header.sequence == next {
                return Ok(Outcome::Refused);
            }
            // RFC 5961 3.2: challenged, like a SYN (4.2).
            self.acknowledge |= self.throttle.allow(now);
            return Err(Dropped::BlindReset);
        }
        if flags.contains(Flags::SYN) && !repeats {
            self.acknowledge |= self.throttle.allow(now);
            return Err(Dropped::BlindSyn);
        }
        if !flags.contains(Flags::ACK) {
            self.due |= repeats;
            return Err(Dropped::BadFlags);
        }
        if !self.is_acknowledged_by(header.acknowledgment) {
            return Ok(Outcome::Stray(header.acknowledgment));
        }
        Ok(Outcome::Opened(self.established(
            header,
            crossed.initial,
            crossed.negotiated,
            crossed.recent,
            now,
        )))
    }

    #[inline(always)]
    fn established(
        &self,
        header: &Header,
        peer_initial: Seq,
        negotiated: Negotiated,
        recent: u32,
        now: Instant,
    ) -> Established {
        Established {
            next: header.acknowledgment,
            peer_initial,
            send_window: SendWindow::new(header, negotiated.send_shift),
            negotiated,
            recent,
            timestamp_offset: self.timestamp_offset,
            window: self.window,
            // Karn: the answer to a repeated SYN tells no round-trip time.
            round_trip: (self.retries == 0 && !self.repeated).then(|| now - self.first_sent),
            repeated: self.retries,
            syns_received: 1 + (self.is_crossed() && header.flags.contains(Flags::SYN)) as u8,
            syns_sent: self.retries.saturating_add(1 + self.is_crossed() as u8),
            early: false,
        }
    }

    /// The timer expired. Returns false when the attempt has timed out.
    pub(crate) fn on_timeout(
        &mut self,
        now: Instant,
        retries: u8,
        user_timeout: Option<Duration>,
    ) -> Result<(), Failure> {
        if now < self.deadline {
            return Ok(());
        }
        let given_up = user_timeout.is_some_and(|timeout| now - self.first_sent >= timeout);
        if self.retries >= self.most_retries.unwrap_or(retries) || given_up {
            return Err(Failure::TimedOut);
        }
        self.retries += 1;
        self.due = true;
        self.deadline = now + INITIAL_TIMEOUT.saturating_mul(1 << self.retries.min(6));
        if let Some(timeout) = user_timeout {
            self.deadline = self.deadline.min(self.first_sent + timeout);
        }
        Ok(())
    }

    /// The SYN, or the SYN-ACK after a simultaneous open.
    pub(crate) fn poll_transmit(&mut self, frame: &mut Frame, tuple: &FourTuple, now: Instant) -> bool {
        let syn = core::mem::take(&mut self.due);
        if !syn && !core::mem::take(&mut self.acknowledge) {
            return false;
        }
        let value = clock(self.timestamp_offset, now);
        let (flags, acknowledgment, mut options) = match &self.crossed {
            None => (self.offer.syn_flags(self.retries == 0), Seq(0), self.offer.on_syn(value)),
            Some(crossed) => {
                let timestamps = Timestamps { value, echo: crossed.recent };
                let options = crossed.negotiated.on_syn_ack(self.offer, timestamps);
                match syn {
                    true => (crossed.negotiated.syn_ack_flags(), crossed.initial + 1, options),
                    false => (
                        Flags::ACK,
                        crossed.initial + 1,
                        Options { timestamps: options.timestamps, ..Options::NONE },
                    ),
                }
            }
        };
        if let Some(syn_data) = &mut self.syn_data {
            syn_data.join(frame, &mut options);
        }
        let header = Header {
            source_port: tuple.local_port,
            destination_port: tuple.remote_port,
            sequence: if syn { self.initial } else { self.initial + 1 },
            acknowledgment,
            flags,
            window: self.window,
            urgent: 0,
            options,
        };
        header.prepend_to(frame, tuple.local, tuple.remote);
        true
    }

    pub(crate) fn wants_transmit(&self) -> bool {
        self.due || self.acknowledge
    }
}
