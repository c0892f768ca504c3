//! What happens to a stack by IPv6.

mod addresses;
mod autoconfiguration;
mod discovery;
mod errors;
mod icmp;
mod input;
mod output;
mod router;
mod routing;
mod upkeep;

pub(crate) use errors::QUOTE;
pub(crate) use input::{Arrival, scoped};
