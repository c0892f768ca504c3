//! The web server: the page of the lab from inside of this program, and the live network behind it.
//!
//! It is meant for the person at this machine. It listens on loopback unless told otherwise, answers only requests that name
//! it by an address (so that no foreign name can be bound to it) and come from its own page, and bounds all that a browser
//! may ask of it.

mod body;
mod bundle;
mod feed;
mod guard;
mod listen;
mod live;
mod patience;
mod routes;
mod watched;

pub(crate) use feed::Feed;
pub(crate) use listen::{open, serve};
pub(crate) use live::{Absent, Live};
pub(crate) use watched::Watched;

use std::net::{Ipv4Addr, SocketAddr};

/// Where the page is unless told otherwise.
pub(crate) const DEFAULT_ADDRESS: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8001);
