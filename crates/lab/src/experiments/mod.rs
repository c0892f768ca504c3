//! The catalogue of experiments: one file each, and one line here.

mod address;
mod around_the_clock;
mod backlog;
mod both_receive;
mod broadcast_storm;
mod client_or_browser;
mod close;
mod congestion;
mod discovery;
mod four_tuple;
mod frame;
mod ftp;
mod half_close;
mod handshake;
mod http;
mod keepalive;
mod loopback;
mod loss;
mod nagle;
mod path_mtu;
mod ports;
mod reordering;
mod router;
mod seven_layers;
mod signal;
mod stream;
mod switch;
mod syn_flood;
mod talk;
mod time_wait;
mod two_way;
mod two_way_handshake;
mod udp_or_tcp;
mod zero_window;

use crate::experiment::Experiment;

/// All of them, in the order in which they are best met.
pub(crate) const ALL: &[&Experiment] = &[
    &talk::EXPERIMENT,
    &around_the_clock::EXPERIMENT,
    &discovery::EXPERIMENT,
    &client_or_browser::EXPERIMENT,
    &seven_layers::EXPERIMENT,
    &signal::EXPERIMENT,
    &frame::EXPERIMENT,
    &switch::EXPERIMENT,
    &broadcast_storm::EXPERIMENT,
    &router::EXPERIMENT,
    &address::EXPERIMENT,
    &loopback::EXPERIMENT,
    &ports::EXPERIMENT,
    &four_tuple::EXPERIMENT,
    &two_way::EXPERIMENT,
    &http::EXPERIMENT,
    &ftp::EXPERIMENT,
    &stream::EXPERIMENT,
    &handshake::EXPERIMENT,
    &two_way_handshake::EXPERIMENT,
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
