//! Resource records (RFC 1035 3.2, RFC 2782, RFC 3596, RFC 6762 6.1).

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::name::Name;

/// A host's IPv4 address.
pub const A: u16 = 1;
/// Another name of the same.
pub const CNAME: u16 = 5;
/// One name of several.
pub const PTR: u16 = 12;
/// Texts.
pub const TXT: u16 = 16;
/// A host's IPv6 address.
pub const AAAA: u16 = 28;
/// Where a service is.
pub const SRV: u16 = 33;
/// Which types a name has.
pub const NSEC: u16 = 47;
/// In a question: every type.
pub const ANY: u16 = 255;

/// One record of the class IN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Whose it is.
    pub name: Name,
    /// Multicast DNS: it is all that there is of its name and type (RFC 6762 10.2).
    pub flush: bool,
    /// How long it holds, in seconds.
    pub ttl: u32,
    /// What it says.
    pub data: Data,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// An IPv4 address.
    A(Ipv4Addr),
    /// An IPv6 address.
    Aaaa(Ipv6Addr),
    /// One name of several.
    Ptr(Name),
    /// The name that is meant.
    Cname(Name),
    /// Where a service is.
    Srv {
        /// The lowest is tried first.
        priority: u16,
        /// A share among those of one priority.
        weight: u16,
        /// The port.
        port: u16,
        /// The host.
        target: Name,
    },
    /// Texts, each of at most 255 bytes.
    Txt(Vec<Vec<u8>>),
    /// The types that the name has, all below 256.
    Nsec(Vec<u8>),
    /// Another type: its number and its bytes.
    Other(u16, Vec<u8>),
}

impl Data {
    /// The type's number.
    pub fn kind(&self) -> u16 {
        match self {
            Data::A(_) => A,
            Data::Aaaa(_) => AAAA,
            Data::Ptr(_) => PTR,
            Data::Cname(_) => CNAME,
            Data::Srv { .. } => SRV,
            Data::Txt(_) => TXT,
            Data::Nsec(_) => NSEC,
            Data::Other(kind, _) => *kind,
        }
    }
}

impl Record {
    /// Whether it says the same of the same, whatever the time it holds.
    pub fn says_as(&self, other: &Record) -> bool {
        self.name == other.name && self.data == other.data
    }

    /// Whether a question of that type asks for it.
    pub fn answers(&self, name: &Name, kind: u16) -> bool {
        self.name == *name && (kind == ANY || self.data.kind() == kind)
    }
}
