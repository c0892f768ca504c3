//! A host's many connections: which one a segment belongs to, who listens, and whose turn it is to send.
//!
//! | When | Where |
//! |---|---|
//! | a segment comes, or one may leave | `tcp_host.rs` (`Host::on_segment`, `Host::poll_transmit`); whose it is: `demux.rs`, `places.rs` |
//! | it is a SYN for a listener | `passive.rs`, `half_open.rs`; numbers: `isn.rs`; without memory: `stateless.rs`, `syn_cookie.rs`; asked first: `admission.rs` |
//! | a call waits to be accepted | `listener.rs`; for its first data before that: `deferral.rs` |
//! | data comes with a SYN | `fast_open.rs`; what is known of peers: `peer_cookies.rs` |
//! | it belongs to nobody | `reset.rs` |
//! | it belongs to one in TIME-WAIT | `time_wait.rs`, `time_wait_table.rs` |
//! | something happened to a connection | `consequences.rs` |
//! | a timer expires, somebody may send or is to be told | `due.rs`, with `alarms.rs`, `work.rs`, `lines.rs` |
//! | the application asks for something | `verbs.rs`; memory that it shares: `zero_copy.rs` |

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
