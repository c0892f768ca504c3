//! What the applications do, and what routers say to them.

use super::world::{World, options};
use crate::input::Input;
use crate::stream;
use tcp::{IcmpError, ReadError, Shutdown, WriteError, WriteMarks};
use wire::tcp::Seq;

/// Bytes that either side writes at most.
const MOST_WRITTEN: u64 = 1 << 20;

impl World {
    pub(super) fn accept(&mut self, at: usize) {
        let side = &mut self.sides[at];
        if let (None, Some(listener)) = (side.id, side.listener)
            && let Ok(id) = side.host.accept(listener)
        {
            side.id = Some(id);
            // One whose handshake ended before its SYN-ACK left never shows it.
            let inside = side.host.inspect().find(|inside| inside.id == side.id);
            side.first = inside.map(|inside| inside.send_next).or(side.first);
        }
    }

    pub(super) fn write(&mut self, at: usize, length: u16, marks: u8) {
        let side = &mut self.sides[at];
        let Some(id) = side.id.filter(|_| !side.closed && side.written < MOST_WRITTEN) else { return };
        let data = stream::bytes_at(at, side.written, usize::from(length) % 9_000);
        let marks = WriteMarks { more: marks & 1 == 1, end_of_record: marks & 6 == 6 };
        match side.host.write_marked(self.now, id, &data, marks) {
            Ok(count) => {
                assert!(count <= data.len() && !side.finished, "nothing is taken in after the end");
                side.written += count as u64;
            }
            Err(WriteError::Failed(failure)) => side.failure = Some(failure),
            Err(_) => {}
        }
    }

    pub(super) fn read(&mut self, at: usize, most: usize) {
        let side = &mut self.sides[at];
        let Some(id) = side.id.filter(|_| !side.closed) else { return };
        let mut out = vec![0; most];
        match side.host.read(self.now, id, &mut out) {
            // After a failure that was told, as after any end, there is nothing.
            Ok(0) => side.ended |= most > 0 && !side.deaf && side.failure.is_none(),
            Ok(count) => {
                assert!(!side.ended, "bytes behind the end");
                stream::check(1 - at, side.read, &out[..count]);
                side.read += count as u64;
            }
            Err(ReadError::Failed(failure)) => side.failure = Some(failure),
            Err(_) => {}
        }
        let (read, ended) = (self.sides[at].read, self.sides[at].ended);
        let peer = &self.sides[1 - at];
        assert!(read <= peer.written, "bytes that nobody wrote");
        assert!(!ended || peer.finished || peer.closed, "an end that nobody told");
        assert!(!ended || read == peer.written, "an end before all bytes");
    }

    pub(super) fn shutdown(&mut self, at: usize, how: Shutdown) {
        let side = &mut self.sides[at];
        let Some(id) = side.id.filter(|_| !side.closed) else { return };
        if side.host.shutdown(self.now, id, how).is_ok() {
            side.finished |= how == Shutdown::Write;
            side.deaf |= how == Shutdown::Read;
        }
    }

    pub(super) fn close(&mut self, at: usize) {
        let side = &mut self.sides[at];
        let Some(id) = side.id.filter(|_| !side.closed) else { return };
        side.host.close(self.now, id);
        (side.closed, side.rude) = (true, true);
    }

    pub(super) fn abort(&mut self, at: usize) {
        let side = &mut self.sides[at];
        let Some(id) = side.id.filter(|_| !side.closed) else { return };
        side.host.abort(self.now, id);
        (side.closed, side.rude) = (true, true);
    }

    pub(super) fn set(&mut self, at: usize, input: &mut Input<'_>) {
        let options = options(input);
        let side = &mut self.sides[at];
        let Some(id) = side.id.filter(|_| !side.closed) else { return };
        side.host.set_options(self.now, id, options);
        side.host.set_quick_acknowledgments(id, options.no_delay);
        self.hardship |= options.user_timeout.is_some() || options.keepalive.is_some();
    }

    pub(super) fn icmp(&mut self, at: usize, input: &mut Input<'_>) {
        let error = input.one_of(&[
            IcmpError::HostUnreachable,
            IcmpError::TimeExceeded,
            IcmpError::PortUnreachable,
            IcmpError::PacketTooBig { mtu: 80 },
            IcmpError::PacketTooBig { mtu: 600 },
            IcmpError::PacketTooBig { mtu: 0 },
        ]);
        let back = Seq(u32::from(input.byte()) * 16);
        let side = &mut self.sides[at];
        let inside = side.host.inspect().find(|inside| inside.id == side.id && side.id.is_some());
        let Some(inside) = inside else { return };
        side.host.on_icmp_error(self.now, inside.tuple, inside.send_next - back.0, error);
    }
}
