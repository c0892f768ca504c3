//! The catalogue of experiments: one file each, and one line here.

mod both_receive;
mod close;
mod half_close;
mod handshake;
mod keepalive;
mod stream;
mod talk;
mod time_wait;
mod two_way;

use crate::experiment::Experiment;

/// All of them, in the order in which they are best met.
pub(crate) const ALL: &[&Experiment] = &[
    &talk::EXPERIMENT,
    &two_way::EXPERIMENT,
    &stream::EXPERIMENT,
    &handshake::EXPERIMENT,
    &close::EXPERIMENT,
    &half_close::EXPERIMENT,
    &time_wait::EXPERIMENT,
    &keepalive::EXPERIMENT,
    &both_receive::EXPERIMENT,
];
