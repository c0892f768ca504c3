//! What happens to the frames of one direction.

use super::settings::Impairment;
use basis::{Frame, Instant, Random};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// A frame is held back behind at most so many later ones.
const MOST_OVERTAKING: u32 = 3;
/// And no longer than this, so that the last frame of all is not held for ever.
const LONGEST_HOLD: Duration = Duration::from_millis(5);

/// The frames of one direction that are under way.
pub(super) struct Direction {
    impairment: Impairment,
    random: Random,
    /// The frame that is due first on top.
    under_way: BinaryHeap<Reverse<Travelling>>,
    /// Frames that wait for later ones to overtake them.
    held: Vec<Held>,
    next_sequence: u64,
    /// When the last bit of all frames so far has left, at the given rate.
    free_at: Instant,
    lost: u64,
}

struct Travelling {
    due: Instant,
    sequence: u64,
    frame: Frame,
}

struct Held {
    frame: Frame,
    until: Instant,
    overtaking: u32,
}

impl Travelling {
    /// Frames that are due at the same time keep their order.
    fn order(&self) -> (Instant, u64) {
        (self.due, self.sequence)
    }
}

impl PartialEq for Travelling {
    fn eq(&self, other: &Self) -> bool {
        self.order() == other.order()
    }
}

impl Eq for Travelling {}

impl PartialOrd for Travelling {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Travelling {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.order().cmp(&other.order())
    }
}

/// What chance has decided for a frame.
struct Fate {
    is_lost: bool,
    is_doubled: bool,
    is_damaged: bool,
    overtaking: u32,
    delay: Duration,
    bit: u64,
}

impl Direction {
    pub(super) fn new(impairment: Impairment, random: Random) -> Direction {
        Direction {
            impairment,
            random,
            under_way: BinaryHeap::new(),
            held: Vec::new(),
            next_sequence: 0,
            free_at: Instant::ZERO,
            lost: 0,
        }
    }

    /// Frames lost so far.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    /// A frame sets out.
    pub(super) fn push(&mut self, mut frame: Frame, now: Instant) {
        self.release_expired(now);
        let fate = self.draw();
        if fate.is_lost || self.under_way.len() + self.held.len() >= self.impairment.queue {
            self.lost += 1;
            return;
        }
        if fate.is_damaged {
            frame = damaged(&frame, fate.bit);
        }
        let twin = fate.is_doubled.then(|| frame.clone());
        if fate.overtaking > 0 {
            self.held.push(Held { frame, until: now + LONGEST_HOLD, overtaking: fate.overtaking });
        } else {
            self.depart(frame, now, fate.delay);
            self.release_overtaken(now, fate.delay);
        }
        if let Some(twin) = twin {
            if self.under_way.len() + self.held.len() >= self.impairment.queue {
                self.lost += 1;
            } else {
                self.depart(twin, now, fate.delay);
            }
        }
    }

    /// The next frame that has arrived by now.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<Frame> {
        self.release_expired(now);
        if self.under_way.peek()?.0.due > now {
            return None;
        }
        self.under_way.pop().map(|Reverse(travelling)| travelling.frame)
    }

    /// When there is something to do without a new frame.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let held = self.held.iter().map(|held| held.until).min();
        let first = self.under_way.peek().map(|Reverse(travelling)| travelling.due);
        held.into_iter().chain(first).min()
    }

    /// Draws the same count of numbers for every frame, so that the fate of one does not hang on that of another.
    fn draw(&mut self) -> Fate {
        let Impairment { loss, duplicate, reorder, corrupt, delay, jitter, .. } = self.impairment;
        let is_lost = loss.happens(&mut self.random);
        let is_doubled = duplicate.happens(&mut self.random);
        let is_reordered = reorder.happens(&mut self.random);
        let is_damaged = corrupt.happens(&mut self.random);
        let behind = 1 + self.random.below(MOST_OVERTAKING);
        let share = f64::from(self.random.next_u32()) / f64::from(u32::MAX);
        Fate {
            is_lost,
            is_doubled,
            is_damaged,
            overtaking: if is_reordered { behind } else { 0 },
            // Between delay - jitter and delay + jitter.
            delay: (delay + (2 * jitter).mul_f64(share)).saturating_sub(jitter),
            bit: self.random.next_u64(),
        }
    }

    /// Puts the frame on its way: first through the bottleneck, then over the distance.
    fn depart(&mut self, frame: Frame, now: Instant, delay: Duration) {
        let mut sent = now;
        if let Some(rate) = self.impairment.rate {
            // A frame has fewer than 2^20 bits and the rate is at least 1 kbit/s: this fits.
            let nanoseconds = frame.len() as u64 * 8 * 1_000_000_000 / rate.max(1);
            self.free_at = self.free_at.max(now) + Duration::from_nanos(nanoseconds);
            sent = self.free_at;
        }
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        self.under_way.push(Reverse(Travelling { due: sent + delay, sequence, frame }));
    }

    /// A frame has set out: those that were held back for it follow, with its delay.
    fn release_overtaken(&mut self, now: Instant, delay: Duration) {
        self.held.iter_mut().for_each(|held| held.overtaking -= 1);
        let released: Vec<Held> = self.held.extract_if(.., |held| held.overtaking == 0).collect();
        for held in released {
            self.depart(held.frame, now, delay);
        }
    }

    /// Those that nobody has overtaken in time set out.
    fn release_expired(&mut self, now: Instant) {
        if self.held.is_empty() {
            return;
        }
        let expired: Vec<Held> = self.held.extract_if(.., |held| held.until <= now).collect();
        for held in expired {
            self.depart(held.frame, held.until, self.impairment.delay);
        }
    }
}

/// A copy with one bit turned.
fn damaged(frame: &Frame, bit: u64) -> Frame {
    let mut bytes = frame.to_vec();
    let bits = (bytes.len() as u64 * 8).max(1);
    let place = bit % bits;
    if let Some(byte) = bytes.get_mut((place / 8) as usize) {
        *byte ^= 1 << (place % 8);
    }
    Frame::copy_of(&bytes)
}
