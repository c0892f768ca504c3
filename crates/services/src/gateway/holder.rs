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
