//! One host: interfaces, neighbours, routes, IP, ICMP, UDP and TCP.
//!
//! [`Stack`] is the way in. A frame's way through it: [`Stack::on_frame`] opens Ethernet and IPv4 (`stack/input.rs`) and hands
//! on to TCP (`tcp::Host`), UDP (`udp/`) or ICMP (`stack/input_icmp.rs`). The way out is pulled: [`Stack::poll_transmit`]
//! (`stack/output.rs`) takes local answers, TCP's segments and sockets' datagrams, and gives them IPv4 and link headers.
//!
//! Rooms: `interface/` (addresses and what waits to leave), `neighbour/` (who has which hardware address), `route.rs`,
//! `ip/` (fragments, identifications, path MTUs), `icmp/` (rate limit, echo sockets), `udp/`, `ports.rs`, `shard.rs` and
//! `shards/` (one host on several cores).
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod config;
mod counters;
mod dropped;
mod error;
mod event;
mod icmp;
mod interface;
mod ip;
mod neighbour;
mod payload;
mod ports;
mod route;
mod shard;
mod shards;
mod shares;
mod stack;
mod timers;
mod udp;

pub use config::{
    Defence, InterfaceConfig, Medium, NeighbourConfig, PingConfig, ProbeTimes, Probing, ReassemblyConfig,
    RouterAdvertisement, StackConfig, UdpConfig,
};
pub use counters::{
    ArpCounters, Counters, DiscoveryCounters, IcmpCounters, IpCounters, LinkCounters, UdpCounters,
};
pub use dropped::{DropCounters, Dropped};
pub use error::{
    AddressError, BindError, ConnectError, GroupError, OpenError, ReceiveError, RouteError, SendError,
    UdpConnectError,
};
pub use event::Event;
pub use icmp::foreign::EchoRequest;
pub use icmp::ping::{PingId, PingKind, PingReply};
pub use interface::{AddressState, Claim, InterfaceId};
pub use neighbour::NeighbourState;
pub use route::Route;
pub use shard::{MAX_SHARDS, Shard};
pub use shards::{Steering, Surroundings, Target};
pub use stack::{AddressReport, Failed, InterfaceReport, NeighbourReport, Stack, UdpReport, Unreachable};
pub use tcp::IcmpError;
pub use udp::{Received, UdpId, UdpReadiness};

#[cfg(test)]
mod tests;
