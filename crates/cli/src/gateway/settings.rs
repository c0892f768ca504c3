//! What the flags come to.

use services::gateway::Limits;

use crate::arguments::GatewayArguments;
use crate::network::GATEWAY;
use crate::values::address::HostAddress;

/// The gateway's addresses.
pub(crate) fn addresses(arguments: &GatewayArguments) -> Vec<HostAddress> {
    arguments.network.address.map_or(GATEWAY.to_vec(), |address| vec![address])
}

/// What guests may have.
pub(crate) fn limits(arguments: &GatewayArguments) -> Limits {
    Limits {
        flows: arguments.max_flows as usize,
        guest_flows: arguments.guest_flows as usize,
        guest_rate: arguments.guest_rate,
        guest_burst: arguments.guest_rate.saturating_mul(2),
        guest_bytes: u64::from(arguments.guest_memory) << 20,
        ..Limits::default()
    }
}
