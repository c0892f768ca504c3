//! What a connection that paces notes of each transmission and each acknowledgment, so that the delivery rate is known
//! (draft-ietf-ccwg-bbr 4.1).

use super::delivered::Delivered;
use super::sender::Sender;
use basis::Instant;
use wire::tcp::Seq;

impl Sender {
    /// Nothing is unsent though the window has room: what is delivered now tells what the application writes, not what the path
    /// takes (draft-ietf-ccwg-bbr 4.1.2.4). Asked before a write, an acknowledgment or a time-out changes anything.
    #[cold]
    pub(super) fn note_starved(&mut self) {
        let (pipe, window) = (self.pipe(), self.congestion.window());
        if self.queued() as u32 > self.flight.outstanding() || pipe >= window || self.lost() > 0 {
            return;
        }
        if let Some(shaping) = self.congestion.shaping_mut() {
            shaping.delivery.on_starved(pipe);
        }
    }

    /// The numbers from `left` to `right` have been sent, for the first time or again.
    #[cold]
    pub(super) fn note_transmission(&mut self, left: Seq, right: Seq, now: Instant) {
        let pipe = self.pipe();
        let Some(shaping) = self.congestion.shaping_mut() else { return };
        shaping.pace.on_sent(right.since(left), now);
        shaping.delivery.on_sent(left, right, pipe, now);
        if let Some(buffer) = &mut self.buffer {
            buffer.board.report_losses();
        }
    }

    /// An acknowledgment was taken in that tells `bytes` to have arrived.
    #[cold]
    pub(super) fn take_sample(&mut self, delivered: &Delivered, bytes: u32, now: Instant) {
        self.note_losses();
        let (oldest, shortest) = (self.flight.oldest, self.rtt.shortest().as_micros() as u32);
        let Some(shaping) = self.congestion.shaping_mut() else { return };
        shaping.delivery.on_delivered(bytes, delivered.latest, oldest, shortest, now);
    }

    /// What was found to be lost since this was last asked.
    #[cold]
    pub(super) fn note_losses(&mut self) {
        let Some(shaping) = self.congestion.shaping_mut() else { return };
        let Some(buffer) = &mut self.buffer else { return };
        for loss in buffer.board.take_losses() {
            shaping.delivery.on_lost(loss.bytes, loss.sent_at, loss.end);
        }
    }
}
