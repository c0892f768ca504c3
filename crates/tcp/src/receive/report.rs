//! What is counted of what came, and what a report tells of the receiver.

use super::piece::pieces;
use super::receiver::Receiver;
use crate::info::Info;
use basis::Frame;
use core::hint::cold_path;

impl Receiver {
    /// The handshake took so many segments.
    pub(crate) fn count_handshake(&mut self, segments: u8) {
        self.segments = u32::from(segments);
    }

    /// A segment came, whatever becomes of it; see [`Receiver::count_data`].
    #[inline(always)]
    pub(crate) fn count_segment(&mut self) {
        self.segments = self.segments.wrapping_add(1);
    }

    /// The segment that was counted last carries data.
    #[inline(always)]
    pub(crate) fn count_data(&mut self, payload: &Frame) {
        self.data_segments = self.data_segments.wrapping_add(1);
        if payload.segment_size != 0 {
            cold_path();
            let more = pieces(payload) - 1;
            self.segments = self.segments.wrapping_add(more);
            self.data_segments = self.data_segments.wrapping_add(more);
        }
    }

    /// So many bytes came to their turn.
    #[inline(always)]
    pub(super) fn count_bytes(&mut self, count: u32) {
        if self.bytes_received.add(count) {
            cold_path();
            self.rare.get_or_insert_default().turns += 1;
        }
    }

    /// Fills in what a report tells of the receiver.
    pub(crate) fn report(&self, info: &mut Info) {
        let (early, turns) = self.rare.as_ref().map_or((0, 0), |rare| (rare.early, rare.turns));
        info.receive_buffer = self.limit;
        info.receive_queue = self.unread() as u32;
        info.receive_window = self.window.size(self.next);
        info.bytes_received = self.bytes_received.total(turns);
        info.segments_received = self.segments;
        info.data_segments_received = self.data_segments;
        info.segments_out_of_order = early;
        info.last_received = self.acks.last_data();
        info.peer_segment_size = u32::from(self.segment_size);
        info.timestamps = self.timestamps.enabled;
        info.selective_acknowledgments = self.selective;
    }
}
