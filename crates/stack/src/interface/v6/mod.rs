//! What an interface knows of its link by IPv6: its own addresses, routers, prefixes.

pub(crate) mod address;
mod advertiser;
pub(crate) mod link;
pub(crate) mod source;

pub(crate) use advertiser::Advertiser;
pub(crate) use link::{Link, Setting};
