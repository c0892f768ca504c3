//! The time that the stacks are told.
#![allow(
    clippy::disallowed_methods,
    reason = "a measurement needs the machine's clock; the core gets it as an argument"
)]

/// A clock that begins at zero.
#[derive(Clone, Debug)]
pub(crate) enum Clock {
    /// The machine's.
    Real(std::time::Instant),
    /// One that is a microsecond later at each look, so that counted instructions are the same in each run.
    Steps(u64),
}

impl Clock {
    pub(crate) fn real() -> Clock {
        Clock::Real(std::time::Instant::now())
    }

    pub(crate) const fn steps() -> Clock {
        Clock::Steps(0)
    }

    /// Nanoseconds since the beginning.
    #[inline]
    pub(crate) fn nanoseconds(&mut self) -> u64 {
        match self {
            Clock::Real(start) => start.elapsed().as_nanos() as u64,
            Clock::Steps(nanoseconds) => {
                *nanoseconds += 1_000;
                *nanoseconds
            }
        }
    }
}
