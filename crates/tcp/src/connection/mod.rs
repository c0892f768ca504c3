//! One connection: its phases from the first SYN to TIME-WAIT.

mod application;
mod closing;
pub(crate) mod control_block;
mod fast_open;
pub(crate) mod fate;
pub(crate) mod handshake;
mod keepalive;
mod marks;
pub(crate) mod open;
mod path;
pub(crate) mod syn_ack;
pub(crate) mod syn_data;
pub(crate) mod throttle;
pub(crate) mod time_wait;
mod transmit;
