//! What an experiment consists of.

use crate::lab::Lab;
use crate::text::Text;
use serde::Serialize;

/// One experiment: what is claimed, what can be set, and what happens.
#[derive(Debug, Serialize)]
pub struct Experiment {
    /// Its name; fixed, so that links to it stay good.
    pub name: &'static str,
    /// The rows of the table of claims that it shows; none if it goes beyond them.
    pub claims: &'static [u8],
    /// What it is about, in a few words.
    pub title: Text,
    /// What the page says, or what engineers meet.
    pub says: Text,
    /// What is precise.
    pub precise: Text,
    /// What to look for while it runs.
    pub look: &'static [Text],
    /// Where that is laid down.
    pub sources: &'static [&'static str],
    /// What can be set.
    pub parameters: &'static [Parameter],
    /// Rules that make it what it is; a request that brings rules of its own replaces them.
    pub rules: &'static [&'static str],
    /// Builds the network, lets things happen, and checks what happened.
    #[serde(skip)]
    pub(crate) run: fn(&mut Lab),
}

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
