//! What happens on the wire, and in time.

use super::world::World;
use crate::stream;
use basis::{Checksum, Frame};
use core::time::Duration;
use wire::tcp::{Flags, Header};

/// Frames on the wire in one direction; more are lost.
pub(super) const MOST_FLIGHTS: usize = 64;

/// What waits longer may be taken for lost.
const PATIENCE: Duration = Duration::from_millis(150);

impl World {
    /// Up to `most` frames leave.
    pub(super) fn transmit(&mut self, from: usize, most: usize) {
        for _ in 0..most {
            let mut frame = Frame::new();
            let side = &mut self.sides[from];
            if side.host.poll_transmit(self.now, 0, &mut frame).is_none() {
                assert!(!side.host.has_transmit(0), "work is due, but nothing comes");
                return;
            }
            self.check_sent(from, &frame);
            if frame.checksum == Checksum::Deferred {
                assert_ne!(frame.segment_size, 0, "only super-segments leave without checksum");
                frame.checksum = Checksum::Verified;
            }
            if self.wires[1 - from].len() < MOST_FLIGHTS {
                self.wires[1 - from].push(frame);
            } else {
                self.hardship = true;
            }
        }
    }

    /// What leaves is what was written, in segments that fit the path.
    fn check_sent(&mut self, from: usize, frame: &Frame) {
        let (header, length) = Header::parse(frame.first()).expect("what is sent can be read");
        let headers = if self.addresses[0].is_ipv4() { 20 } else { 40 };
        let mut payload = frame.clone();
        payload.strip(length);
        let each = match frame.segment_size {
            0 => payload.len(),
            size => usize::from(size).min(payload.len()),
        };
        assert!(headers + length + each <= self.path.mtu.max(48 + 40 + 20 + headers as u32) as usize);
        assert!(!header.flags.contains(Flags::SYN | Flags::FIN));
        if header.flags.contains(Flags::SYN) {
            self.sides[from].first = Some(header.sequence + 1);
        }
        let half_open = self.sides[from].host.population().1;
        if payload.is_empty() && (self.sides[from].id.is_none() || half_open > 0) {
            // A half-open connection answers what is not acceptable, even if its own SYN has not been pulled yet.
            return;
        }
        let Some(first) = self.sides[from].first else { return };
        let place = header.sequence.since(first);
        if place < 1 << 30 && !header.flags.intersects(Flags::SYN | Flags::RST) {
            let end = u64::from(place) + payload.len() as u64;
            // A keepalive may carry a byte that was sent before; a FIN counts one.
            assert!(end <= self.sides[from].written + 1, "{end} of {}", self.sides[from].written);
            if !payload.is_empty() {
                stream::check(from, place.into(), &payload.to_vec());
            }
        }
    }

    pub(super) fn deliver(&mut self, to: usize, index: usize, keep: bool) {
        if self.wires[to].is_empty() {
            return;
        }
        let index = index % self.wires[to].len();
        let mut frame = if keep { self.wires[to][index].clone() } else { self.wires[to].remove(index) };
        let [local, remote] = [self.addresses[to], self.addresses[1 - to]];
        let side = &mut self.sides[to];
        let path = self.path;
        let _ = side.host.on_segment(self.now, || path, local, remote, &mut frame);
    }

    pub(super) fn lose(&mut self, to: usize, index: usize) {
        if !self.wires[to].is_empty() {
            let index = index % self.wires[to].len();
            self.wires[to].remove(index);
            self.hardship = true;
        }
    }

    // ---- time ----

    pub(super) fn pass(&mut self, time: Duration) {
        self.now += time;
        self.wait(time);
        self.expire();
    }

    fn wait(&mut self, time: Duration) {
        self.waited += time;
        self.hardship |= self.waited > PATIENCE;
    }

    pub(super) fn next_deadline(&mut self) -> bool {
        let deadlines = self.sides.iter().filter_map(|side| side.host.poll_timeout());
        let Some(next) = deadlines.min() else { return false };
        if next > self.now {
            self.wait(next.saturating_since(self.now));
            self.now = next;
        }
        self.expire();
        true
    }

    pub(super) fn expire(&mut self) {
        for side in &mut self.sides {
            side.host.on_timeout(self.now);
            let next = side.host.poll_timeout();
            assert!(next.is_none_or(|next| next > self.now), "{next:?} is over at {:?}", self.now);
        }
    }
}
