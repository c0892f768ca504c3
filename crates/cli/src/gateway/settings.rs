//! What the flags come to.

use services::gateway::Limits;
use std::net::IpAddr;

use super::dhcp;
use crate::arguments::GatewayArguments;
use crate::network::GATEWAY;
use crate::values::address::HostAddress;

/// The gateway's addresses.
pub(crate) fn addresses(arguments: &GatewayArguments) -> Vec<HostAddress> {
    arguments.network.own().map_or(GATEWAY.to_vec(), |address| vec![address])
}

/// Those in their networks.
pub(crate) fn networks(arguments: &GatewayArguments) -> Vec<ipnet::IpNet> {
    let addresses = addresses(arguments);
    addresses.iter().filter_map(|own| ipnet::IpNet::new(own.address, own.prefix).ok()).collect()
}

/// What guests may have.
pub(crate) fn limits(arguments: &GatewayArguments) -> Limits {
    Limits {
        flows: arguments.max_flows as usize,
        guest_flows: arguments.guest_flows as usize,
        guest_rate: arguments.guest_rate,
        guest_burst: arguments.guest_rate.saturating_mul(2),
        guest_bytes: guest_memory(arguments),
        bytes: u64::from(arguments.max_memory) << 20,
        ..Limits::default()
    }
}

/// Bytes of one guest's buffers: never more than of all guests'.
fn guest_memory(arguments: &GatewayArguments) -> u64 {
    let all = u64::from(arguments.max_memory) << 20;
    arguments.guest_memory.map_or(Limits::default().guest_bytes.min(all), |given| u64::from(given) << 20)
}

/// The address that a configured guest gets: the first that the DHCP server would give, or the one after the gateway's.
pub(crate) fn guest_address(gateway: HostAddress) -> Option<HostAddress> {
    let address = match gateway.address {
        IpAddr::V4(server) => IpAddr::V4(*dhcp::pool(server, gateway.prefix)?.start()),
        IpAddr::V6(server) => IpAddr::V6((u128::from(server) + 0x63).into()),
    };
    Some(HostAddress { address, prefix: gateway.prefix })
}
