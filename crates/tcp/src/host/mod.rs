//! A host's many connections: which one a segment belongs to, who listens, and whose turn it is to send.

mod admission;
mod alarms;
mod consequences;
mod deferral;
mod demux;
mod due;
mod fast_open;
mod fifo;
mod half_open;
mod inspect;
mod isn;
mod lines;
mod listener;
mod passive;
mod peer_cookies;
mod places;
mod queue;
mod reset;
mod stateless;
mod syn_cookie;
mod tcp_host;
mod time_wait;
mod time_wait_table;
mod verbs;
mod work;
mod zero_copy;

#[cfg(test)]
mod exploration;
#[cfg(test)]
mod prediction;
#[cfg(test)]
mod tests;

pub use admission::{Decision, Request};
pub use tcp_host::Host;
