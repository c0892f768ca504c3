//! What an experiment consists of.

use crate::lab::Lab;
use crate::parameter::Parameter;
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
