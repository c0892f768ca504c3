//! What guests have sent and what waits to be carried on: they take turns, so that one that floods fills a row of its own.

use super::holder::Holder;
use std::collections::{BTreeMap, VecDeque};

/// Bytes that may wait of one guest, and of all.
const MOST_EACH: usize = 256 << 10;
const MOST: usize = 8 << 20;
/// Bytes that a thing costs beside what it carries, so that empty ones are bounded too.
const COST: usize = 256;

/// A row for each guest of which something waits.
#[derive(Debug)]
pub struct Turns<T> {
    rows: BTreeMap<Holder, Row<T>>,
    /// Whose turn is next; each that has a row is there once.
    order: VecDeque<Holder>,
    bytes: usize,
}

#[derive(Debug)]
struct Row<T> {
    things: VecDeque<(usize, T)>,
    bytes: usize,
}

impl<T> Default for Turns<T> {
    fn default() -> Turns<T> {
        Turns { rows: BTreeMap::new(), order: VecDeque::new(), bytes: 0 }
    }
}

impl<T> Turns<T> {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// One thing more of `holder`, which carries so many bytes. False if there is no room: it is gone then.
    pub fn push(&mut self, holder: Holder, carries: usize, thing: T) -> bool {
        let bytes = carries.saturating_add(COST);
        let its = self.rows.get(&holder).map_or(0, |row| row.bytes);
        if its.saturating_add(bytes) > MOST_EACH || self.bytes.saturating_add(bytes) > MOST {
            return false;
        }
        let order = &mut self.order;
        let row = self.rows.entry(holder).or_insert_with(|| {
            order.push_back(holder);
            Row { things: VecDeque::new(), bytes: 0 }
        });
        row.things.push_back((bytes, thing));
        row.bytes += bytes;
        self.bytes += bytes;
        true
    }

    /// The oldest thing of the guest whose turn it is.
    pub fn pop(&mut self) -> Option<T> {
        let holder = self.order.pop_front()?;
        let row = self.rows.get_mut(&holder)?;
        let (bytes, thing) = row.things.pop_front()?;
        row.bytes -= bytes;
        self.bytes -= bytes;
        match row.things.is_empty() {
            true => drop(self.rows.remove(&holder)),
            false => self.order.push_back(holder),
        }
        Some(thing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guest(number: u8) -> Holder {
        Holder::Station([2, 0, 0, 0, 0, number])
    }

    #[test]
    fn each_guest_has_its_turn_whatever_another_sends() {
        let mut turns = Turns::default();
        for number in 0..100 {
            assert!(turns.push(guest(1), 10, (1, number)));
        }
        assert!(turns.push(guest(2), 10, (2, 0)) && turns.push(Holder::Link, 10, (3, 0)));
        assert!(turns.push(guest(2), 10, (2, 1)));
        let order: Vec<_> = std::iter::from_fn(|| turns.pop()).collect();
        assert_eq!(order[..6], [(1, 0), (2, 0), (3, 0), (1, 1), (2, 1), (1, 2)]);
        assert_eq!(order[6..], (3..100).map(|number| (1, number)).collect::<Vec<_>>());
        assert!(turns.is_empty() && turns.rows.is_empty() && turns.bytes == 0);
    }

    #[test]
    fn what_waits_of_one_guest_and_of_all_is_bounded() {
        let mut turns = Turns::default();
        let each = MOST_EACH / COST;
        assert_eq!((0..2 * each).filter(|_| turns.push(guest(1), 0, ())).count(), each);
        assert!(turns.push(guest(2), MOST_EACH - COST, ()) && !turns.push(guest(2), 0, ()));
        assert!(!turns.push(guest(3), MOST_EACH - COST + 1, ()));
        // What has left makes room.
        turns.pop();
        assert!(turns.push(guest(1), 0, ()) && !turns.push(guest(1), 0, ()));
        let filled = (3..=255).filter(|number| turns.push(guest(*number), MOST_EACH - COST, ())).count();
        assert_eq!(filled, MOST / MOST_EACH - 2);
        assert_eq!(turns.bytes, MOST);
    }
}
