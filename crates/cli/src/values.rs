//! The values of the command line's flags, each with errors of one line.

pub(crate) mod address;
pub(crate) mod duration;
pub(crate) mod exposure;
pub(crate) mod keepalive;
pub(crate) mod label;
pub(crate) mod link;
pub(crate) mod listening_address;
pub(crate) mod number;
pub(crate) mod own_address;
pub(crate) mod port;
pub(crate) mod ports;
pub(crate) mod publication;
pub(crate) mod service;
pub(crate) mod target;
