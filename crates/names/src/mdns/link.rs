//! What multicast DNS agrees on, and whom messages are for.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

/// The port of questions and answers.
pub const PORT: u16 = 5353;
/// The group of IPv4.
pub const GROUP_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
/// The group of IPv6.
pub const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);
/// Bytes of a message at most (RFC 6762 17).
pub const LONGEST: usize = 9000;

/// Whom a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// Everybody on the link, by each family that it has: [`GROUP_V4`] and [`GROUP_V6`], [`PORT`].
    Everybody,
    /// One who asked.
    One(SocketAddr),
}

/// A message to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// For whom.
    pub to: To,
    /// The message.
    pub bytes: Vec<u8>,
}
