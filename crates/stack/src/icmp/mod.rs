//! ICMP: what errors mean, how many may be sent, echo sockets, and requests for strangers.

pub(crate) mod foreign;
pub(crate) mod meaning;
pub(crate) mod ping;
