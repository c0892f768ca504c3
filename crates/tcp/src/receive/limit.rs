//! How much a receiver may hold: what the application chose, what tuning found out, and less while memory is short.

use super::receiver::Receiver;
use super::short_path::{LONG, ShortPath};
use super::tuning::wanted;
use crate::config::BufferBounds;
use crate::environment::Environment;
use crate::memory::LEAST;
use wire::tcp::{Header, Seq};

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
    /// while memory was short grow again. `round_trip` is the shortest that was measured by what this host sent, in microseconds, 0 for
    /// none.
    #[inline]
    pub(crate) fn tune(&mut self, header: &Header, round_trip: u32, environment: &Environment<'_>) {
        if self.limit >= self.most {
            return;
        }
        let echo =
            header.options.timestamps.filter(|_| self.timestamps.enabled).map(|timestamps| timestamps.echo);
        let reached = match echo {
            Some(echo) if self.short_path().is_none_or(|path| !path.measures) => echo,
            // What begins at the edge was not allowed before.
            _ => header.sequence.0.wrapping_add(1),
        };
        if self.tuning.is_over(reached) {
            self.after_round_trip(echo, round_trip, environment);
        }
    }

    #[inline]
    fn short_path(&self) -> Option<&ShortPath> {
        self.rare.as_ref()?.short_path.as_ref()
    }

    /// A round trip is over, and what ended it echoes that timestamp.
    #[inline(never)]
    fn after_round_trip(&mut self, echo: Option<u32>, round_trip: u32, environment: &Environment<'_>) {
        let clock = self.timestamps.clock(environment.now);
        let ticks = echo.map(|echo| clock.wrapping_sub(echo));
        let edge = self.window.edge().0;
        let now = environment.now.as_micros() as u32;
        let measuring =
            self.rare.as_mut().and_then(|rare| rare.short_path.as_mut().filter(|path| path.measures));
        let wanted = if let Some(path) = measuring {
            self.tuning.copied = path.turn(now, self.tuning.copied, ticks.unwrap_or(0));
            let (read, growth) = self.tuning.turn(if path.measures { edge } else { clock });
            wanted(read, if path.tells_growth() { growth } else { 0 })
        } else {
            let (read, growth) = self.tuning.turn(if echo.is_some() { clock } else { edge });
            let wanted = wanted(read, growth);
            // What was measured at the beginning says nothing of another path later.
            let was_short = self.short_path().is_none() && (1..LONG * 1_000).contains(&round_trip);
            let is_short = was_short || ticks.is_some_and(|ticks| ticks < LONG);
            if wanted > self.limit && (is_short || echo.is_none()) {
                self.rare.get_or_insert_default().short_path.get_or_insert(ShortPath::UNKNOWN).begin(now);
                self.tuning.mark = edge;
            }
            if is_short { 0 } else { wanted }
        };
        if wanted > self.limit && !environment.memory.is_short() {
            self.limit = wanted.min(self.most);
        }
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
