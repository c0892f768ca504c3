//! The cells of the matrix, and who speaks in them.

use super::path::Path;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// Whose TCP is at an end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Speaker {
    Ours,
    Linux,
}

/// Who sends to whom.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Pairing {
    OursToOurs,
    LinuxToLinux,
    OursToLinux,
    LinuxToOurs,
}

impl Pairing {
    /// All of them.
    pub const ALL: [Pairing; 4] =
        [Pairing::OursToOurs, Pairing::LinuxToLinux, Pairing::OursToLinux, Pairing::LinuxToOurs];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Pairing::OursToOurs => "ours-to-ours",
            Pairing::LinuxToLinux => "linux-to-linux",
            Pairing::OursToLinux => "ours-to-linux",
            Pairing::LinuxToOurs => "linux-to-ours",
        }
    }

    pub(crate) const fn sender(self) -> Speaker {
        match self {
            Pairing::OursToOurs | Pairing::OursToLinux => Speaker::Ours,
            Pairing::LinuxToLinux | Pairing::LinuxToOurs => Speaker::Linux,
        }
    }

    pub(crate) const fn receiver(self) -> Speaker {
        match self {
            Pairing::OursToOurs | Pairing::LinuxToOurs => Speaker::Ours,
            Pairing::LinuxToLinux | Pairing::OursToLinux => Speaker::Linux,
        }
    }
}

impl fmt::Display for Pairing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One kind of path.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Cell {
    /// Milliseconds.
    pub(crate) rtt: u32,
    /// Percent of all frames.
    pub(crate) loss: f64,
    /// Percent of all frames.
    pub(crate) reordering: f64,
}

impl Cell {
    pub(crate) fn path(self, rate: u64) -> Path {
        let millionths = |percent: f64| (percent * 1e4).round() as u32;
        Path {
            rate,
            round_trip: Duration::from_millis(self.rtt.into()),
            loss: millionths(self.loss),
            reordering: millionths(self.reordering),
        }
    }

    /// The order of the table.
    pub(crate) fn order(&self, other: &Cell) -> std::cmp::Ordering {
        let key = |cell: &Cell| (cell.path(0).reordering, cell.rtt, cell.path(0).loss);
        key(self).cmp(&key(other))
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RTT {} ms, loss {} %, reordering {} %", self.rtt, self.loss, self.reordering)
    }
}
