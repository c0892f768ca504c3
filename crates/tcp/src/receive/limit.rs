//! How much a receiver may hold: what the application chose, what tuning found out, and less while memory is short.

use super::receiver::Receiver;
use super::tuning::RoundTrip;
use crate::config::BufferBounds;
use crate::environment::Environment;
use crate::memory::LEAST;
use basis::Instant;
use wire::tcp::{Header, Seq};

/// A peer is near whose round trips take less than that many milliseconds.
const NEAR: u32 = 10;
/// A round trip of at most so many milliseconds, by a clock of milliseconds and of segments that may come in bursts, may be any shorter.
const TICKS: u32 = 2;
/// The buffer of a near peer may have so many bytes at any time.
const AMPLE: u32 = 2 << 20;

impl Receiver {
    #[inline]
    pub(super) fn free(&self) -> u32 {
        self.limit.saturating_sub(self.unread() as u32)
    }

    /// The application chooses: a fixed size, or other bounds.
    pub(crate) fn set_bounds(&mut self, bounds: BufferBounds) {
        self.limit = if bounds.initial == bounds.most { bounds.most } else { self.limit.min(bounds.most) };
        self.most = bounds.most;
    }

    /// Data has come: perhaps a round trip is over, and the buffer should grow to what it told. Also lets what had to shrink
    /// while memory was short grow again.
    #[inline]
    pub(crate) fn tune(&mut self, header: &Header, environment: &Environment<'_>) {
        if self.limit >= self.most {
            return;
        }
        let Some((reached, mark)) = self.milestones(header, environment.now) else { return };
        let Some(RoundTrip { wanted, length }) = self.tuning.on_data(reached, mark) else { return };
        if environment.memory.is_short() {
            return;
        }
        let most = if self.timestamps.enabled { self.useful(length, environment.behind) } else { u32::MAX };
        // What was offered stays offered (RFC 9293 3.8.6): a lower limit only offers nothing more for a while.
        let limit = if environment.behind { self.limit.min(most) } else { self.limit };
        self.limit = limit.max(wanted.min(most)).min(self.most);
    }

    /// How large the buffer may get for a peer whose round trip took `time` milliseconds, what waited on the way included. What is sent to a
    /// host that does not keep up, or faster than the clock can tell, waits there: it makes the round trip longer, which would ask for a
    /// larger buffer again, and all that memory is in no cache when its turn comes.
    fn useful(&self, time: u32, behind: bool) -> u32 {
        if time >= NEAR {
            u32::MAX
        } else if time <= TICKS || behind {
            AMPLE
        } else {
            self.limit.saturating_mul(2).max(AMPLE)
        }
    }

    /// How far the segment shows the peer to have come, and what it will show once what is sent now is answered; None if it shows nothing.
    #[inline(always)]
    fn milestones(&self, header: &Header, now: Instant) -> Option<(u32, u32)> {
        if self.timestamps.enabled {
            // One that lost its timestamp on the way tells nothing: numbers and clock readings have nothing to do with each other.
            return header.options.timestamps.map(|timestamps| (timestamps.echo, self.timestamps.clock(now)));
        }
        // What begins beyond all that was ever offered was not allowed before.
        let furthest = self.next + self.window.promised(self.next);
        Some((header.sequence.0.wrapping_add(1), furthest.0))
    }

    /// Memory is short, and `length` bytes at `sequence` want in. The window shrinks to this connection's share as it is used up.
    /// If nothing is left at all, what came out of order goes first (RFC 2018 8 allows it); and if that is not enough, a
    /// connection that holds something takes in no more: its window closes, so that the peer asks instead of sending again.
    #[cold]
    pub(super) fn restrain(&mut self, sequence: Seq, length: usize, environment: &mut Environment<'_>) {
        self.limit = self.limit.min(environment.memory.allowance());
        if !environment.memory.is_exhausted() {
            return;
        }
        if let Some(buffer) = &mut self.buffer {
            let used = buffer.used();
            buffer.reassembly.clear();
            let now = buffer.used();
            environment.memory.recharge(used, now);
        }
        let early = sequence != self.next;
        if length > 0
            && environment.memory.is_exhausted()
            && (early || self.unread() + length > LEAST as usize)
        {
            environment.counters.memory_short += 1;
            let most = LEAST.saturating_sub(self.unread() as u32);
            self.window.close(self.next, if early { 0 } else { most });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::timestamps::TimestampState;
    use super::super::tuning::Tuning;
    use super::super::window::ReceiveWindow;
    use super::*;
    use crate::config::HostConfig;
    use crate::counters::Counters;
    use crate::memory::Memory;
    use wire::tcp::{Options, Timestamps};

    /// The limit after a round trip of `time` milliseconds in which `copied` bytes were read, as many as in the one before.
    fn tuned(limit: u32, time: u32, copied: u32, behind: bool) -> u32 {
        let (mut memory, mut counters) = (Memory::new(1 << 30), Counters::default());
        let (now, config) = (Instant::from_millis(1_000), &HostConfig::default());
        let (memory, counters) = (&mut memory, &mut counters);
        let environment = Environment { now, memory, counters, config, early: &mut 0, behind };
        let mut receiver = Receiver::FRESH;
        (receiver.limit, receiver.most) = (limit, 8 << 20);
        receiver.timestamps = TimestampState::new(true, 1, 100, now);
        let clock = receiver.timestamps.clock(now);
        receiver.tuning = Tuning::new(clock - time - 1);
        receiver.tuning.copied = copied;
        receiver.tuning.on_data(clock - time, clock - time);
        receiver.tuning.copied = copied;
        let options =
            Options { timestamps: Some(Timestamps { value: 1, echo: clock }), ..Options::default() };
        receiver.tune(&Header { options, ..Header::default() }, &environment);
        receiver.limit
    }

    #[test]
    fn a_buffer_grows_with_what_is_read_in_a_round_trip_and_for_a_near_peer_step_by_step() {
        const MIB: u32 = 1 << 20;
        for (time, limit) in
            [(1, AMPLE), (TICKS, AMPLE), (TICKS + 1, AMPLE), (NEAR - 1, AMPLE), (NEAR, 6 * MIB)]
        {
            assert_eq!(tuned(MIB, time, 3 * MIB, false), limit, "{time} ms");
        }
        for (time, limit) in [(TICKS, AMPLE), (TICKS + 1, 2 * AMPLE), (NEAR - 1, 2 * AMPLE), (NEAR, 6 * MIB)]
        {
            assert_eq!(tuned(AMPLE, time, 3 * MIB, false), limit, "{time} ms");
        }
        assert_eq!(tuned(MIB, 1, 900_000, false), 1_800_000);
        assert_eq!(tuned(4 * MIB, 1, 3 * MIB, false), 4 * MIB, "what it has, it keeps");
        assert_eq!(tuned(MIB, 100, 30 * MIB, false), 8 * MIB, "the bound");
    }

    #[test]
    fn while_the_host_is_behind_a_near_peers_buffer_goes_back_to_what_is_ample() {
        for time in [1, TICKS, NEAR - 1] {
            assert_eq!(tuned(AMPLE + 1, time, 3 << 20, true), AMPLE, "{time} ms");
            assert_eq!(tuned(AMPLE / 2, time, 3 << 20, true), AMPLE, "{time} ms");
            assert_eq!(tuned(AMPLE / 2, time, 1000, true), AMPLE / 2, "{time} ms");
        }
        assert_eq!(tuned(AMPLE, NEAR, 3 << 20, true), 6 << 20);
        assert_eq!(tuned(4 << 20, NEAR, 1000, true), 4 << 20);
        assert_eq!(
            tuned(8 << 20, 1, 3 << 20, true),
            8 << 20,
            "as large as it may be, or chosen: it is not looked at"
        );
    }

    #[test]
    fn a_limit_that_goes_down_takes_back_nothing_of_what_was_offered() {
        let (mut memory, mut counters) = (Memory::new(1 << 30), Counters::default());
        let (memory, counters) = (&mut memory, &mut counters);
        let (now, config) = (Instant::from_millis(1_000), &HostConfig::default());
        let environment = Environment { now, memory, counters, config, early: &mut 0, behind: true };
        let mut receiver = Receiver::FRESH;
        (receiver.limit, receiver.most) = (2 * AMPLE, 8 << 20);
        receiver.window = ReceiveWindow::new(receiver.next, 8);
        receiver.timestamps = TimestampState::new(true, 1, 100, now);
        let clock = receiver.timestamps.clock(now);
        receiver.tuning = Tuning::new(clock - 1);
        receiver.window.offer(receiver.next, receiver.free());
        let promised = receiver.window.promised(receiver.next);
        let options =
            Options { timestamps: Some(Timestamps { value: 1, echo: clock }), ..Options::default() };
        receiver.tune(&Header { options, ..Header::default() }, &environment);
        assert_eq!(receiver.limit, AMPLE);
        receiver.window.offer(receiver.next, receiver.free());
        assert_eq!(receiver.window.promised(receiver.next), promised);
    }

    #[test]
    fn without_timestamps_a_round_trip_has_no_time_and_the_buffer_grows_as_it_wants() {
        let (mut memory, mut counters) = (Memory::new(1 << 30), Counters::default());
        let (memory, counters) = (&mut memory, &mut counters);
        let (now, config) = (Instant::from_millis(1_000), &HostConfig::default());
        let environment = Environment { now, memory, counters, config, early: &mut 0, behind: true };
        let mut receiver = Receiver::FRESH;
        (receiver.limit, receiver.most) = (AMPLE, 8 << 20);
        receiver.window = ReceiveWindow::new(Seq(8_000), 0);
        receiver.tuning.copied = AMPLE;
        receiver.tune(&Header { sequence: Seq(1), ..Header::default() }, &environment);
        assert_eq!(receiver.limit, 8 << 20);
    }

    #[test]
    fn round_trips_are_told_by_timestamps_where_they_are_agreed_and_else_by_the_window() {
        let now = Instant::from_millis(7);
        let with = |timestamps| {
            let options = Options { timestamps, ..Options::default() };
            Header { sequence: Seq(3_000_000_000), options, ..Header::default() }
        };
        let (bare, stamped) = (with(None), with(Some(Timestamps { value: 1, echo: 50 })));
        let mut receiver = Receiver::FRESH;
        (receiver.next, receiver.window) = (Seq(3_000_000_000), ReceiveWindow::new(Seq(3_000_008_000), 0));
        receiver.timestamps = TimestampState::new(true, 1, 100, now);
        assert_eq!(receiver.milestones(&stamped, now), Some((50, receiver.timestamps.clock(now))));
        assert_eq!(receiver.milestones(&bare, now), None);
        receiver.timestamps = TimestampState::new(false, 0, 100, now);
        for header in [bare, stamped] {
            assert_eq!(receiver.milestones(&header, now), Some((3_000_000_001, 3_000_008_000)));
        }
        // What is taken back for want of memory may be on its way.
        receiver.window.close(receiver.next, 0);
        assert_eq!(receiver.milestones(&with(None), now), Some((3_000_000_001, 3_000_008_000)));
    }
}
