//! Half-open connections: a SYN came to a listener and was answered (SYN-RECEIVED of a passive open).
//! There is no socket and no buffer yet, only what the next segment needs.

use super::fifo::{Fifo, Linked, Links};
use super::reset;
use crate::config::EcnMode;
use crate::connection::established::Established;
use crate::connection::handshake::syn_window;
use crate::connection::throttle::Throttle;
use crate::error::IcmpError;
use crate::info::{Info, State};
use crate::inspection::Inspection;
use crate::negotiation::{Negotiated, Offer};
use crate::receive::timestamps::{clock, is_before};
use crate::segment::{FourTuple, Path};
use crate::send::window::SendWindow;
use crate::timers::{INITIAL_TIMEOUT, Timer};
use basis::{Frame, Instant, Key, Slab};
use core::hint::cold_path;
use core::time::Duration;
use wire::tcp::{FastOpen, Flags, Header, Options, Seq, Timestamps};

/// How often a SYN is answered at most, each time-out of the answer twice as long as the one before it.
pub(super) const LEVELS: usize = 8;
/// The peer has not acknowledged the SYN-ACK.
pub(super) const NOT_DEFERRED: u8 = u8::MAX;

/// One answered SYN.
#[derive(Clone, Debug)]
pub(crate) struct HalfOpen {
    pub(crate) tuple: FourTuple,
    pub(crate) lane: u8,
    pub(crate) queued: bool,
    pub(super) retries: u8,
    window_shift: Option<u8>,
    timestamps: bool,
    selective: bool,
    acknowledge: bool,
    /// The peer has repeated its SYN: its next answer tells no round-trip time (Karn).
    answered_again: bool,
    /// How often the SYN-ACK had been sent again when the peer acknowledged it, whose listener waits for data; else [`NOT_DEFERRED`].
    pub(super) deferred: u8,
    /// The round trip that this acknowledgment told, in microseconds; 0 if it told none.
    pub(super) told: u32,
    /// Nobody has decided yet whether its SYN is answered.
    pub(crate) undecided: bool,
    /// The SYN-ACK carries a cookie (RFC 7413).
    pub(crate) cookie: CookieReply,
    throttle: Throttle,
    negotiated: Negotiated,
    window: u16,
    own_maximum: u16,
    mtu: u32,
    initial: Seq,                 // ISS
    pub(crate) peer_initial: Seq, // IRS
    recent: u32,
    timestamp_offset: u32,
    pub(crate) listener: Key,
    links: Links,
    deadline: Instant,
}

impl Linked for HalfOpen {
    fn links(&mut self) -> &mut Links {
        &mut self.links
    }
}

/// In which form a SYN-ACK carries a cookie.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CookieReply {
    None,
    Usual,
    Experimental,
}

/// What a segment did to a half-open connection.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Nothing.
    Ignored,
    /// A SYN-ACK or an acknowledgment is due.
    Answer,
    /// A RST with this number answers it.
    Stray(Seq),
    /// It is gone: the peer has reset it.
    Reset,
    /// The handshake is done.
    Completed(Established),
}

/// What a new half-open connection is made of.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) tuple: FourTuple,
    pub(crate) path: Path,
    pub(crate) offer: Offer,
    pub(crate) initial: Seq,
    pub(crate) timestamp_offset: u32,
    /// The window of the SYN-ACK, before its field's bound.
    pub(crate) window: u32,
    pub(crate) listener: Key,
    /// Whether it waits for a decision before it is answered.
    pub(crate) undecided: bool,
}

impl HalfOpen {
    #[inline(always)]
    pub(crate) fn new(opening: &Opening, header: &Header, now: Instant) -> HalfOpen {
        let offer = opening.offer;
        HalfOpen {
            tuple: opening.tuple,
            lane: opening.path.lane,
            queued: false,
            retries: 0,
            window_shift: offer.window_shift,
            timestamps: offer.timestamps,
            selective: offer.selective_acknowledgments,
            acknowledge: false,
            answered_again: false,
            deferred: NOT_DEFERRED,
            told: 0,
            undecided: opening.undecided,
            cookie: CookieReply::None,
            throttle: Throttle::default(),
            negotiated: offer.agree(&header.options, header.flags, opening.tuple.local.is_ipv4()),
            window: syn_window(opening.window),
            own_maximum: offer.maximum_segment_size,
            mtu: opening.path.mtu,
            initial: opening.initial,
            peer_initial: header.sequence,
            recent: header.options.timestamps.map_or(0, |timestamps| timestamps.value),
            timestamp_offset: opening.timestamp_offset,
            listener: opening.listener,
            links: Links::NONE,
            deadline: now + INITIAL_TIMEOUT,
        }
    }

    pub(crate) fn inspect(&self) -> Inspection {
        let mut inspection = Inspection::new(self.tuple, Info::in_state(State::SynReceived));
        inspection.set_numbers(self.initial, self.initial + 1, self.peer_initial + 1);
        inspection.info.receive_window = self.window as u32;
        inspection.set_deadline(Timer::Retransmit, self.deadline);
        inspection
    }

    pub(crate) fn path(&self) -> Path {
        Path { lane: self.lane, mtu: self.mtu, link_mtu: self.mtu }
    }

    fn offer(&self) -> Offer {
        Offer {
            maximum_segment_size: self.own_maximum,
            window_shift: self.window_shift,
            timestamps: self.timestamps,
            selective_acknowledgments: self.selective,
            // What came of it is negotiated already.
            ecn: EcnMode::Off,
        }
    }

    /// Whether an ICMP error about a segment numbered `sequence` says that the peer cannot be reached. Another error may be about one
    /// SYN-ACK only.
    pub(crate) fn is_cut_off(&self, sequence: Seq, error: IcmpError) -> bool {
        let of_one_segment = matches!(error, IcmpError::ProtocolUnreachable | IcmpError::PortUnreachable);
        sequence == self.initial && !of_one_segment && error.failure().is_some()
    }

    /// RFC 9293 3.10.7.4 for SYN-RECEIVED.
    #[inline(always)]
    pub(crate) fn on_segment(&mut self, header: &Header, now: Instant) -> Outcome {
        let flags = header.flags;
        let next = self.peer_initial + 1;
        if self.undecided {
            cold_path();
            // Nothing was said to the peer that it could answer; it may give up, by the number that is next.
            let given_up = flags.contains(Flags::RST) && header.sequence == next;
            return if given_up { Outcome::Reset } else { Outcome::Ignored };
        }
        if flags.contains(Flags::SYN) && !flags.contains(Flags::ACK) && header.sequence == self.peer_initial {
            cold_path();
            // The SYN once more: the answer was lost.
            self.answered_again = true;
            if !Negotiated::is_asked_for_marks(flags) {
                // RFC 3168 6.1.1.1: it asks no more.
                self.negotiated.without_marks();
            }
            return Outcome::Answer;
        }
        // RFC 7323 5.2: a RST is never old.
        let old = !flags.contains(Flags::RST)
            && self.negotiated.timestamps()
            && header.options.timestamps.is_some_and(|timestamps| is_before(timestamps.value, self.recent));
        if !header.sequence.within(next, self.window.max(1) as u32) || old {
            cold_path();
            return if flags.contains(Flags::RST) { Outcome::Ignored } else { self.challenge(now) };
        }
        if flags.contains(Flags::RST) {
            cold_path();
            if header.sequence == next {
                return Outcome::Reset;
            }
            return self.challenge(now);
        }
        if flags.contains(Flags::SYN) {
            cold_path();
            // RFC 5961 4.2. `Deviates:` RFC 9293 3.10.7.4, fourth, goes back to LISTEN. An old SYN that is late would end a good handshake;
            // a peer that has begun again answers the challenge with a RST, and its next SYN opens.
            return self.challenge(now);
        }
        if !flags.contains(Flags::ACK) {
            return Outcome::Ignored;
        }
        if header.acknowledgment != self.initial + 1 {
            return Outcome::Stray(header.acknowledgment);
        }
        Outcome::Completed(Established {
            next: self.initial + 1,
            peer_initial: self.peer_initial,
            send_window: SendWindow::new(header, self.negotiated.send_shift),
            negotiated: self.negotiated,
            recent: self.recent,
            timestamp_offset: self.timestamp_offset,
            window: self.window,
            round_trip: self.told_round_trip(now),
            repeated: self.repeated(),
            syns_received: 1,
            syns_sent: 1 + self.repeated(),
            early: false,
        })
    }

    /// The RST that answers its SYN (RFC 9293 3.10.7.1).
    pub(crate) fn refusal(&self) -> Frame {
        reset::reset(&self.tuple, Seq(0), Some(self.peer_initial + 1))
    }

    /// An acknowledgment of a doubtful segment, not too often (RFC 5961 7).
    fn challenge(&mut self, now: Instant) -> Outcome {
        self.acknowledge = self.throttle.allow(now);
        if self.acknowledge { Outcome::Answer } else { Outcome::Ignored }
    }

    /// The time since the SYN-ACK, if only one was sent.
    pub(super) fn round_trip(&self, now: Instant) -> Option<Duration> {
        let sent = self.deadline.as_nanos().checked_sub(INITIAL_TIMEOUT.as_nanos() as u64)?;
        (self.retries == 0 && !self.answered_again).then(|| now - Instant::from_nanos(sent))
    }

    /// The SYN-ACK with the cookie that it carries, or the acknowledgment of a doubtful segment.
    pub(crate) fn transmit(&mut self, now: Instant, cookie: Option<&FastOpen>, frame: &mut Frame) {
        if core::mem::take(&mut self.acknowledge) {
            cold_path();
            let (sequence, acknowledgment) = (self.initial + 1, self.peer_initial + 1);
            *frame = reset::bare(&self.tuple, sequence, acknowledgment, Flags::ACK, self.window);
            return;
        }
        let timestamps = Timestamps { value: clock(self.timestamp_offset, now), echo: self.recent };
        let header = Header {
            source_port: self.tuple.local_port,
            destination_port: self.tuple.remote_port,
            sequence: self.initial,
            acknowledgment: self.peer_initial + 1,
            flags: self.negotiated.syn_ack_flags(),
            window: self.window,
            urgent: 0,
            options: Options {
                fast_open: cookie.copied(),
                ..self.negotiated.on_syn_ack(self.offer(), timestamps)
            },
        };
        header.prepend_to(frame, self.tuple.local, self.tuple.remote);
    }
}

/// All half-open connections of a host. Those that were answered equally often wait equally long, so each such group
/// is a queue in order of time.
#[derive(Clone, Debug)]
pub(crate) struct HalfOpenTable {
    pub(crate) slab: Slab<HalfOpen>,
    queues: [Fifo; LEVELS],
    /// When the first times out; [`Instant::FAR_FUTURE`] if none waits.
    next: Instant,
}

impl HalfOpenTable {
    pub(crate) const fn new() -> HalfOpenTable {
        HalfOpenTable { slab: Slab::new(), queues: [Fifo::new(); LEVELS], next: Instant::FAR_FUTURE }
    }

    #[inline(always)]
    pub(crate) fn insert(&mut self, half_open: HalfOpen) -> Option<Key> {
        let vacancy = self.slab.vacancy()?;
        self.next = self.next.min(half_open.deadline);
        let key = vacancy.fill(half_open);
        self.queues[0].push_back(&mut self.slab, key.index());
        Some(key)
    }

    /// Drops one where it lies, and returns whether it waited in its lane's queue of work.
    pub(crate) fn remove(&mut self, index: u32) -> bool {
        let Some(level) = self.level(index) else { return false };
        self.queues[level].remove(&mut self.slab, index);
        let Some(half_open) = self.slab.at(index) else { return false };
        let (queued, deadline) = (half_open.queued, half_open.deadline);
        if let Some(key) = self.slab.key_at(index) {
            self.slab.discard(key);
        }
        // Unless it was the first, an earlier one is still there.
        if deadline <= self.next {
            self.look_at_first();
        }
        queued
    }

    fn look_at_first(&mut self) {
        self.next = match self.slab.is_empty() {
            true => Instant::FAR_FUTURE,
            false => self.first_deadline(),
        };
    }

    #[inline(never)]
    fn first_deadline(&self) -> Instant {
        self.fronts().map(|(_, deadline)| deadline).fold(Instant::FAR_FUTURE, Instant::min)
    }

    fn level(&self, index: u32) -> Option<usize> {
        Some((self.slab.at(index)?.retries as usize).min(LEVELS - 1))
    }

    /// When the first times out; [`Instant::FAR_FUTURE`] if none waits.
    #[inline]
    pub(crate) fn next_deadline(&self) -> Instant {
        self.next
    }

    fn fronts(&self) -> impl Iterator<Item = (u32, Instant)> {
        self.queues.iter().filter_map(|queue| {
            let index = queue.front()?;
            Some((index, self.slab.at(index)?.deadline))
        })
    }

    /// One whose time has come.
    pub(crate) fn expired(&self, now: Instant) -> Option<u32> {
        if self.next > now {
            return None;
        }
        self.fronts().find(|(_, deadline)| *deadline <= now).map(|(index, _)| index)
    }

    /// It was decided that its SYN is answered: it waits as a new one does.
    pub(crate) fn admit(&mut self, index: u32, now: Instant) {
        let Some(level) = self.level(index) else { return };
        self.queues[level].remove(&mut self.slab, index);
        if let Some(half_open) = self.slab.at_mut(index) {
            (half_open.undecided, half_open.retries) = (false, 0);
            half_open.deadline = now + INITIAL_TIMEOUT;
        }
        self.queues[0].push_back(&mut self.slab, index);
        self.look_at_first();
    }

    /// Lets it wait for another answer, twice as long. Returns false if it was answered often enough.
    pub(crate) fn retry(&mut self, index: u32, most: u8, now: Instant) -> bool {
        let Some(level) = self.level(index) else { return false };
        let Some(half_open) = self.slab.at_mut(index) else { return false };
        if half_open.retries >= most.min(LEVELS as u8 - 1) {
            return false;
        }
        half_open.retries += 1;
        half_open.deadline = now + INITIAL_TIMEOUT.saturating_mul(1 << half_open.retries.min(6));
        self.queues[level].remove(&mut self.slab, index);
        self.queues[level + 1].push_back(&mut self.slab, index);
        self.look_at_first();
        true
    }
}
