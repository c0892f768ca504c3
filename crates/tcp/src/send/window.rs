//! The peer's window: how far the sender may go (RFC 9293 3.8.6).

use wire::tcp::{Flags, Header, Seq};

#[derive(Clone, Copy, Debug)]
pub(crate) struct SendWindow {
    /// SND.WND, in bytes.
    pub(crate) size: u32,
    /// The largest window the peer ever offered: Max(SND.WND) of the silly-window rule.
    pub(crate) largest: u32,
    updated_by_sequence: Seq,       // SND.WL1
    updated_by_acknowledgment: Seq, // SND.WL2
    /// Snd.Wind.Shift.
    shift: u8,
}

impl SendWindow {
    /// The peer was not heard yet.
    pub(super) const CLOSED: SendWindow = SendWindow {
        size: 0,
        largest: 0,
        updated_by_sequence: Seq(0),
        updated_by_acknowledgment: Seq(0),
        shift: 0,
    };

    /// The window of the segment that ended the handshake. Windows in SYNs are not scaled (RFC 7323 2.2).
    pub(crate) fn new(header: &Header, shift: u8) -> SendWindow {
        let shift_now = if header.flags.contains(Flags::SYN) { 0 } else { shift };
        let size = (header.window as u32) << shift_now;
        SendWindow {
            size,
            largest: size,
            updated_by_sequence: header.sequence,
            updated_by_acknowledgment: header.acknowledgment,
            shift,
        }
    }

    /// The window that a segment carries, in bytes.
    #[inline]
    pub(crate) fn of(&self, header: &Header) -> u32 {
        (header.window as u32) << self.shift
    }

    /// Takes the segment's window unless an older segment carries it (RFC 9293 3.10.7.4, fifth step).
    ///
    /// `Deviates:` what acknowledges more is newer, whatever its number. A peer whose window shrank numbers its segments
    /// below those that it sent before, and would not be heard until it has new data to send.
    #[inline]
    pub(crate) fn update(&mut self, header: &Header) {
        let newer = self.updated_by_sequence.before(header.sequence)
            || self.updated_by_acknowledgment.before(header.acknowledgment)
            || self.updated_by_sequence == header.sequence
                && self.updated_by_acknowledgment == header.acknowledgment;
        if newer {
            self.size = self.of(header);
            self.largest = self.largest.max(self.size);
            self.updated_by_sequence = header.sequence;
            self.updated_by_acknowledgment = header.acknowledgment;
        }
    }
}
