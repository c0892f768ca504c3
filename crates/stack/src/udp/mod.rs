//! UDP: the sockets of a host (RFC 768, RFC 1122 4.1).

mod host;
mod id;
mod readiness;
mod socket;

pub(crate) use host::Host;
pub use id::UdpId;
pub use readiness::UdpReadiness;
pub use socket::Received;
pub(crate) use socket::{Delivery, EVERY_PORT};
