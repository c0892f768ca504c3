//! A queue through the slots of a slab: joining, leaving from anywhere and looking at the front cost the same always.

use basis::Slab;

const NOBODY: u32 = u32::MAX;

/// A member's neighbours in the queue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Links {
    previous: u32,
    next: u32,
}

impl Links {
    pub(crate) const NONE: Links = Links { previous: NOBODY, next: NOBODY };
}

/// What can stand in a queue.
pub(crate) trait Linked {
    fn links(&mut self) -> &mut Links;
}

/// The queue's two ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fifo {
    first: u32,
    last: u32,
}

impl Fifo {
    pub(crate) const fn new() -> Fifo {
        Fifo { first: NOBODY, last: NOBODY }
    }

    pub(crate) fn front(&self) -> Option<u32> {
        (self.first != NOBODY).then_some(self.first)
    }

    pub(crate) fn push_back<T: Linked>(&mut self, slab: &mut Slab<T>, index: u32) {
        let Some(member) = slab.at_mut(index) else { return };
        *member.links() = Links { previous: self.last, next: NOBODY };
        match slab.at_mut(self.last) {
            Some(last) => last.links().next = index,
            None => self.first = index,
        }
        self.last = index;
    }

    pub(crate) fn remove<T: Linked>(&mut self, slab: &mut Slab<T>, index: u32) {
        let Some(member) = slab.at_mut(index) else { return };
        let Links { previous, next } = core::mem::replace(member.links(), Links::NONE);
        match slab.at_mut(previous) {
            Some(previous) => previous.links().next = next,
            None => self.first = next,
        }
        match slab.at_mut(next) {
            Some(next) => next.links().previous = previous,
            None => self.last = previous,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    impl Linked for (u32, Links) {
        fn links(&mut self) -> &mut Links {
            &mut self.1
        }
    }

    proptest! {
        #[test]
        fn members_leave_in_the_order_they_joined(steps in prop::collection::vec((any::<bool>(), 0..20usize), 1..100)) {
            let (mut slab, mut fifo, mut plain) = (Slab::new(), Fifo::new(), Vec::new());
            for (n, (join, which)) in steps.into_iter().enumerate() {
                if join || plain.is_empty() {
                    let index = slab.insert((n as u32, Links::NONE)).unwrap().index();
                    fifo.push_back(&mut slab, index);
                    plain.push(index);
                } else {
                    let index = plain.remove(which % plain.len());
                    fifo.remove(&mut slab, index);
                    slab.remove(slab.key_at(index).unwrap());
                }
                prop_assert_eq!(fifo.front(), plain.first().copied());
            }
            while let Some(index) = fifo.front() {
                prop_assert_eq!(index, plain.remove(0));
                fifo.remove(&mut slab, index);
                slab.remove(slab.key_at(index).unwrap());
            }
            prop_assert!(plain.is_empty());
        }
    }
}
