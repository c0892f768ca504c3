//! What can be set of an experiment.

use crate::text::Text;
use serde::Serialize;

/// Something that can be set.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it is, in a few words.
    pub title: Text,
    /// What it is counted in: `ms`, `s`, `bytes`, `bit/s`, `ppm` (parts of a million), or nothing.
    pub unit: &'static str,
    /// What values it takes.
    #[serde(flatten)]
    pub range: Range,
}

/// What values a parameter takes.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Range {
    /// A whole number.
    Number {
        /// The least.
        min: u64,
        /// The most.
        max: u64,
        /// What it is unless it is set.
        default: u64,
    },
    /// One of some words.
    Choice {
        /// The words.
        options: &'static [&'static str],
        /// What it is unless it is set.
        default: &'static str,
    },
    /// Yes or no.
    Flag {
        /// What it is unless it is set.
        default: bool,
    },
}

impl Parameter {
    pub(crate) const fn number(
        name: &'static str,
        title: Text,
        unit: &'static str,
        (min, default, max): (u64, u64, u64),
    ) -> Parameter {
        Parameter { name, title, unit, range: Range::Number { min, max, default } }
    }

    pub(crate) const fn choice(
        name: &'static str,
        title: Text,
        options: &'static [&'static str],
        default: &'static str,
    ) -> Parameter {
        Parameter { name, title, unit: "", range: Range::Choice { options, default } }
    }

    pub(crate) const fn flag(name: &'static str, title: Text, default: bool) -> Parameter {
        Parameter { name, title, unit: "", range: Range::Flag { default } }
    }
}
