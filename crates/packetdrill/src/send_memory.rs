//! How much a socket takes in to send, counted as Linux counts it: by buffers of several segments, each with the memory that describes
//! it. Scripts see it in what a write returns and in when a socket is writable again.

use basis::Instant;
use std::collections::VecDeque;
use tcp::Info;

/// Memory that a buffer takes beside its bytes.
const OVERHEAD: u64 = 1_280;
/// Bytes of the longest buffer.
const LONGEST: u32 = 65_215;
/// What a segment's headers and its description take when the limit is chosen.
const HEADERS: u64 = 640;
const DESCRIPTION: u64 = 256;
/// Segments of the smallest window that the limit is made for.
const LEAST_WINDOW: u64 = 10;

/// The memory of one connection's sender.
#[derive(Clone, Debug)]
pub(crate) struct SendMemory {
    /// Bytes of memory from which on nothing is taken in (SO_SNDBUF).
    pub(crate) limit: u32,
    /// The application has chosen the limit: it stays.
    pub(crate) chosen: bool,
    /// Unsent bytes from which on nothing is taken in (TCP_NOTSENT_LOWAT).
    pub(crate) unsent_limit: u32,
    /// What the limit may grow to by itself.
    most: u32,
    /// The application wanted to write more than there was room for.
    starved: bool,
    begun: bool,
    /// Where each buffer that is not acknowledged begins and ends, in bytes written.
    buffers: VecDeque<(u64, u64)>,
    written: u64,
    /// Bytes that left with the SYN.
    early: u64,
    queued: u64,
    unsent: u64,
    /// Bytes of a full buffer.
    full: u64,
    /// A full buffer leaves in bursts of several segments: half of a window each at most.
    several: bool,
    /// Half of the largest window of the peer.
    half_window: u64,
    /// Bytes up to the last that was pushed.
    pushed: u64,
    /// Bytes that the windows let go at once.
    leaving: u64,
    /// Bytes that have left, and when the last of them did.
    sent: (u64, Instant),
}

/// Room for some bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Room {
    pub(crate) count: usize,
    /// They begin a buffer.
    begins: bool,
    /// Nothing else is taken in behind them for now.
    pub(crate) last: bool,
    /// They fill their buffer, and so much was written since the last push that it is pushed: no segment goes beyond its end.
    pub(crate) pushes: bool,
}

impl SendMemory {
    pub(crate) fn new(limit: u32, most: u32, unsent_limit: u32) -> SendMemory {
        SendMemory {
            limit,
            chosen: false,
            unsent_limit,
            most,
            starved: false,
            begun: false,
            buffers: VecDeque::new(),
            written: 0,
            early: 0,
            queued: 0,
            unsent: 0,
            full: u64::from(LONGEST),
            several: false,
            half_window: u64::MAX,
            pushed: 0,
            leaving: 0,
            sent: (0, Instant::ZERO),
        }
    }

    /// Bytes written so far.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// Bytes that left with the SYN.
    pub(crate) fn early(&self) -> u64 {
        self.early
    }

    /// Bytes that have left for the first time, and bytes acknowledged, as last seen.
    pub(crate) fn progress(&self) -> (u64, u64) {
        (self.written.saturating_sub(self.unsent), self.written.saturating_sub(self.queued))
    }

    /// Whether the application waits for room.
    pub(crate) fn is_starved(&self) -> bool {
        self.starved
    }

    /// Looks at how far the connection has come.
    pub(crate) fn note(&mut self, info: &Info, now: Instant) {
        let segment = info.segment_size.max(1);
        // No buffer is longer than half of the largest window, unless that is tiny.
        let window = info.largest_send_window;
        let cut = if window > 536 { window / 2 } else { window };
        self.full = u64::from((LONGEST.min(cut) / segment).max(1) * segment);
        self.several = self.full > u64::from(segment) && info.congestion_window >= 4 * segment;
        self.half_window = u64::from(window / 2);
        self.queued = u64::from(info.send_queue);
        self.unsent = u64::from(info.send_queue.saturating_sub(info.in_flight));
        self.leaving = u64::from(info.congestion_window.min(info.send_window).saturating_sub(info.in_flight));
        let acknowledged = self.written.saturating_sub(self.queued);
        while self.buffers.front().is_some_and(|(_, end)| *end <= acknowledged) {
            self.buffers.pop_front();
        }
        if !self.begun {
            self.begun = true;
            self.grow(info);
        }
        let left = self.leaves_room(info, now);
        if self.starved {
            if left {
                self.grow(info);
            }
            self.starved = !self.is_writable();
        }
    }

    /// Whether the congestion window is not filled. A piece of a buffer is not sent for less than a third of the windows if the next
    /// acknowledgment is near: half a round trip after the oldest segment left.
    fn leaves_room(&mut self, info: &Info, now: Instant) -> bool {
        let (before, before_at) = self.sent;
        let sent = self.written.saturating_sub(self.unsent);
        if sent > before {
            self.sent = (sent, now);
        }
        let in_flight = u64::from(info.in_flight).saturating_sub(sent.saturating_sub(before));
        let near = sent > before && in_flight > 0 && now.saturating_since(before_at) >= info.smoothed_rtt / 2;
        let piece = self.buffers.iter().find(|(begin, end)| *begin < sent && sent < *end);
        let third = u64::from(info.congestion_window.min(info.send_window) / 3);
        let waits = piece.is_some_and(|(begin, _)| sent - before.max(*begin) < third);
        info.in_flight < info.congestion_window || near && waits
    }

    /// The limit follows the congestion window: twice what it needs.
    fn grow(&mut self, info: &Info) {
        let segment = u64::from(info.segment_size.max(1));
        let window = (u64::from(info.congestion_window) / segment).max(LEAST_WINDOW);
        let memory = (segment + HEADERS).next_power_of_two() + DESCRIPTION;
        let wanted = (2 * window * memory).min(u64::from(self.most)) as u32;
        if !self.chosen && wanted > self.limit {
            self.limit = wanted;
        }
    }

    fn used(&self) -> u64 {
        self.queued + OVERHEAD * self.buffers.len() as u64
    }

    /// Whether it is worth telling the application that it can write: a third is free, and half of what may be unsent.
    pub(crate) fn is_writable(&self) -> bool {
        let used = self.used();
        u64::from(self.limit).saturating_sub(used) >= used / 2
            && used < u64::from(self.limit)
            && 2 * self.unsent < u64::from(self.unsent_limit)
    }

    /// Room for some of `count` bytes, which go on their way before more are taken in; `None` if there is none, and the application
    /// is to wait.
    pub(crate) fn room(&mut self, count: usize) -> Option<Room> {
        // The last buffer is filled up, unless all of it is sent.
        let sent = self.written.saturating_sub(self.unsent);
        let filled = match self.buffers.back() {
            Some((begin, _)) if self.unsent > 0 => self.written - sent.max(*begin),
            _ => self.full,
        };
        let begins = filled >= self.full;
        let free = self.used() < u64::from(self.limit) && self.unsent < u64::from(self.unsent_limit);
        if begins && !free {
            self.starved = true;
            return None;
        }
        let room = if begins { self.full } else { self.full - filled };
        let count = usize::try_from(room).unwrap_or(usize::MAX).min(count);
        let used = self.used() + count as u64 + if begins { OVERHEAD } else { 0 };
        let unsent = (self.unsent + count as u64).saturating_sub(self.leaving);
        let last = used >= u64::from(self.limit) || unsent >= u64::from(self.unsent_limit);
        let fills = count as u64 == room;
        // The last burst of a buffer ends with it.
        let pushes =
            fills && (self.several || self.written + room > self.pushed.saturating_add(self.half_window));
        Some(Room { count, begins, last: last && fills, pushes })
    }

    /// So many bytes left with the SYN.
    pub(crate) fn wrote_early(&mut self, count: usize) {
        let count = count as u64;
        self.buffers.push_back((self.written, self.written + count));
        (self.written, self.queued) = (self.written + count, self.queued + count);
        self.early += count;
    }

    /// A write has ended: its last byte is pushed.
    pub(crate) fn finish(&mut self) {
        self.pushed = self.written;
    }

    /// The bytes of `room` were taken in; nothing joins their buffer if a record `ends` with them.
    pub(crate) fn wrote(&mut self, room: Room, ends: bool) {
        let count = room.count as u64;
        let begin = self.written;
        (self.written, self.queued, self.unsent) = (begin + count, self.queued + count, self.unsent + count);
        if room.pushes {
            self.pushed = self.written;
        }
        match self.buffers.back_mut() {
            Some((_, end)) if !room.begins => *end = self.written,
            _ => self.buffers.push_back((begin, self.written)),
        }
        if ends {
            self.buffers.push_back((self.written, self.written));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::ZERO;

    fn info(send_queue: u32, in_flight: u32, window: u32) -> Info {
        let mut host = tcp::Host::new(basis::Instant::ZERO, tcp::HostConfig::default(), [1; 32]);
        let path = tcp::Path { lane: 0, mtu: 1500, link_mtu: 1500 };
        let local = "192.0.2.1".parse().unwrap();
        let tuple = tcp::FourTuple { local, local_port: 1, remote: local, remote_port: 2 };
        let id = host.connect(basis::Instant::ZERO, path, tuple, Default::default()).unwrap();
        let mut info = host.info(id).unwrap();
        (info.segment_size, info.largest_send_window, info.send_window) = (1_000, 32_896, 32_896);
        (info.send_queue, info.in_flight, info.congestion_window) = (send_queue, in_flight, window);
        info
    }

    /// Writes up to `count` bytes while the network takes `leaving`; returns how many were taken.
    fn write(memory: &mut SendMemory, count: usize, leaving: &mut u32) -> usize {
        let mut done = 0;
        while done < count
            && let Some(room) = memory.room(count - done)
        {
            memory.wrote(room, false);
            done += room.count;
            let sent = (*leaving).min(memory.unsent as u32);
            *leaving -= sent;
            memory.unsent -= u64::from(sent);
        }
        done
    }

    #[test]
    fn buffers_are_filled_before_the_limit_is_looked_at() {
        let mut memory = SendMemory::new(50_000, 4_000_000, u32::MAX);
        memory.note(&info(0, 0, 10_000), NOW);
        assert_eq!(write(&mut memory, 59_000, &mut 10_000), 58_000);
        assert!(memory.is_starved() && !memory.is_writable());
        memory.note(&info(48_000, 20_000, 20_000), NOW);
        assert!(memory.is_starved());
        memory.note(&info(32_000, 32_000, 36_000), NOW);
        assert!(!memory.is_starved() && memory.is_writable());
        assert_eq!(write(&mut memory, 180_000, &mut 0), 128_000);
    }

    /// Fills four buffers while the peer's largest window is `window`; returns the length of each, and whether it is pushed.
    fn four_buffers(window: u32) -> (SendMemory, [(usize, bool); 4]) {
        let mut memory = SendMemory::new(200_000, 4_000_000, u32::MAX);
        memory.note(&Info { largest_send_window: window, ..info(0, 0, 10_000) }, NOW);
        let buffers = [(); 4].map(|()| {
            let room = memory.room(100_000).unwrap();
            memory.wrote(room, false);
            (room.count, room.pushes)
        });
        (memory, buffers)
    }

    #[test]
    fn a_long_buffer_is_pushed_and_a_short_one_once_half_a_window_was_written() {
        assert_eq!(four_buffers(32_896).1, [(16_000, true); 4]);
        let (mut memory, buffers) = four_buffers(2_000);
        assert_eq!(buffers, [(1_000, false), (1_000, true), (1_000, false), (1_000, true)]);
        memory.finish();
        assert!(!memory.room(1_000).unwrap().pushes);
    }

    #[test]
    fn a_buffer_of_a_tiny_congestion_window_leaves_segment_by_segment() {
        let mut memory = SendMemory::new(200_000, 4_000_000, u32::MAX);
        memory.note(&info(0, 0, 2_000), NOW);
        let pushes = [(); 3].map(|()| {
            let room = memory.room(100_000).unwrap();
            memory.wrote(room, false);
            room.pushes
        });
        assert_eq!(pushes, [false, true, false], "half a window is pushed all the same");
    }

    #[test]
    fn a_piece_that_linux_would_keep_back_leaves_room_in_the_window() {
        let grown = |before: u64| {
            let mut memory = SendMemory::new(50_000, 4_000_000, u32::MAX);
            memory.note(&info(0, 0, 10_000), NOW);
            write(&mut memory, 59_000, &mut 10_000);
            memory.note(&info(48_000, 20_000, 20_000), Instant::from_millis(1));
            let mut later = info(41_000, 27_000, 27_000);
            later.smoothed_rtt = core::time::Duration::from_millis(20);
            memory.note(&later, Instant::from_millis(1 + before));
            !memory.is_starved()
        };
        assert_eq!([grown(9), grown(10)], [false, true]);
    }

    #[test]
    fn what_is_unsent_has_a_limit_of_its_own() {
        let mut memory = SendMemory::new(262_144, 4_000_000, 4_000);
        memory.note(&info(0, 0, 10_000), NOW);
        assert_eq!(write(&mut memory, 59_000, &mut 10_000), 26_000);
        memory.note(&info(2_000, 0, 10_000), NOW);
        assert!(!memory.is_writable());
        memory.note(&info(1_999, 0, 10_000), NOW);
        assert!(memory.is_writable());
    }
}
