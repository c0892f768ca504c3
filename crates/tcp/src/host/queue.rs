//! A queue that seldom holds much: joining and leaving it are a few instructions, and nothing comes round.

use alloc::vec::Vec;

/// So many places at the front may be vacant, whatever stands behind them.
const VACANT: usize = 64;

/// Who joins first leaves first. It never takes more than twice the room that those who stand in it need, and [`VACANT`] places.
#[derive(Clone, Debug)]
pub(crate) struct Queue<T> {
    /// Those before `first` have left.
    entries: Vec<T>,
    first: usize,
}

impl<T: Copy> Queue<T> {
    pub(crate) const fn new() -> Queue<T> {
        Queue { entries: Vec::new(), first: 0 }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.first == self.entries.len()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len() - self.first
    }

    #[inline(always)]
    pub(crate) fn push_back(&mut self, entry: T) {
        self.entries.push(entry);
    }

    #[inline(always)]
    pub(crate) fn pop_front(&mut self) -> Option<T> {
        let entry = *self.entries.get(self.first)?;
        self.first += 1;
        if self.first == self.entries.len() {
            self.entries.clear();
            self.first = 0;
        } else if self.first > VACANT {
            self.close_up();
        }
        Some(entry)
    }

    /// Those who stand in the queue move forward, once they are no more than those who have left: so nobody moves more than once for each
    /// who leaves.
    #[inline(never)]
    fn close_up(&mut self) {
        if self.first >= self.len() {
            self.entries.drain(..self.first);
            self.first = 0;
        }
    }

    /// Keeps only those whom `stays` wants.
    pub(crate) fn retain(&mut self, mut stays: impl FnMut(&T) -> bool) {
        self.entries.drain(..self.first);
        self.first = 0;
        self.entries.retain(|entry| stays(entry));
    }
}

impl<T: Copy> Default for Queue<T> {
    fn default() -> Self {
        Queue::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::VecDeque;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_a_queue_and_takes_no_more_than_twice_the_room(steps in prop::collection::vec((any::<bool>(), 1..200_u32), 1..40)) {
            let (mut queue, mut plain, mut next) = (Queue::new(), VecDeque::new(), 0);
            for (join, count) in steps {
                for _ in 0..count {
                    if join {
                        queue.push_back(next);
                        plain.push_back(next);
                        next += 1;
                    } else {
                        prop_assert_eq!(queue.pop_front(), plain.pop_front());
                    }
                    prop_assert_eq!((queue.len(), queue.is_empty()), (plain.len(), plain.is_empty()));
                    prop_assert!(queue.entries.len() <= 2 * plain.len() + VACANT);
                }
                queue.retain(|entry| entry % 7 != 0);
                plain.retain(|entry| entry % 7 != 0);
            }
            prop_assert!(core::iter::from_fn(|| queue.pop_front()).eq(plain));
        }
    }
}
