//! TIME-WAIT: both sides are done, and old duplicates may still be on their way (RFC 9293 3.6.1).

use super::throttle::Throttle;
use crate::info::{Info, State};
use crate::inspection::Inspection;
use crate::receive::timestamps::{clock, is_before};
use crate::segment::FourTuple;
use basis::{Frame, Instant};
use wire::tcp::{Flags, Header, Options, Seq, Timestamps};

/// All that is left of a connection: no buffers, no options, no application.
#[derive(Clone, Debug)]
pub(crate) struct TimeWait {
    pub(crate) tuple: FourTuple,
    pub(crate) lane: u8,
    /// Its acknowledgment waits in its lane's queue of work.
    pub(crate) queued: bool,
    timestamps: bool,
    window: u16,
    send_next: Seq,    // SND.NXT
    receive_next: Seq, // RCV.NXT
    recent: u32,       // TS.Recent
    timestamp_offset: u32,
    throttle: Throttle,
}

/// What a segment in TIME-WAIT leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// Nothing.
    Ignore,
    /// An acknowledgment.
    Acknowledge,
    /// An acknowledgment, and 2 MSL begin anew: the peer sent its FIN again.
    Restart,
    /// The end: RST at the left edge (RFC 1337 is optional; hosts let a RST end TIME-WAIT).
    End,
    /// A new connection may begin with this SYN and an initial number beyond this one.
    Reopen(Seq),
}

/// What is kept of an open connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Remains {
    pub(crate) lane: u8,
    /// An acknowledgment is due.
    pub(crate) owes: bool,
    pub(crate) window: u16,
    pub(crate) send_next: Seq,
    pub(crate) receive_next: Seq,
    pub(crate) timestamps: bool,
    pub(crate) recent: u32,
    pub(crate) timestamp_offset: u32,
}

impl TimeWait {
    #[inline(always)]
    pub(crate) fn new(tuple: FourTuple, remains: Remains) -> TimeWait {
        let Remains { lane, owes: _, window, send_next, receive_next, timestamps, recent, timestamp_offset } =
            remains;
        TimeWait {
            tuple,
            lane,
            queued: false,
            timestamps,
            window,
            send_next,
            receive_next,
            recent,
            timestamp_offset,
            throttle: Throttle::default(),
        }
    }

    /// Its numbers, for somebody who watches; the table knows when it ends.
    pub(crate) fn inspect(&self) -> Inspection {
        let mut inspection = Inspection::new(self.tuple, Info::in_state(State::TimeWait));
        inspection.detached = true;
        inspection.set_numbers(self.send_next, self.send_next, self.receive_next);
        inspection.info.timestamps = self.timestamps;
        inspection
    }

    /// RFC 9293 3.10.7.4 for TIME-WAIT, RFC 6191 for a new SYN.
    pub(crate) fn on_segment(&mut self, header: &Header, payload: usize, now: Instant) -> Verdict {
        let flags = header.flags;
        let old = match header.options.timestamps {
            Some(timestamps) if self.timestamps => is_before(timestamps.value, self.recent),
            _ => false,
        };
        if flags.contains(Flags::RST) {
            return if header.sequence == self.receive_next { Verdict::End } else { Verdict::Ignore };
        }
        if !flags.intersects(Flags::ACK | Flags::SYN) {
            return Verdict::Ignore;
        }
        if flags.contains(Flags::SYN) && !flags.intersects(Flags::ACK | Flags::FIN) {
            let newer = match header.options.timestamps {
                // RFC 6191 2: a later timestamp, or the same one with a higher number, is a new connection.
                Some(timestamps) if self.timestamps && timestamps.value != self.recent => !old,
                _ => header.sequence.after(self.receive_next),
            };
            return if newer { Verdict::Reopen(self.send_next + 65_536) } else { Verdict::Acknowledge };
        }
        // RFC 7323 4.3: not what lies outside the window, which anybody may forge.
        let known_place = header.sequence.at_or_before(self.receive_next);
        if !old
            && known_place
            && let Some(timestamps) = header.options.timestamps.filter(|_| self.timestamps)
        {
            self.recent = timestamps.value;
        }
        let fin = flags.contains(Flags::FIN);
        let expected_end = header.sequence + payload as u32 + fin as u32 == self.receive_next;
        if fin && expected_end {
            return Verdict::Restart;
        }
        if payload > 0 || fin {
            return Verdict::Acknowledge;
        }
        // A plain acknowledgment of what is known is not answered, and others not too often: an answer could start a war of
        // acknowledgments (RFC 5961 7).
        let known = header.sequence == self.receive_next && header.acknowledgment == self.send_next && !old;
        if !known && self.throttle.allow(now) { Verdict::Acknowledge } else { Verdict::Ignore }
    }

    /// Lays the acknowledgment of the peer's FIN into the empty `frame`.
    pub(crate) fn transmit(&self, now: Instant, frame: &mut Frame) {
        let timestamps = self
            .timestamps
            .then(|| Timestamps { value: clock(self.timestamp_offset, now), echo: self.recent });
        let header = Header {
            source_port: self.tuple.local_port,
            destination_port: self.tuple.remote_port,
            sequence: self.send_next,
            acknowledgment: self.receive_next,
            flags: Flags::ACK,
            window: self.window,
            urgent: 0,
            options: Options { timestamps, ..Options::NONE },
        };
        header.prepend_to(frame, self.tuple.local, self.tuple.remote);
    }
}
