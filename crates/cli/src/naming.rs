//! Names of hosts and services: told by `serve`, found by `connect` and `find`.

pub(crate) mod announce;
pub(crate) mod browse;
mod chance;
pub(crate) mod lookup;

/// The name of a server's host unless told otherwise; on the link it is `netstrata.local`.
pub(crate) const DEFAULT_NAME: &str = "netstrata";
