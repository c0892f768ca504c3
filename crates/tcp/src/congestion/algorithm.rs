//! The congestion controls by name.

use core::fmt;

/// The congestion controls to choose from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Algorithm {
    /// RFC 9438, with HyStart++ (RFC 9406).
    #[default]
    Cubic,
    /// RFC 5681 and 6582.
    NewReno,
    /// Version 3 (draft-ietf-ccwg-bbr-06): by a model of the path, with pacing.
    Bbr,
}

/// How CUBIC leaves its first slow start when a queue is seen to grow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SlowStartExit {
    /// HyStart++ (RFC 9406): slow start goes on slowly first, and comes back to speed if it was only jitter.
    #[default]
    Gradual,
    /// Hybrid slow start (Ha and Rhee, "Hybrid Slow Start for High-Bandwidth and Long-Distance Networks", 2008), as many hosts have it:
    /// slow start ends there. That may have been early, so until a loss tells how much the path carries the window grows by a twentieth
    /// in each round trip at least. Shorter queues; a longer way to the rate of a fast path.
    AtOnce,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Algorithm; 3] = [Algorithm::Cubic, Algorithm::NewReno, Algorithm::Bbr];

    /// The name that system administrators know it by.
    pub const fn name(self) -> &'static str {
        match self {
            Algorithm::Cubic => "cubic",
            Algorithm::NewReno => "reno",
            Algorithm::Bbr => "bbr",
        }
    }

    /// The one with this name.
    ///
    /// ```
    /// use netstrata_tcp::congestion::Algorithm;
    /// assert_eq!(Algorithm::from_name("cubic"), Some(Algorithm::Cubic));
    /// ```
    pub fn from_name(name: &str) -> Option<Algorithm> {
        Algorithm::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
