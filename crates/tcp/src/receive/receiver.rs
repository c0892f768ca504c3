//! The receiver of one connection: what it accepts, and what it owes the peer.

use super::ack::AckState;
use super::buffer::ReceiveBuffer;
use super::duplicates::note_twice;
use super::end::End;
use super::piece::{Piece, pieces};
use super::rare::Rare;
use super::timestamps::TimestampState;
use super::tuning::Tuning;
use super::window::ReceiveWindow;
use crate::config::BufferBounds;
use crate::environment::Environment;
use crate::odometer::Odometer;
use crate::timers::Timers;
use alloc::boxed::Box;
use basis::{Frame, Instant};
use core::hint::cold_path;
use wire::tcp::{Header, Seq, Timestamps};

/// The receiving half of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Receiver {
    pub(super) next: Seq, // RCV.NXT
    pub(super) window: ReceiveWindow,
    /// The acknowledgment sent last: Last.ACK.sent of RFC 7323.
    last_acknowledged: Seq,
    pub(crate) acks: AckState,
    pub(crate) timestamps: TimestampState,
    /// Nothing while nothing is buffered.
    pub(super) buffer: Option<Box<ReceiveBuffer>>,
    /// Most bytes received and not read.
    pub(super) limit: u32,
    /// What `limit` may grow to.
    pub(super) most: u32,
    pub(super) tuning: Tuning,
    /// A full segment of the peer, as far as seen.
    pub(super) segment_size: u16,
    pub(super) end: End,
    /// Nobody reads any more: what comes is acknowledged and thrown away.
    pub(super) discarding: bool,
    pub(super) selective: bool,
    /// Nothing for most.
    pub(super) rare: Option<Box<Rare>>,
    pub(super) bytes_received: Odometer,
    /// Segments received, those of the handshake included (tcpEStatsPerfSegsIn, RFC 4898).
    pub(super) segments: u32,
    /// Those of them with data (tcpEStatsPerfDataSegsIn).
    pub(super) data_segments: u32,
}

/// What became of a segment's payload and FIN.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Accepted {
    /// Bytes that came to their turn.
    pub(crate) bytes: u32,
    /// The peer's FIN came to its turn now.
    pub(crate) finished: bool,
}

impl Receiver {
    /// Nothing has come yet; see [`Receiver::begin`].
    pub(crate) const FRESH: Receiver = Receiver {
        next: Seq(0),
        window: ReceiveWindow::new(Seq(0), 0),
        last_acknowledged: Seq(0),
        acks: AckState::new(),
        timestamps: TimestampState::NONE,
        buffer: None,
        limit: 0,
        most: 0,
        tuning: Tuning::new(0),
        segment_size: 536,
        end: End::UNKNOWN,
        discarding: false,
        selective: false,
        rare: None,
        bytes_received: Odometer::ZERO,
        segments: 0,
        data_segments: 0,
    };

    /// A fresh one begins. `next` is the number after the peer's SYN; `window` that of our SYN.
    #[inline(always)]
    pub(crate) fn begin(
        &mut self,
        next: Seq,
        window: ReceiveWindow,
        selective: bool,
        timestamps: TimestampState,
        buffer: BufferBounds,
        now: Instant,
    ) {
        let edge = window.edge();
        (self.next, self.last_acknowledged, self.window) = (next, next, window);
        (self.timestamps, self.selective) = (timestamps, selective);
        self.limit = buffer.initial.max(edge.since(next)).min(buffer.most);
        self.most = buffer.most;
        self.tuning = Tuning::new(if timestamps.enabled { timestamps.clock(now) } else { edge.0 });
    }

    // ---- the application ----

    /// Lets `read` take received bytes out. The window that this frees may be worth telling the peer.
    #[inline(always)]
    pub(crate) fn read(
        &mut self,
        environment: &mut Environment<'_>,
        read: impl FnOnce(&mut ReceiveBuffer) -> usize,
    ) -> usize {
        let Some(buffer) = &mut self.buffer else { return 0 };
        let used = buffer.used();
        let count = read(buffer);
        environment.memory.discharge(used.saturating_sub(buffer.used()));
        self.tuning.copied = self.tuning.copied.saturating_add(count as u32);
        self.after_reading(environment);
        count
    }

    pub(crate) fn peek(&self, out: &mut [u8]) -> usize {
        self.buffer.as_ref().map_or(0, |buffer| buffer.peek(out))
    }

    #[inline]
    pub(super) fn after_reading(&mut self, environment: &mut Environment<'_>) {
        if let Some(buffer) = self.buffer.take_if(|buffer| buffer.is_empty()) {
            environment.memory.keep_receive(buffer);
            self.acks.on_all_read();
        }
        let limit = self.limit;
        if !self.finished()
            && self.window.update_is_due(self.next, self.free(), limit, self.segment_size as u32)
        {
            self.acks.now();
        }
    }

    /// Bytes in order and not yet read.
    #[inline]
    pub(crate) fn unread(&self) -> usize {
        self.buffer.as_ref().map_or(0, |buffer| buffer.len())
    }

    /// Whether a read returns at once.
    #[inline]
    pub(crate) fn is_readable(&self) -> bool {
        self.finished() || self.discarding || self.unread() > 0
    }

    // ---- segments ----

    /// Whether a segment of `length` numbers may be looked at (RFC 9293 3.4, the four cases). A segment at the left edge of a
    /// closed window passes: its acknowledgment counts, its data is cut off (3.10.7.4: special allowance).
    ///
    /// `Deviates:` a segment without data may also stand at the right edge. A peer that has filled the window numbers its
    /// acknowledgments so, and to refuse them would stop both directions for as long as one byte is missing.
    #[inline]
    pub(crate) fn is_acceptable(&self, sequence: Seq, length: u32) -> bool {
        sequence == self.next || self.is_elsewhere_acceptable(sequence, length)
    }

    #[inline(never)]
    fn is_elsewhere_acceptable(&self, sequence: Seq, length: u32) -> bool {
        let window = self.window.promised(self.next);
        match length {
            0 => sequence.since(self.next) <= window,
            length => {
                sequence.within(self.next, window)
                    || (sequence + (length - 1)).within(self.next, window.max(1))
                    || (sequence.before(self.next) && (sequence + length).after(self.next))
            }
        }
    }

    /// Whether a segment with text ends where the stream does: it repeats what came last.
    pub(crate) fn is_latest(&self, sequence: Seq, length: u32) -> bool {
        length > 0 && sequence + length == self.next
    }

    /// RCV.NXT.
    #[inline]
    pub(crate) fn next(&self) -> Seq {
        self.next
    }

    #[inline]
    pub(crate) fn note_timestamp(&mut self, header: &Header, environment: &Environment<'_>) {
        self.timestamps.update(header, self.last_acknowledged, environment.now);
    }

    /// Takes in the payload of an acceptable segment, and its FIN.
    #[inline(always)]
    pub(crate) fn accept(
        &mut self,
        sequence: Seq,
        payload: &mut Frame,
        fin: bool,
        timers: &mut Timers,
        environment: &mut Environment<'_>,
    ) -> Accepted {
        let length = payload.len() as u32;
        if length == 0 && !fin {
            return Accepted::default();
        }
        if self.finished() {
            cold_path();
            // Text behind a FIN is ignored without a word (RFC 9293 3.10.7.4, seventh); what comes again is acknowledged again.
            if sequence.before(self.next) {
                self.acks.now();
                self.note_old(sequence, length);
            }
            return Accepted::default();
        }
        // Of several that came as one, each counts: half of that many would otherwise wait for their acknowledgment.
        let full = match payload.segment_size {
            0 => length,
            size => length.min(size.into()),
        };
        if full > self.segment_size as u32 {
            self.segment_size = full.min(self.largest_segment()) as u16;
        }
        let mut sequence = sequence;
        let known = if sequence.before(self.next) { self.next.since(sequence).min(length) } else { 0 };
        if known > 0 {
            cold_path();
            self.note_old(sequence, known);
            payload.strip(known as usize);
            sequence += known;
            self.acks.now();
        }
        if environment.memory.is_short() {
            self.restrain(sequence, payload.len(), environment);
        }
        if let Some(end) = self.end.get() {
            // Nothing follows the end of a stream.
            cold_path();
            payload.truncate(if sequence.before(end) { end.since(sequence) as usize } else { 0 });
        }
        let room = self.window.size(sequence);
        let cut = payload.len() as u32 > room;
        if cut {
            cold_path();
            payload.truncate(room as usize);
            self.acks.now();
        }
        // `Deviates:` RFC 9293 3.4 takes nothing but acknowledgments while the window is closed. A FIN takes no room, and nobody has to
        // send it again.
        if fin && !cut {
            self.end.note(sequence + payload.len() as u32);
        }
        let before = self.next;
        if sequence == self.next {
            self.take_in_order(payload, timers, environment);
        } else {
            self.keep_early(sequence, payload, fin && !cut, environment);
        }
        self.finish_if_complete(environment);
        Accepted { bytes: self.next.since(before) - self.finished() as u32, finished: self.finished() }
    }

    /// A full segment counts as no larger than this host said it takes.
    fn largest_segment(&self) -> u32 {
        9_000
    }

    /// Whether the segment is an old duplicate (PAWS, RFC 7323 5.3).
    #[inline]
    pub(crate) fn is_old(&self, timestamps: Option<Timestamps>, now: Instant) -> bool {
        self.timestamps.is_old(timestamps, now) && !self.was_overtaken(timestamps)
    }

    /// While a hole is open, whether the segment was sent after what came before the hole.
    ///
    /// `Deviates:` RFC 7323 5.3 (R1) drops what is older than TS.Recent. What fills a hole is a repetition, and makes TS.Recent
    /// younger than originals that are only late: each of them would count as lost for having been overtaken.
    #[cold]
    fn was_overtaken(&self, timestamps: Option<Timestamps>) -> bool {
        let holes = self.buffer.as_ref().filter(|buffer| !buffer.reassembly.is_empty());
        timestamps.zip(holes).is_some_and(|(timestamps, buffer)| {
            self.timestamps.lags_behind(timestamps.value, buffer.reassembly.timestamp)
        })
    }

    #[inline(always)]
    pub(super) fn take_in_order(
        &mut self,
        payload: &mut Frame,
        timers: &mut Timers,
        environment: &mut Environment<'_>,
    ) {
        let count = payload.len() as u32;
        if count == 0 {
            return;
        }
        self.next += count;
        self.count_bytes(count);
        self.acks.on_in_order(count, self.segment_size as u32, timers, environment.now);
        if self.discarding {
            return;
        }
        let buffer = match &mut self.buffer {
            Some(buffer) => buffer,
            vacant => vacant.insert(environment.memory.take_receive()),
        };
        let used = buffer.used();
        buffer.push(payload, &mut environment.memory.chunks);
        if !buffer.reassembly.is_empty() {
            cold_path();
            return self.fill_gap(used, count, environment);
        }
        environment.memory.recharge(used, buffer.used());
    }

    /// The last `count` bytes may have closed a gap: what waits behind it comes to its turn. The buffer took `used` before them.
    #[inline(never)]
    fn fill_gap(&mut self, used: usize, count: u32, environment: &mut Environment<'_>) {
        let Some(buffer) = &mut self.buffer else { return };
        self.acks.on_gap_filled();
        let twice = buffer.reassembly.held(self.next - count, self.next);
        note_twice(&mut self.rare, &mut self.acks, twice.filter(|_| self.selective));
        let from = self.next;
        while let Some(piece) = buffer.reassembly.pop(self.next) {
            self.next += piece.len() as u32;
            buffer.push_piece(piece, &mut environment.memory.chunks);
        }
        environment.memory.recharge(used, buffer.used());
        self.count_bytes(self.next.since(from));
    }

    #[inline(never)]
    fn keep_early(
        &mut self,
        sequence: Seq,
        payload: &mut Frame,
        fin: bool,
        environment: &mut Environment<'_>,
    ) {
        self.acks.on_out_of_order();
        let length = payload.len() as u32;
        // A FIN has a number, and so it can be reported (RFC 2018 3).
        let fin = fin && self.selective && self.end.get() == Some(sequence + length);
        if length == 0 && !fin || self.discarding {
            return;
        }
        let (limit, pieces) = (self.limit as usize, pieces(payload));
        let buffer = self.buffer.get_or_insert_with(|| environment.memory.take_receive());
        let used = buffer.used();
        if buffer.reassembly.is_empty() {
            buffer.reassembly.timestamp = self.timestamps.recent();
        }
        if self.selective {
            let twice = buffer.reassembly.held(sequence, sequence + (length + u32::from(fin)));
            note_twice(&mut self.rare, &mut self.acks, twice);
        }
        let mut kept = buffer.reassembly.insert(sequence, Piece::detach(payload), limit);
        if kept && fin {
            kept = buffer.reassembly.insert_fin(sequence + length);
        }
        let now = buffer.used();
        environment.memory.recharge(used, now);
        if kept {
            let rare = self.rare.get_or_insert_default();
            rare.early = rare.early.saturating_add(pieces);
        }
        if !kept && let Some(buffer) = self.buffer.take_if(|buffer| buffer.is_empty()) {
            environment.memory.give_receive(buffer);
        }
    }

    // ---- what a segment says ----

    /// A SYN-ACK leaves that acknowledges everything: Last.ACK.sent (RFC 7323 4.3).
    pub(crate) fn on_syn_ack_sent(&mut self) {
        self.last_acknowledged = self.next;
    }

    /// The window field of a segment that leaves now. It counts as told to the peer.
    #[inline]
    pub(crate) fn offer(&mut self) -> u16 {
        let free = self.free();
        self.last_acknowledged = self.next;
        self.window.offer(self.next, free)
    }
}
