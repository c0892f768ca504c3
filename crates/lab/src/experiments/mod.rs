//! The catalogue of experiments: one file each, and one line here.

mod address;
mod backlog;
mod both_receive;
mod broadcast_storm;
mod close;
mod congestion;
mod four_tuple;
mod half_close;
mod handshake;
mod keepalive;
mod loopback;
mod loss;
mod nagle;
mod path_mtu;
mod ports;
mod reordering;
mod router;
mod stream;
mod switch;
mod syn_flood;
mod talk;
mod time_wait;
mod two_way;
mod udp_or_tcp;
mod zero_window;

use crate::experiment::Experiment;

/// All of them, in the order in which they are best met.
pub(crate) const ALL: &[&Experiment] = &[
    &talk::EXPERIMENT,
    &switch::EXPERIMENT,
    &broadcast_storm::EXPERIMENT,
    &router::EXPERIMENT,
    &address::EXPERIMENT,
    &loopback::EXPERIMENT,
    &ports::EXPERIMENT,
    &four_tuple::EXPERIMENT,
    &two_way::EXPERIMENT,
    &stream::EXPERIMENT,
    &handshake::EXPERIMENT,
    &close::EXPERIMENT,
    &half_close::EXPERIMENT,
    &time_wait::EXPERIMENT,
    &keepalive::EXPERIMENT,
    &both_receive::EXPERIMENT,
    &backlog::EXPERIMENT,
    &syn_flood::EXPERIMENT,
    &loss::EXPERIMENT,
    &congestion::EXPERIMENT,
    &zero_window::EXPERIMENT,
    &nagle::EXPERIMENT,
    &reordering::EXPERIMENT,
    &path_mtu::EXPERIMENT,
    &udp_or_tcp::EXPERIMENT,
];
