//! Tests of a whole stack by IPv6.

mod autoconfiguration;
mod discovery;
mod extensions;
mod fragments;
mod groups;
pub(crate) mod harness;
mod icmp;
mod pair;
mod router;
mod sockets;
