//! What guests have sent and what waits to be carried on: they take turns, so that one that floods fills a row of its own.

use super::holder::{Holder, Standing};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Bytes that may wait of one guest, and of all.
const MOST_EACH: usize = 256 << 10;
const MOST: usize = 8 << 20;
/// Bytes that a thing costs beside what it carries, so that empty ones are bounded too.
const COST: usize = 256;

/// A row for each guest of which something waits.
///
/// Where there is no room for all, whoever has the least takes the place of whoever has the most; and nobody who has just come, as many as
/// those may be, takes a place or a turn from those who have been there for a while: these have every second turn at least.
#[derive(Debug)]
pub struct Turns<T> {
    rows: BTreeMap<Holder, Row<T>>,
    /// Whose turn is next, by standing: of those who have come just now, and of the others.
    orders: [BTreeMap<u64, Holder>; 2],
    /// Who has how much; last who loses first.
    sizes: BTreeSet<Size>,
    /// Who has the next turn, if there is anybody of that standing, and its number.
    next: Standing,
    turn: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Row<T> {
    things: VecDeque<(usize, T)>,
    bytes: usize,
    standing: Standing,
    turn: u64,
}

/// How soon a row loses what is in it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Size {
    is_new: bool,
    bytes: usize,
    holder: Holder,
}

impl<T> Default for Turns<T> {
    fn default() -> Turns<T> {
        let (rows, orders, sizes) = (BTreeMap::new(), [const { BTreeMap::new() }; 2], BTreeSet::new());
        Turns { rows, orders, sizes, next: Standing::Settled, turn: 0, bytes: 0 }
    }
}

impl<T> Turns<T> {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// One thing more of `holder`, which carries so many bytes. What is lost because there is no room for all is returned: this one, or the
    /// youngest of whoever has the most.
    pub fn push(&mut self, holder: Holder, standing: Standing, carries: usize, thing: T) -> Vec<T> {
        let bytes = carries.saturating_add(COST);
        let its = self.rows.get(&holder).map_or(0, |row| row.bytes).saturating_add(bytes);
        let mut lost = Vec::new();
        let may = its <= MOST_EACH;
        while may && self.bytes.saturating_add(bytes) > MOST {
            let mine = Size { is_new: standing == Standing::New, bytes: its, holder };
            let Some(most) = self.sizes.last().filter(|most| most.is_before(&mine)) else { break };
            lost.extend(self.take_back(most.holder));
        }
        if !may || self.bytes.saturating_add(bytes) > MOST {
            lost.push(thing);
            return lost;
        }
        let mut row = self.unlink(holder).unwrap_or_else(|| {
            self.turn += 1;
            Row { things: VecDeque::new(), bytes: 0, standing, turn: self.turn }
        });
        if standing == Standing::Settled {
            row.standing = standing;
        }
        row.things.push_back((bytes, thing));
        row.bytes += bytes;
        self.link(holder, row);
        lost
    }

    /// The oldest thing of the guest whose turn it is.
    pub fn pop(&mut self) -> Option<T> {
        let first = |standing: Standing| self.orders[standing as usize].first_key_value();
        let (_, holder) = first(self.next).or_else(|| first(self.next.other()))?;
        let (holder, mut row) = (*holder, self.unlink(*holder)?);
        let thing = row.things.pop_front();
        self.next = row.standing.other();
        self.turn += 1;
        row.turn = self.turn;
        self.settle(holder, row, thing)
    }

    /// The youngest thing of `holder`, whose turn stays what it is.
    fn take_back(&mut self, holder: Holder) -> Option<T> {
        let mut row = self.unlink(holder)?;
        let thing = row.things.pop_back();
        self.settle(holder, row, thing)
    }

    /// `thing` was taken out of a row, which stays if it has more.
    fn settle(&mut self, holder: Holder, mut row: Row<T>, thing: Option<(usize, T)>) -> Option<T> {
        let (bytes, thing) = thing?;
        row.bytes -= bytes;
        if !row.things.is_empty() {
            self.link(holder, row);
        }
        Some(thing)
    }

    fn link(&mut self, holder: Holder, row: Row<T>) {
        self.bytes += row.bytes;
        self.sizes.insert(row.size(holder));
        self.orders[row.standing as usize].insert(row.turn, holder);
        self.rows.insert(holder, row);
    }

    fn unlink(&mut self, holder: Holder) -> Option<Row<T>> {
        let row = self.rows.remove(&holder)?;
        self.bytes -= row.bytes;
        self.sizes.remove(&row.size(holder));
        self.orders[row.standing as usize].remove(&row.turn);
        Some(row)
    }
}

impl<T> Row<T> {
    fn size(&self, holder: Holder) -> Size {
        Size { is_new: self.standing == Standing::New, bytes: self.bytes, holder }
    }
}

impl Size {
    /// Whether this row makes room for another, as large as that would be then.
    fn is_before(&self, other: &Size) -> bool {
        (self.is_new, self.bytes) > (other.is_new, other.bytes) && self.holder != other.holder
    }
}

#[cfg(test)]
mod tests;
