//! Which of a host's shards a stack is.

/// Shards of one host at most.
pub const MAX_SHARDS: usize = 64;

/// The place of a stack among the shards of its host.
///
/// The first shard has everything that is not TCP: it answers ARP, neighbour solicitations and echo requests, has the UDP and echo
/// sockets, puts fragments together and claims the host's addresses. All shards of a host must grow from one seed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shard {
    index: u8,
    count: u8,
}

impl Shard {
    /// A host that is in one piece.
    pub const WHOLE: Shard = Shard { index: 0, count: 1 };

    /// Shard `index` of `count`; `None` if there is no such shard, or if there are more than [`MAX_SHARDS`].
    ///
    /// ```
    /// use netstrata_stack::Shard;
    /// assert_eq!(Shard::new(0, 1), Some(Shard::WHOLE));
    /// assert_eq!(Shard::new(2, 2), None);
    /// ```
    pub const fn new(index: usize, count: usize) -> Option<Shard> {
        if index < count && count <= MAX_SHARDS {
            Some(Shard { index: index as u8, count: count as u8 })
        } else {
            None
        }
    }

    /// Its number, from 0.
    pub const fn index(self) -> usize {
        self.index as usize
    }

    /// How many there are.
    pub const fn count(self) -> usize {
        self.count as usize
    }

    /// Whether everything that is not TCP is here.
    pub const fn is_first(self) -> bool {
        self.index == 0
    }

    /// An equal share of a bound of the whole host, rounded up.
    pub(crate) const fn part(self, of: usize) -> usize {
        of.div_ceil(self.count())
    }
}

impl Default for Shard {
    fn default() -> Self {
        Shard::WHOLE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_places_as_shards_and_no_more_than_the_bound() {
        assert!(Shard::new(MAX_SHARDS - 1, MAX_SHARDS).is_some());
        assert!(Shard::new(0, MAX_SHARDS + 1).is_none());
        assert!(Shard::new(0, 0).is_none() && Shard::new(1, 1).is_none());
    }
}
