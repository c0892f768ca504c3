//! Many hosts on impaired cables, in virtual time. The same seed gives the same run, byte for byte.
//!
//! ```
//! use netstrata_sim::network::{Impairments, Network};
//! use std::time::Duration;
//! use tcp::SocketOptions;
//!
//! let mut network = Network::new(7);
//! let (a, b) = (network.add_host("a"), network.add_host("b"));
//! network.cable(Impairments { delay: Duration::from_millis(10), ..Impairments::NONE }, (a, "10.0.0.1/24"), (b, "10.0.0.2/24"));
//! let now = network.now();
//! network.stack(b).tcp_listen("10.0.0.2:80".parse().unwrap(), 1, SocketOptions::default()).unwrap();
//! let id = network.stack(a).tcp_connect(now, None, "10.0.0.2:80".parse().unwrap(), SocketOptions::default()).unwrap();
//! network.run_for(Duration::from_millis(25));
//! assert!(network.stack(a).tcp().readiness(id).contains(tcp::Readiness::CONNECTED));
//! ```

mod agenda;
mod cabling;
mod clockwork;
mod id;
mod impairments;
mod node;
mod occurrence;
mod packet;
mod router;
mod rule;
mod running;
mod simulation;
mod switch;
mod trace;

pub use id::{FrameId, HostId, NodeId, WireId};
pub use impairments::{Impairments, MILLION};
pub use occurrence::{Arrived, Due, Occurrence, Outcome, Sent};
pub use packet::Packet;
pub use rule::{Rule, RuleId};
pub use simulation::Network;
pub use switch::{Station, SwitchConfig};
pub use trace::{Fate, Record, Trace};

#[cfg(test)]
mod tests;
