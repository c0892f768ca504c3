//! Congestion marks (RFC 3168 6.1): what a router wrote on our packets is told to the peer, what it wrote on ours slows us down.

use super::open::Open;
use crate::environment::Environment;
use basis::{Ecn, Frame};
use wire::tcp::{Flags, Header, Seq};

impl Open {
    /// A segment inside the window came, on a connection that understands marks.
    #[cold]
    pub(super) fn on_marks(&mut self, header: &Header, payload: &Frame, environment: &mut Environment<'_>) {
        if payload.is_empty() {
            return;
        }
        if header.flags.contains(Flags::CWR) {
            // The peer has slowed down: it need not be told any more (RFC 3168 6.1.3).
            self.echoes_marks = false;
        }
        if payload.ecn == Ecn::Experienced {
            environment.counters.congestion_marks += 1;
            if !core::mem::replace(&mut self.echoes_marks, true) {
                self.receive.acks.now();
            }
        }
    }

    /// Completes a segment of a connection that understands marks. `beyond` was the next new number before it was chosen.
    /// Only new data may be marked: nothing would tell of a marked acknowledgment, and a forged mark on something repeated
    /// could not be told from a true one (RFC 3168 6.1.4, 6.1.5, 6.1.6).
    pub(super) fn put_marks(&mut self, frame: &mut Frame, sequence: Seq, beyond: Seq) -> Flags {
        let mut flags = if self.echoes_marks { Flags::ECE } else { Flags::NONE };
        if !frame.is_empty() && sequence.at_or_after(beyond) {
            frame.ecn = Ecn::Capable0;
            if self.send.take_slowed_down() {
                flags |= Flags::CWR;
            }
        }
        flags
    }
}
