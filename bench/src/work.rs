//! What is measured.

use crate::pair::{Failed, Pair};
use serde::Serialize;
use std::fmt;

/// Connections that nobody uses, beside the busy one.
const IDLE: [usize; 3] = [1_000, 10_000, 100_000];

/// A kind of work.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// One way, as fast as it goes; writes and reads of 64 KiB.
    Bulk,
    /// 64 bytes there and back.
    RoundTrip,
    /// Open, one byte each way, close at both ends.
    Calls,
}

impl Work {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Work::Bulk => "bulk",
            Work::RoundTrip => "round-trip",
            Work::Calls => "calls",
        }
    }

    /// The unit of its figures.
    pub(crate) fn unit(self) -> &'static str {
        match self {
            Work::Bulk => "Gbit/s",
            Work::RoundTrip => "ns",
            Work::Calls => "1/s",
        }
    }

    pub(crate) fn lower_is_better(self) -> bool {
        self == Work::RoundTrip
    }

    /// What `amount` (bytes, round trips or calls) in `seconds` comes to.
    pub(crate) fn figure(self, amount: u64, seconds: f64) -> f64 {
        match self {
            Work::Bulk => amount as f64 * 8.0 / seconds / 1e9,
            Work::RoundTrip => seconds * 1e9 / amount as f64,
            Work::Calls => amount as f64 / seconds,
        }
    }

    /// An amount that no subject does in much less than a microsecond; a sample begins with it.
    pub(crate) fn least(self) -> u64 {
        match self {
            Work::Bulk => 256 * 1024,
            Work::RoundTrip | Work::Calls => 2,
        }
    }

    /// What [`crate::Arguments::count`] does.
    pub(crate) fn counted(self) -> u64 {
        match self {
            Work::Bulk => 200_000_000,
            Work::RoundTrip => 10_000,
            // Most of them while TIME-WAIT is full, as it is in the long run.
            Work::Calls => 20_000,
        }
    }

    pub(crate) fn run(self, pair: &mut dyn Pair, amount: u64) -> Result<(), Failed> {
        match self {
            Work::Bulk => pair.transfer(amount),
            Work::RoundTrip => pair.exchange(amount),
            Work::Calls => pair.call(amount),
        }
    }
}

/// A work and what it is done under.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct Case {
    pub(crate) work: Work,
    /// Bytes of the largest IP packet.
    pub(crate) mtu: usize,
    /// Whether checksums are computed and verified.
    pub(crate) checksums: bool,
    /// Idle established connections beside the busy one, at both ends.
    pub(crate) idle: usize,
}

impl Case {
    /// All cases of a run.
    pub(crate) fn all() -> Vec<Case> {
        let plain = |work, mtu| Case { work, mtu, checksums: true, idle: 0 };
        let mut cases = Vec::new();
        for mtu in [1_500, 65_535] {
            cases.push(plain(Work::Bulk, mtu));
            cases.push(Case { checksums: false, ..plain(Work::Bulk, mtu) });
        }
        for work in [Work::RoundTrip, Work::Calls] {
            cases.extend([1_500, 65_535].map(|mtu| plain(work, mtu)));
        }
        for work in [Work::Bulk, Work::RoundTrip, Work::Calls] {
            cases.extend(IDLE.map(|idle| Case { idle, ..plain(work, 1_500) }));
        }
        cases
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let checksums = if self.checksums { "" } else { " checksums=none" };
        write!(f, "{} mtu={} idle={}{checksums}", self.work.name(), self.mtu, self.idle)
    }
}
