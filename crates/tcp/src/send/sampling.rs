//! What a connection that paces notes of each transmission and each acknowledgment, so that the delivery rate is known
//! (draft-ietf-ccwg-bbr 4.1).

use super::delivered::Delivered;
use super::scoreboard::Stray;
use super::sender::Sender;
use crate::congestion::{Arrival, Loss};
use basis::Instant;
use wire::tcp::Seq;

impl Sender {
    /// No full segment is unsent though the window has room: what is delivered now tells what the application writes, not what the path
    /// takes (draft-ietf-ccwg-bbr 4.1.2.4). Asked before a write, an acknowledgment or a time-out changes anything.
    #[cold]
    pub(super) fn note_starved(&mut self) {
        let (pipe, window) = (self.pipe(), self.congestion.window());
        // Less than a segment may be held back to be filled up (RFC 9293 3.7.4): that is the application's doing, too.
        let unsent = (self.queued() as u32).saturating_sub(self.flight.outstanding());
        if unsent >= u32::from(self.segment_size) || pipe >= window || self.lost() > 0 {
            return;
        }
        self.congestion.on_starved(pipe);
    }

    /// The numbers from `left` to `right` have been sent, for the first time or again.
    #[cold]
    pub(super) fn note_transmission(&mut self, left: Seq, right: Seq, now: Instant) {
        if !self.recovery.attentive {
            return;
        }
        self.congestion.on_transmit(left, right, self.pipe(), self.context(now));
        if let Some(buffer) = &mut self.buffer {
            buffer.board.report_losses();
        }
    }

    /// An acknowledgment was taken in that tells `bytes` to have arrived.
    #[cold]
    pub(super) fn take_sample(&mut self, delivered: &Delivered, bytes: u32, now: Instant) {
        if !self.recovery.attentive {
            return;
        }
        self.note_losses(now);
        self.congestion.on_arrival(&Arrival {
            now,
            bytes,
            newest: delivered.latest,
            oldest: self.flight.oldest,
            shortest: self.rtt.shortest().as_micros() as u32,
            round_trip: delivered.round_trip(),
            segment_size: u32::from(self.segment_size),
            in_flight: self.pipe(),
            selective: self.recovery.selective,
        });
    }

    /// What was found to be lost since this was last asked.
    #[cold]
    pub(super) fn note_losses(&mut self, now: Instant) {
        let Some(buffer) = self.buffer.as_mut().filter(|_| self.recovery.attentive) else { return };
        let selective = self.recovery.selective;
        for Stray { bytes, sent_at, end } in buffer.board.take_losses() {
            self.congestion.on_lost(Loss { now, bytes, sent_at, end, selective });
        }
    }
}
