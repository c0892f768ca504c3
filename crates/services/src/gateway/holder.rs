//! Whom what guests have is charged to.

use std::fmt;

/// A station's hardware address.
pub type Station = [u8; 6];

/// Whoever puts frames on the link: that one chooses its addresses, and none gives it more than it may have.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Holder {
    /// A station of an Ethernet.
    Station(Station),
    /// All that there is behind a link without stations, which is one cable.
    Link,
}

/// Whether somebody has been there for a while, or can have been invented just now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// Nobody knows much of it yet.
    New,
    /// It has been heard for a while, or it has a lease.
    Settled,
}

impl Standing {
    pub(super) fn other(self) -> Standing {
        match self {
            Standing::New => Standing::Settled,
            Standing::Settled => Standing::New,
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Holder::Station([a, b, c, d, e, g]) => {
                write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
            }
            Holder::Link => f.write_str("the link"),
        }
    }
}
