//! The stack itself, by what happens to it: frames come in, packets go out, time passes, the owner speaks.

mod addresses;
mod admission;
mod groups;
mod input;
mod input_icmp;
mod input_udp;
mod interception;
mod output;
mod ping;
mod report;
mod routing;
mod sharding;
mod state;
mod tcp_verbs;
mod time;
mod udp_groups;
mod udp_verbs;
mod unreachable;
mod v6;
mod way;

pub use report::{AddressReport, InterfaceReport, NeighbourReport, UdpReport};
pub use state::Stack;
pub use unreachable::{Failed, Unreachable};
