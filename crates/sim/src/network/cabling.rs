//! A cable between two nodes or a segment of many, and what it does to frames.

use super::id::{FrameId, NodeId, WireId};
use super::impairments::{Impairments, MILLION};
use super::rule::Effect;
use super::trace::Fate;
use basis::{Instant, Random};
use bytes::Bytes;
use std::time::Duration;

/// Where a wire ends: a node's port, and what is on its way from it.
#[derive(Clone, Debug)]
pub(crate) struct End {
    pub(crate) node: NodeId,
    pub(crate) port: usize,
    /// Until when the sender is busy with what it has taken.
    busy_until: Instant,
    /// When the last frame arrives that keeps its place.
    last_arrival: Instant,
}

#[derive(Clone, Debug)]
pub(crate) struct Wire {
    pub(crate) id: WireId,
    pub(crate) impairments: Impairments,
    pub(crate) ethernet: bool,
    pub(crate) up: bool,
    pub(crate) ends: Vec<End>,
}

/// A frame that will arrive.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    pub(crate) frame: FrameId,
    pub(crate) wire: WireId,
    pub(crate) node: NodeId,
    pub(crate) port: usize,
    pub(crate) bytes: Bytes,
    pub(crate) corrupted: bool,
}

impl Wire {
    pub(crate) fn new(id: WireId, impairments: Impairments, ethernet: bool) -> Wire {
        Wire { id, impairments, ethernet, up: true, ends: Vec::new() }
    }

    pub(crate) fn add_end(&mut self, node: NodeId, port: usize) {
        let (busy_until, last_arrival) = (Instant::ZERO, Instant::ZERO);
        self.ends.push(End { node, port, busy_until, last_arrival });
    }

    /// Takes a frame from one of its ends. `deliver` gets what arrives, and when.
    ///
    /// # Errors
    /// Why it is lost to everybody.
    pub(crate) fn carry(
        &mut self,
        now: Instant,
        from: usize,
        (frame, bytes): (FrameId, &Bytes),
        effect: Option<Effect>,
        random: &mut Random,
        deliver: &mut dyn FnMut(Instant, Arrival),
    ) -> Result<(), Fate> {
        self.up &= effect != Some(Effect::Cut);
        if !self.up {
            return Err(Fate::Cut);
        }
        let sent = self.transmit(now, from, bytes.len())?;
        if effect == Some(Effect::Drop) {
            return Err(Fate::Ruled);
        }
        let extra = if let Some(Effect::Delay(time)) = effect { time } else { Duration::ZERO };
        let copies = 1 + (effect == Some(Effect::Duplicate)) as u32;
        let spoil = effect == Some(Effect::Corrupt);
        let mut arrived = false;
        // A wire with one end is a host's way to itself.
        let alone = self.ends.len() == 1;
        for to in (0..self.ends.len()).filter(|to| alone || *to != from) {
            let copies = copies + happens(random, self.impairments.duplication) as u32;
            for _ in 0..copies {
                if happens(random, self.impairments.loss) {
                    continue;
                }
                arrived = true;
                let at = self.arrival(sent, from, extra, random);
                let corrupted = (spoil || happens(random, self.impairments.corruption)) && !bytes.is_empty();
                let bytes = if corrupted { with_one_bit_turned(bytes, random) } else { bytes.clone() };
                let End { node, port, .. } = self.ends[to];
                deliver(at, Arrival { frame, wire: self.id, node, port, bytes, corrupted });
            }
        }
        if arrived || self.ends.len() < 2 { Ok(()) } else { Err(Fate::Lost) }
    }

    /// When the frame has left its sender.
    fn transmit(&mut self, now: Instant, from: usize, length: usize) -> Result<Instant, Fate> {
        let Some(rate) = self.impairments.rate else { return Ok(now) };
        let end = &mut self.ends[from];
        let begin = end.busy_until.max(now);
        let waiting = (begin - now).as_nanos() * u128::from(rate) / 8_000_000_000;
        if waiting + length as u128 > self.impairments.queue as u128 {
            return Err(Fate::QueueFull);
        }
        let time = length as u128 * 8_000_000_000 / u128::from(rate.max(1));
        end.busy_until = begin + Duration::from_nanos(u64::try_from(time).unwrap_or(u64::MAX));
        Ok(end.busy_until)
    }

    /// Bytes that wait at an end for their turn.
    pub(crate) fn waiting(&self, now: Instant, end: usize) -> usize {
        let (Some(rate), Some(end)) = (self.impairments.rate, self.ends.get(end)) else { return 0 };
        let waiting = end.busy_until.saturating_since(now).as_nanos() * u128::from(rate) / 8_000_000_000;
        usize::try_from(waiting).unwrap_or(usize::MAX)
    }

    /// When a frame arrives that has left its sender at `sent`.
    fn arrival(&mut self, sent: Instant, from: usize, extra: Duration, random: &mut Random) -> Instant {
        let Impairments { delay, jitter, reordering, detour, .. } = self.impairments;
        let jitter = u32::try_from(jitter.as_nanos()).unwrap_or(u32::MAX);
        let at = sent + delay + Duration::from_nanos(u64::from(random.below(jitter)));
        if happens(random, reordering) {
            return at + detour + extra;
        }
        if extra > Duration::ZERO {
            return at + extra;
        }
        let end = &mut self.ends[from];
        end.last_arrival = end.last_arrival.max(at);
        end.last_arrival
    }
}

fn with_one_bit_turned(bytes: &Bytes, random: &mut Random) -> Bytes {
    let mut copy = bytes.to_vec();
    let bit = random.below(8 * copy.len() as u32) as usize;
    copy[bit / 8] ^= 1 << (bit % 8);
    Bytes::from(copy)
}

/// Whether something of this probability happens now.
fn happens(random: &mut Random, probability: u32) -> bool {
    probability > 0 && random.below(MILLION) < probability
}
