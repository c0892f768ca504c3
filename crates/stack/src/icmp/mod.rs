//! ICMP: what errors mean, how many may be sent, and echo sockets.

pub(crate) mod meaning;
pub(crate) mod ping;
