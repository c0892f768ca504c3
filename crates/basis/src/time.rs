//! Points in time, as the caller tells them.

use core::fmt;
use core::ops::{Add, AddAssign, Sub};
use core::time::Duration;

/// A point in time, in nanoseconds since an epoch of the caller's choice.
///
/// Arithmetic saturates: a deadline too far away is [`Instant::FAR_FUTURE`], which never comes.
///
/// ```
/// use core::time::Duration;
/// use netstrata_basis::Instant;
/// let start = Instant::from_nanos(5);
/// assert_eq!((start + Duration::from_secs(1)) - start, Duration::from_secs(1));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(u64);

impl Instant {
    /// The caller's epoch.
    pub const ZERO: Instant = Instant(0);
    /// A point in time that never comes.
    pub const FAR_FUTURE: Instant = Instant(u64::MAX);

    /// The point `nanoseconds` after the epoch.
    pub const fn from_nanos(nanoseconds: u64) -> Instant {
        Instant(nanoseconds)
    }

    /// The point `milliseconds` after the epoch.
    pub const fn from_millis(milliseconds: u64) -> Instant {
        Instant(milliseconds.saturating_mul(1_000_000))
    }

    /// Nanoseconds since the epoch.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Whole microseconds since the epoch.
    pub const fn as_micros(self) -> u64 {
        self.0 / 1_000
    }

    /// Whole milliseconds since the epoch.
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000_000
    }

    /// The point that many microseconds later: what adding a [`Duration`] of them gives, without making one.
    #[inline]
    pub const fn plus_micros(self, microseconds: u64) -> Instant {
        Instant(self.0.saturating_add(microseconds.saturating_mul(1_000)))
    }

    /// Whole microseconds from `earlier` to `self`, none if `earlier` is later, and at most [`u32::MAX`], which is more than an
    /// hour: what [`Instant::saturating_since`] gives, without making a [`Duration`].
    #[inline]
    pub const fn micros_since(self, earlier: Instant) -> u32 {
        let micros = self.0.saturating_sub(earlier.0) / 1_000;
        if micros > u32::MAX as u64 { u32::MAX } else { micros as u32 }
    }

    /// The time from `earlier` to `self`; zero if `earlier` is later.
    pub const fn saturating_since(self, earlier: Instant) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;
    #[inline]
    fn add(self, duration: Duration) -> Instant {
        let seconds = duration.as_secs().saturating_mul(1_000_000_000);
        Instant(self.0.saturating_add(seconds).saturating_add(u64::from(duration.subsec_nanos())))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl Sub for Instant {
    type Output = Duration;
    fn sub(self, earlier: Instant) -> Duration {
        self.saturating_since(earlier)
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Instant::FAR_FUTURE {
            return f.write_str("never");
        }
        write!(f, "{}.{:09}s", self.0 / 1_000_000_000, self.0 % 1_000_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn microseconds_are_those_of_the_duration_as_far_as_they_fit(first: u64, span in 0..1_u64 << 44) {
            for (earlier, later) in [(first, first.saturating_add(span)), (first.saturating_add(span), first)] {
                let (earlier, later) = (Instant(earlier), Instant(later));
                let micros = later.saturating_since(earlier).as_micros();
                prop_assert_eq!(u128::from(later.micros_since(earlier)), micros.min(u128::from(u32::MAX)));
            }
        }
    }
}
