//! Sequence numbers.

use core::fmt;
use core::ops::{Add, AddAssign, Sub};

/// A sequence number: a place on a circle of 2^32 (RFC 9293 3.4).
///
/// There is no order on a circle, so there is no `Ord`. Comparisons hold for numbers less than 2^31 apart, which all numbers
/// of one window are.
///
/// ```
/// use netstrata_wire::tcp::Seq;
/// let last = Seq(u32::MAX);
/// assert_eq!(last + 1, Seq(0));
/// assert!(last.before(Seq(0)));
/// assert_eq!(Seq(9).since(last), 10);
/// assert!(Seq(9).within(last, 11) && !Seq(9).within(last, 10));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Seq(pub u32);

impl Seq {
    /// Numbers from `earlier` up to this one.
    #[inline]
    pub const fn since(self, earlier: Seq) -> u32 {
        self.0.wrapping_sub(earlier.0)
    }

    /// Whether this number comes before `other`.
    #[inline]
    pub const fn before(self, other: Seq) -> bool {
        (self.since(other) as i32) < 0
    }

    /// Whether this number is `other` or comes before it.
    #[inline]
    pub const fn at_or_before(self, other: Seq) -> bool {
        !self.after(other)
    }

    /// Whether this number comes after `other`.
    #[inline]
    pub const fn after(self, other: Seq) -> bool {
        other.before(self)
    }

    /// Whether this number is `other` or comes after it.
    #[inline]
    pub const fn at_or_after(self, other: Seq) -> bool {
        !self.before(other)
    }

    /// Whether this number is one of the `length` numbers from `start` on.
    #[inline]
    pub const fn within(self, start: Seq, length: u32) -> bool {
        self.since(start) < length
    }

    /// The later one.
    #[inline]
    #[must_use]
    pub const fn max(self, other: Seq) -> Seq {
        if self.before(other) { other } else { self }
    }

    /// The earlier one.
    #[inline]
    #[must_use]
    pub const fn min(self, other: Seq) -> Seq {
        if self.after(other) { other } else { self }
    }
}

impl Add<u32> for Seq {
    type Output = Seq;

    #[inline]
    fn add(self, count: u32) -> Seq {
        Seq(self.0.wrapping_add(count))
    }
}

impl AddAssign<u32> for Seq {
    #[inline]
    fn add_assign(&mut self, count: u32) {
        *self = *self + count;
    }
}

impl Sub<u32> for Seq {
    type Output = Seq;

    #[inline]
    fn sub(self, count: u32) -> Seq {
        Seq(self.0.wrapping_sub(count))
    }
}

impl fmt::Debug for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HALF: u32 = 1 << 31;

    proptest! {
        #[test]
        fn numbers_less_than_half_a_circle_apart_compare_by_their_distance(start: u32, count in 1..HALF) {
            let (earlier, later) = (Seq(start), Seq(start) + count);
            prop_assert_eq!(later.since(earlier), count);
            prop_assert_eq!(later - count, earlier);
            prop_assert!(earlier.before(later) && earlier.at_or_before(later));
            prop_assert!(!earlier.after(later) && !earlier.at_or_after(later));
            prop_assert!(later.after(earlier) && later.at_or_after(earlier));
            prop_assert!(!later.before(earlier) && !later.at_or_before(earlier));
            prop_assert_eq!((earlier.max(later), later.max(earlier)), (later, later));
            prop_assert_eq!((earlier.min(later), later.min(earlier)), (earlier, earlier));
        }

        #[test]
        fn comparison_does_not_depend_on_where_the_circle_is_cut(a: u32, distance in 0..HALF, turn: u32) {
            let (a, b) = (Seq(a), Seq(a) + distance);
            prop_assert_eq!(a.before(b), (a + turn).before(b + turn));
            prop_assert_eq!(a.at_or_before(b), (a + turn).at_or_before(b + turn));
            prop_assert_eq!(b.since(a), (b + turn).since(a + turn));
        }

        #[test]
        fn within_holds_for_exactly_the_numbers_of_the_window(start: u32, length: u32, offset: u32) {
            prop_assert_eq!((Seq(start) + offset).within(Seq(start), length), offset < length);
            prop_assert!(!Seq(start).within(Seq(start), 0));
        }

        #[test]
        fn a_number_is_neither_before_nor_after_itself(number: u32) {
            let number = Seq(number);
            prop_assert!(!number.before(number) && !number.after(number));
            prop_assert!(number.at_or_before(number) && number.at_or_after(number));
        }

        #[test]
        fn adding_wraps_like_adding_piecewise(start: u32, first: u32, second: u32) {
            let mut number = Seq(start);
            number += first;
            number += second;
            prop_assert_eq!(number, Seq(start) + first.wrapping_add(second));
        }
    }
}
