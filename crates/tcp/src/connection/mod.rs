//! One connection: its phases from the first SYN to TIME-WAIT.

mod application;
mod closing;
pub(crate) mod control_block;
pub(crate) mod effect;
mod ending;
pub(crate) mod established;
mod fast_open;
pub(crate) mod fate;
mod finished;
pub(crate) mod handshake;
mod keepalive;
mod marks;
pub(crate) mod open;
mod path;
mod prediction;
mod report;
pub(crate) mod syn_ack;
pub(crate) mod syn_data;
pub(crate) mod throttle;
pub(crate) mod time_wait;
mod timeouts;
mod transmit;
