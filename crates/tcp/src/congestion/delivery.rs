//! Samples of the delivery rate: how fast the path delivered what was sent last (draft-ietf-ccwg-bbr 4.1).
//!
//! Only connections that pace have them: what each transmission must remember costs others nothing.

use alloc::collections::VecDeque;
use basis::Instant;
use wire::tcp::Seq;

/// Transmissions remembered at once, of 64 bytes each. Beyond it the oldest are forgotten: what they carried tells no rate.
pub(crate) const MAX_TRANSMISSIONS: usize = 8192;

/// A connection that rests keeps room for no more of them: 4 KiB.
const KEPT: usize = 64;

/// One segment or super-segment, when it was sent: P of the draft.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Transmission {
    begin: Seq,
    end: Seq,
    /// P.send_time.
    sent_at: Instant,
    /// P.first_send_time.
    first_sent_at: Instant,
    /// P.delivered.
    delivered: u64,
    /// P.delivered_time.
    delivered_at: Instant,
    /// P.lost.
    lost: u64,
    /// P.tx_in_flight: bytes under way right after it, its own included.
    pub(crate) in_flight: u32,
    /// P.is_app_limited.
    pub(crate) starved: bool,
}

/// What an acknowledgment tells of the path: RS of the draft.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct RateSample {
    /// RS.delivery_rate: bytes a second; 0 if it cannot be told.
    pub(crate) rate: u64,
    /// RS.is_app_limited: the application had nothing to send meanwhile, so the path may be faster.
    pub(crate) starved: bool,
    /// RS.delivered: bytes delivered since what was acknowledged had been sent.
    pub(crate) delivered: u64,
    /// RS.prior_delivered; `None` if nothing was delivered whose sending is remembered.
    pub(crate) prior_delivered: Option<u64>,
    /// RS.newly_acked: bytes that this acknowledgment delivers.
    pub(crate) newly_delivered: u32,
    /// RS.tx_in_flight.
    pub(crate) in_flight: u32,
    /// RS.lost: bytes lost since what was acknowledged had been sent.
    pub(crate) lost: u64,
}

/// What one connection knows of its deliveries: C of the draft. All amounts are bytes.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    /// C.delivered.
    delivered: u64,
    /// C.delivered_time.
    delivered_at: Instant,
    /// C.first_send_time.
    first_sent_at: Instant,
    /// C.lost.
    lost: u64,
    /// C.app_limited: when so much is delivered, the gap has left the path; 0 if there is none.
    starved_until: u64,
    /// Most transmissions under way at once since none was, and before that.
    most: u16,
    usual: u16,
    /// In the order of their sending.
    transmissions: VecDeque<Transmission>,
    /// The last sample that told a rate.
    last: RateSample,
}

impl Delivery {
    pub(crate) const fn new() -> Delivery {
        Delivery {
            delivered: 0,
            delivered_at: Instant::ZERO,
            first_sent_at: Instant::ZERO,
            lost: 0,
            starved_until: 0,
            most: 0,
            usual: 0,
            transmissions: VecDeque::new(),
            last: RateSample {
                rate: 0,
                starved: false,
                delivered: 0,
                prior_delivered: None,
                newly_delivered: 0,
                in_flight: 0,
                lost: 0,
            },
        }
    }

    /// C.delivered.
    pub(crate) fn delivered(&self) -> u64 {
        self.delivered
    }

    /// The last sample that told a rate.
    pub(crate) fn last(&self) -> &RateSample {
        &self.last
    }

    pub(crate) fn is_starved(&self) -> bool {
        self.starved_until != 0
    }

    /// The numbers from `begin` to `end` were sent, for the first time or again; with them `in_flight` bytes are under way.
    pub(crate) fn on_sent(&mut self, begin: Seq, end: Seq, in_flight: u32, now: Instant) {
        if in_flight <= end.since(begin) {
            (self.first_sent_at, self.delivered_at) = (now, now);
        }
        if self.transmissions.len() >= MAX_TRANSMISSIONS {
            self.transmissions.pop_front();
        } else if self.transmissions.capacity() == 0 {
            self.transmissions.reserve(usize::from(self.usual));
        }
        self.transmissions.push_back(Transmission {
            begin,
            end,
            sent_at: now,
            first_sent_at: self.first_sent_at,
            delivered: self.delivered,
            delivered_at: self.delivered_at,
            lost: self.lost,
            in_flight,
            starved: self.is_starved(),
        });
        self.most = self.most.max(self.transmissions.len() as u16);
    }

    /// What was sent at `sent_at` with the number before `end`.
    fn find(&self, sent_at: Instant, end: Seq) -> Option<&Transmission> {
        let first = self.transmissions.partition_point(|sent| sent.sent_at < sent_at);
        self.transmissions
            .range(first..)
            .take_while(|sent| sent.sent_at == sent_at)
            .find(|sent| sent.begin.before(end) && end.at_or_before(sent.end))
    }

    /// `bytes` were delivered; of all of them, the one before `newest` was sent last, at the time beside it. All before `oldest` has
    /// been acknowledged. No sample from less than `shortest` microseconds tells a rate: nothing comes back sooner.
    pub(crate) fn on_delivered(
        &mut self,
        bytes: u32,
        newest: Option<(Instant, Seq)>,
        oldest: Seq,
        shortest: u32,
        now: Instant,
    ) -> RateSample {
        let mut sample = RateSample { newly_delivered: bytes, ..RateSample::default() };
        if bytes > 0 {
            self.delivered += u64::from(bytes);
            self.delivered_at = now;
        }
        if self.starved_until != 0 && self.delivered > self.starved_until {
            self.starved_until = 0;
        }
        if let Some(sent) = newest.and_then(|(sent_at, end)| self.find(sent_at, end).copied()) {
            self.first_sent_at = sent.sent_at;
            let sending = sent.sent_at.saturating_since(sent.first_sent_at);
            let acknowledging = now.saturating_since(sent.delivered_at);
            let interval = sending.max(acknowledging).as_nanos() as u64;
            sample.starved = sent.starved;
            sample.delivered = self.delivered - sent.delivered;
            sample.prior_delivered = Some(sent.delivered);
            sample.in_flight = sent.in_flight;
            sample.lost = self.lost - sent.lost;
            if interval / 1_000 >= u64::from(shortest) {
                sample.rate = per_second(sample.delivered, interval);
                self.last = sample;
            }
        }
        while self.transmissions.front().is_some_and(|sent| sent.end.at_or_before(oldest)) {
            self.transmissions.pop_front();
        }
        if self.transmissions.is_empty() {
            self.rest();
        }
        sample
    }

    /// Nothing is under way: who rests keeps little. What was needed is taken at once when it goes on, not bit by bit.
    fn rest(&mut self) {
        self.usual = core::mem::take(&mut self.most);
        if self.transmissions.capacity() > KEPT {
            self.transmissions = VecDeque::new();
        }
    }

    /// `bytes` are lost, which were sent at `sent_at` with the number before `end` as their last. Returns their transmission, and
    /// how much was lost since.
    pub(crate) fn on_lost(&mut self, bytes: u32, sent_at: Instant, end: Seq) -> Option<(Transmission, u64)> {
        self.lost += u64::from(bytes);
        let sent = *self.find(sent_at, end)?;
        Some((sent, self.lost - sent.lost))
    }

    /// The path could take more, but there is nothing to send, with `in_flight` bytes under way (4.1.2.4).
    pub(crate) fn on_starved(&mut self, in_flight: u32) {
        self.starved_until = (self.delivered + u64::from(in_flight)).max(1);
    }
}

fn per_second(bytes: u64, nanoseconds: u64) -> u64 {
    match nanoseconds {
        0 => 0,
        nanoseconds => {
            (u128::from(bytes) * 1_000_000_000 / u128::from(nanoseconds)).min(u128::from(u64::MAX)) as u64
        }
    }
}

#[cfg(test)]
mod tests;
