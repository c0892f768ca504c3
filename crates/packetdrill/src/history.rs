//! When a connection last received and sent, and what has held its sender back: what `TCP_INFO` tells of the past.

use basis::Instant;
use core::time::Duration;
use tcp::Info;

/// What a sender waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Limit {
    /// Nothing: it has nothing to send.
    #[default]
    Idle,
    /// The network: data is under way, or the congestion window is full.
    Network,
    /// The peer's window.
    Receiver,
    /// The application, which would write more if its buffer took it.
    Buffer,
}

/// The past of one connection, as far as it was looked at.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct History {
    begun: bool,
    limit: Limit,
    /// Since when `limit` is true.
    since: Instant,
    /// How long each limit but the first was true before.
    spent: [Duration; 3],
    received: u64,
    received_at: Instant,
    sent: u64,
    sent_at: Instant,
}

impl History {
    /// Looks at a connection. `starved` tells that its application waits for room in the buffer.
    pub(crate) fn note(&mut self, info: &Info, starved: bool, now: Instant) {
        if !self.begun {
            (self.begun, self.received_at, self.sent_at) = (true, now, now);
        }
        if info.bytes_received > self.received {
            (self.received, self.received_at) = (info.bytes_received, now);
        }
        if info.bytes_sent > self.sent {
            (self.sent, self.sent_at) = (info.bytes_sent, now);
        }
        let limit = limit(info, starved);
        if limit != self.limit {
            self.spent = self.limits(now);
            (self.limit, self.since) = (limit, now);
        }
    }

    pub(crate) fn since_received(&self, now: Instant) -> Duration {
        now.saturating_since(self.received_at)
    }

    pub(crate) fn since_sent(&self, now: Instant) -> Duration {
        now.saturating_since(self.sent_at)
    }

    /// How long the network, the peer's window and the buffer have held the sender back.
    pub(crate) fn limits(&self, now: Instant) -> [Duration; 3] {
        let mut spent = self.spent;
        let place = match self.limit {
            Limit::Idle => return spent,
            Limit::Network => &mut spent[0],
            Limit::Receiver => &mut spent[1],
            Limit::Buffer => &mut spent[2],
        };
        *place += now.saturating_since(self.since);
        spent
    }
}

fn limit(info: &Info, starved: bool) -> Limit {
    let unsent = info.send_queue.saturating_sub(info.in_flight);
    let segment = unsent.min(info.segment_size);
    let room = info.send_window.saturating_sub(info.in_flight);
    match (info.send_queue, unsent) {
        (0, _) => Limit::Idle,
        (_, 0) if starved => Limit::Buffer,
        (_, 1..) if room < segment && info.congestion_window >= info.in_flight + segment => Limit::Receiver,
        _ => Limit::Network,
    }
}
