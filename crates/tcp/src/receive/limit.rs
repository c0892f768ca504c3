//! How much a receiver may hold: what the application chose, what tuning found out, and less while memory is short.

use super::receiver::Receiver;
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
    /// while memory was short grow again.
    #[inline]
    pub(crate) fn tune(&mut self, header: &Header, environment: &Environment<'_>) {
        if self.limit >= self.most {
            return;
        }
        let (reached, mark) = match header.options.timestamps {
            Some(timestamps) if self.timestamps.enabled => {
                (timestamps.echo, self.timestamps.clock(environment.now))
            }
            // What begins at the edge was not allowed before.
            _ => (header.sequence.0.wrapping_add(1), self.window.edge().0),
        };
        if let Some(wanted) = self.tuning.on_data(reached, mark)
            && wanted > self.limit
            && !environment.memory.is_short()
        {
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
