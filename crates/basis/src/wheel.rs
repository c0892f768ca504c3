//! Deadlines of very many things: arming, cancelling and finding the next one cost the same for one as for a million.
//!
//! A hierarchical timing wheel (Varghese and Lauck, 1987): 64 slots a level, each level 64 times coarser. The coarse
//! place is only where a deadline waits; it fires by its exact nanosecond.

use crate::time::Instant;
use alloc::vec::Vec;

const LEVELS: usize = 6;
const SLOTS: usize = 64;
const SLOT_BITS: u32 = 6;
/// One tick is 2^20 ns, about a millisecond.
const TICK_BITS: u32 = 20;
/// The furthest place, in ticks. One slot less than all of them, or what waits for longer would be put into the slot that is being
/// emptied, for ever; it is put further each time its place comes.
const MAX_DISTANCE: u64 = (SLOTS as u64 - 1) << (SLOT_BITS * (LEVELS as u32 - 1));
/// The list of timers that have expired and wait to be popped.
const EXPIRED: u16 = (LEVELS * SLOTS) as u16;
const VACANT: u16 = EXPIRED + 1;
const NO_NODE: u32 = u32::MAX;

/// Names one armed timer of a [`TimerWheel`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimerId(u32);

impl TimerId {
    /// A value that names no timer.
    pub const NONE: TimerId = TimerId(NO_NODE);
}

/// A set of deadlines, each with a token that says whose it is.
///
/// ```
/// use netstrata_basis::{Instant, TimerWheel};
/// let mut wheel = TimerWheel::new(Instant::ZERO);
/// let timer = wheel.arm(Instant::from_millis(30), 7);
/// assert_eq!(wheel.next_deadline(), Some(Instant::from_millis(30)));
/// assert_eq!(wheel.pop_expired(Instant::from_millis(29)), None);
/// assert_eq!(wheel.pop_expired(Instant::from_millis(30)), Some(7));
/// ```
#[derive(Clone, Debug)]
pub struct TimerWheel {
    nodes: Vec<Node>,
    first_vacant: u32,
    /// One list a slot, and the list of the expired.
    lists: Vec<List>,
    occupied: [u64; LEVELS],
    /// The tick up to which slots have been emptied.
    tick: u64,
    /// What [`TimerWheel::next_deadline`] tells; [`Instant::FAR_FUTURE`] if nothing is armed.
    earliest: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    deadline: Instant,
    token: u32,
    next: u32,
    previous: u32,
    list: u16,
}

#[derive(Clone, Copy, Debug)]
struct List {
    first: u32,
    last: u32,
    /// No later than the earliest deadline in the list; exact unless a timer was cancelled.
    earliest: Instant,
}

const EMPTY: List = List { first: NO_NODE, last: NO_NODE, earliest: Instant::FAR_FUTURE };

impl TimerWheel {
    /// An empty wheel that stands at `now`.
    pub fn new(now: Instant) -> TimerWheel {
        TimerWheel {
            nodes: Vec::new(),
            first_vacant: NO_NODE,
            lists: alloc::vec![EMPTY; LEVELS * SLOTS + 1],
            occupied: [0; LEVELS],
            tick: now.as_nanos() >> TICK_BITS,
            earliest: Instant::FAR_FUTURE,
        }
    }

    /// Arms a timer.
    pub fn arm(&mut self, deadline: Instant, token: u32) -> TimerId {
        let node = Node { deadline, token, next: NO_NODE, previous: NO_NODE, list: VACANT };
        let id = match self.first_vacant {
            NO_NODE => {
                self.nodes.push(node);
                self.nodes.len() as u32 - 1
            }
            id => {
                self.first_vacant = self.nodes[id as usize].next;
                self.nodes[id as usize] = node;
                id
            }
        };
        self.place(id);
        TimerId(id)
    }

    /// Moves an armed timer to another deadline.
    pub fn rearm(&mut self, timer: TimerId, deadline: Instant) {
        if !self.is_armed(timer) {
            return;
        }
        let earliest = self.unlink(timer.0);
        self.nodes[timer.0 as usize].deadline = deadline;
        self.place(timer.0);
        // One that moves forward is no later than what it leaves.
        if deadline > earliest {
            self.on_gone(earliest);
        }
    }

    /// Gives a timer another token.
    #[inline]
    pub fn assign(&mut self, timer: TimerId, token: u32) {
        if let Some(node) = self.nodes.get_mut(timer.0 as usize) {
            node.token = token;
        }
    }

    /// Disarms a timer; nothing happens if it is not armed. The caller forgets the id.
    pub fn cancel(&mut self, timer: TimerId) {
        if self.is_armed(timer) {
            let earliest = self.unlink(timer.0);
            self.on_gone(earliest);
            self.release(timer.0);
        }
    }

    /// The deadline that comes next, or up to one cancelled timer's span earlier.
    #[inline]
    pub fn next_deadline(&self) -> Option<Instant> {
        (self.earliest != Instant::FAR_FUTURE).then_some(self.earliest)
    }

    /// Finds the earliest deadline anew: it may have gone.
    fn look_for_earliest(&mut self) {
        let mut earliest = self.lists[EXPIRED as usize].earliest;
        for level in 0..LEVELS {
            if let Some(slot) = self.next_slot(level) {
                earliest = earliest.min(self.lists[level * SLOTS + slot].earliest);
            }
        }
        self.earliest = earliest;
    }

    /// Disarms one timer whose deadline has come, and returns its token.
    pub fn pop_expired(&mut self, now: Instant) -> Option<u32> {
        if self.lists[EXPIRED as usize].first == NO_NODE {
            self.advance(now);
        }
        let id = self.lists[EXPIRED as usize].first;
        if id == NO_NODE {
            return None;
        }
        let earliest = self.unlink(id);
        self.on_gone(earliest);
        let token = self.nodes[id as usize].token;
        self.release(id);
        Some(token)
    }

    /// How many timers are armed.
    pub fn armed(&self) -> usize {
        self.nodes.iter().filter(|node| node.list != VACANT).count()
    }

    /// Moves what is due by `now` to the list of the expired.
    fn advance(&mut self, now: Instant) {
        let target = now.as_nanos() >> TICK_BITS;
        while let Some((level, slot, start)) = self.next_occupied() {
            if start > target {
                break;
            }
            self.tick = self.tick.max(start);
            let index = level * SLOTS + slot;
            if level == 0 && start == target && self.lists[index].earliest > now {
                break;
            }
            self.empty_slot(level, index, now);
            if level == 0 && start >= target {
                break;
            }
        }
        self.tick = self.tick.max(target);
        self.look_for_earliest();
    }

    /// Expires the timers of one slot or places them anew, one level finer.
    fn empty_slot(&mut self, level: usize, index: usize, now: Instant) {
        let mut id = self.lists[index].first;
        self.lists[index] = EMPTY;
        self.occupied[level] &= !(1 << (index % SLOTS));
        while id != NO_NODE {
            let next = self.nodes[id as usize].next;
            if self.nodes[id as usize].deadline <= now {
                let deadline = self.nodes[id as usize].deadline;
                self.append(EXPIRED, id, deadline);
            } else {
                self.place(id);
            }
            id = next;
        }
    }

    /// The occupied slot that comes first: its level, its number and the tick at which it starts.
    fn next_occupied(&self) -> Option<(usize, usize, u64)> {
        let mut found: Option<(usize, usize, u64)> = None;
        for level in 0..LEVELS {
            let Some(slot) = self.next_slot(level) else { continue };
            let shift = SLOT_BITS * level as u32;
            let here = self.tick >> shift;
            let distance = (slot as u64).wrapping_sub(here) % SLOTS as u64;
            let start = if distance == 0 { self.tick } else { (here + distance) << shift };
            // On a tie the coarser slot is emptied first: it may hold earlier deadlines.
            if found.is_none_or(|(_, _, earliest)| start <= earliest) {
                found = Some((level, slot, start));
            }
        }
        found
    }

    /// The first occupied slot of a level, in the order in which time reaches them.
    fn next_slot(&self, level: usize) -> Option<usize> {
        let occupied = self.occupied[level];
        if occupied == 0 {
            return None;
        }
        let here = (self.tick >> (SLOT_BITS * level as u32)) as u32 % SLOTS as u32;
        Some((occupied.rotate_right(here).trailing_zeros() + here) as usize % SLOTS)
    }

    fn place(&mut self, id: u32) {
        let due = (self.nodes[id as usize].deadline.as_nanos() >> TICK_BITS).max(self.tick);
        let distance = (due - self.tick).min(MAX_DISTANCE);
        let due = self.tick + distance;
        // The highest differing bit, not the distance, decides the level: then a slot never wraps onto itself.
        let differing = (due ^ self.tick) | (SLOTS as u64 - 1);
        let level = (((63 - differing.leading_zeros()) / SLOT_BITS) as usize).min(LEVELS - 1);
        let slot = (due >> (SLOT_BITS * level as u32)) as usize % SLOTS;
        self.occupied[level] |= 1 << slot;
        // What waits for longer is looked at when its place comes, which may be before another's deadline.
        let deadline = self.nodes[id as usize].deadline.min(Instant::from_nanos((due + 1) << TICK_BITS));
        self.append((level * SLOTS + slot) as u16, id, deadline);
    }

    fn append(&mut self, list: u16, id: u32, earliest: Instant) {
        let last = self.lists[list as usize].last;
        let node = &mut self.nodes[id as usize];
        (node.list, node.previous, node.next) = (list, last, NO_NODE);
        match last {
            NO_NODE => self.lists[list as usize].first = id,
            last => self.nodes[last as usize].next = id,
        }
        let list = &mut self.lists[list as usize];
        list.last = id;
        list.earliest = list.earliest.min(earliest);
        self.earliest = self.earliest.min(earliest);
    }

    /// Takes a timer out of its list. Returns the deadline that may be the earliest no more: see [`TimerWheel::on_gone`].
    fn unlink(&mut self, id: u32) -> Instant {
        let Node { deadline, next, previous, list, .. } = self.nodes[id as usize];
        match previous {
            NO_NODE => self.lists[list as usize].first = next,
            previous => self.nodes[previous as usize].next = next,
        }
        match next {
            NO_NODE => self.lists[list as usize].last = previous,
            next => self.nodes[next as usize].previous = previous,
        }
        let mut earliest = deadline;
        if self.lists[list as usize].first == NO_NODE {
            earliest = core::mem::replace(&mut self.lists[list as usize], EMPTY).earliest;
            if list != EXPIRED {
                self.occupied[list as usize / SLOTS] &= !(1 << (list as usize % SLOTS));
            }
        }
        earliest
    }

    /// What had this deadline has left. Unless it was the earliest, an earlier one is still there.
    #[inline]
    fn on_gone(&mut self, deadline: Instant) {
        if deadline <= self.earliest {
            self.look_for_earliest();
        }
    }

    fn release(&mut self, id: u32) {
        let node = &mut self.nodes[id as usize];
        (node.list, node.next) = (VACANT, self.first_vacant);
        self.first_vacant = id;
    }

    fn is_armed(&self, timer: TimerId) -> bool {
        self.nodes.get(timer.0 as usize).is_some_and(|node| node.list != VACANT)
    }
}

#[cfg(test)]
mod tests;
