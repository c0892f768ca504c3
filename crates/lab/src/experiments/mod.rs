//! The catalogue of experiments: one file each, and one line here.

mod handshake;

use crate::experiment::Experiment;

/// All of them, in the order in which they are best met.
pub(crate) const ALL: &[&Experiment] = &[&handshake::EXPERIMENT];
