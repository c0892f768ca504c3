//! Tests of a whole stack: frames in, frames out.

mod arp;
mod bounds;
mod conflicts;
mod fragments;
mod harness;
mod hostile;
mod icmp;
mod interception;
mod ip;
mod pair;
mod shards;
mod sharing;
mod udp;
mod unreachable;
mod v6;
mod ways;
