//! Tells guests of IPv6 their network, their router and their name server (RFC 4861 6.2, RFC 8106).

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use ipnet::Ipv6Net;
use netstrata::stack::RouterAdvertisement;
use netstrata::wire::ndp::{NameServers, Options, Prefix, Router};
use netstrata::{Host, LinkSpec};

use super::settings;
use crate::arguments::GatewayArguments;

/// For how long it is a router, and a name server, if nothing more is heard: three times the longest pause (RFC 4861 6.2.1).
const LIFETIME: Duration = Duration::from_secs(1800);
/// For how long an address is preferred and valid (RFC 9096 3.3): one of a gateway that is gone is not kept for days.
const PREFERRED: Duration = Duration::from_secs(2700);
const VALID: Duration = Duration::from_secs(5400);

/// Begins to advertise, where guests can form addresses.
pub(crate) fn begin(arguments: &GatewayArguments, host: &Host, mtu: usize) {
    let Some(says) = advertisement(arguments, mtu) else { return };
    tell(host, Some(says));
}

/// Tells guests that the router goes.
pub(crate) fn end(host: &Host) {
    tell(host, None);
}

fn tell(host: &Host, says: Option<RouterAdvertisement>) {
    for interface in host.interfaces() {
        for shard in host.shards() {
            shard.with(|stack, now| stack.advertise_router(now, *interface, says.clone()));
        }
    }
}

/// What is said: of prefixes of 64 bits, in which alone addresses are formed (RFC 4862 5.5.3, RFC 7421).
fn advertisement(arguments: &GatewayArguments, mtu: usize) -> Option<RouterAdvertisement> {
    if arguments.no_advertise || matches!(arguments.network.link, LinkSpec::Tun(_)) {
        return None;
    }
    let own: Vec<(Ipv6Addr, u8)> = settings::addresses(arguments)
        .iter()
        .filter_map(|own| match own.address {
            IpAddr::V6(address) => Some((address, own.prefix)),
            IpAddr::V4(_) => None,
        })
        .collect();
    let prefix = |(address, length): &(Ipv6Addr, u8)| {
        let network = Ipv6Net::new(*address, *length).ok()?.trunc();
        Some(Prefix {
            address: network.addr(),
            length: *length,
            on_link: true,
            autonomous: *length == 64,
            valid: seconds(VALID),
            preferred: seconds(PREFERRED),
        })
    };
    let mut options = Options { mtu: u32::try_from(mtu).ok(), ..Options::default() };
    for prefix in own.iter().filter_map(prefix) {
        // More than there is room for are left out.
        let _ = options.prefixes.try_push(prefix);
    }
    if let (false, Some((address, _))) = (arguments.no_dns, own.first()) {
        let addresses = [*address].into_iter().collect();
        options.name_servers = Some(NameServers { lifetime: seconds(LIFETIME), addresses });
    }
    let lifetime = u16::try_from(LIFETIME.as_secs()).unwrap_or(u16::MAX);
    let router = Router { lifetime, ..Router::default() };
    (!own.is_empty()).then_some(RouterAdvertisement { router, options })
}

fn seconds(time: Duration) -> u32 {
    u32::try_from(time.as_secs()).unwrap_or(u32::MAX)
}
