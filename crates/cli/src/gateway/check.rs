//! Flags of a gateway that cannot be meant, refused before anything is begun.

use std::net::IpAddr;

use netstrata::LinkSpec;

use super::settings;
use crate::arguments::GatewayArguments;
use crate::failure::Failure;
use crate::network;
use crate::values::address::HostAddress;

/// Refuses what can be known to be wrong.
pub(crate) fn flags(arguments: &GatewayArguments) -> Result<(), Failure> {
    if arguments.network.link == LinkSpec::Host {
        let cause = "a gateway stands between guests and the operating system, and --link host has no guests";
        return Err(Failure::usage(
            cause,
            "give --link lan[:PATH], tap:NAME, tun:NAME, packet:NAME or xdp:NAME",
        ));
    }
    if arguments.network.gateway.is_some() {
        return Err(Failure::usage("a gateway has no gateway: it is one", "leave --gateway away"));
    }
    if arguments.network.is_leased() {
        let cause = "guests find a gateway by its address, so it cannot wait for one";
        return Err(Failure::usage(cause, "give --address ADDRESS/PREFIX, or leave it away"));
    }
    network::check(&arguments.network)?;
    let own = settings::addresses(arguments);
    own.iter().try_for_each(|own| has_room_for_guests(*own))?;
    arguments.exposures.iter().try_for_each(|exposure| is_a_guests(exposure.inside.ip(), &own))?;
    memory(arguments)
}

/// Whoever has an address outside of the gateway's networks is no guest.
fn has_room_for_guests(own: HostAddress) -> Result<(), Failure> {
    let (longest, usual) = if own.address.is_ipv4() { (32, 24) } else { (128, 64) };
    if own.prefix < longest {
        return Ok(());
    }
    Err(Failure::usage(
        format!("{own} is a network of the gateway alone, in which no guest has an address"),
        format!("give a shorter prefix, such as --address {}/{usual}", own.address),
    ))
}

/// What is published must be a guest's: nothing else is reached by the link.
fn is_a_guests(guest: IpAddr, own: &[HostAddress]) -> Result<(), Failure> {
    let networks: Vec<String> = own
        .iter()
        .map(|own| {
            ipnet::IpNet::new(own.address, own.prefix)
                .map_or_else(|_| own.to_string(), |net| net.trunc().to_string())
        })
        .collect();
    let cause = match own.iter().find(|own| own.contains(guest)) {
        None => format!(
            "no route leads to {guest}, which is to be published: guests are in {}",
            networks.join(" and ")
        ),
        Some(own) if own.address == guest => {
            format!("{guest} is the gateway itself, and what is published is a guest's")
        }
        Some(own) if network::check_address(HostAddress { address: guest, prefix: own.prefix }).is_err() => {
            format!("{guest} is the address of no one guest in {own}")
        }
        Some(_) => return Ok(()),
    };
    let remedy = match own.first().copied().and_then(settings::guest_address) {
        Some(one) => format!("give --publish a guest's address, such as {}", one.address),
        None => "give --publish a guest's address".to_owned(),
    };
    Err(Failure::usage(cause, remedy))
}

/// One guest's share of the memory is a part of the whole.
fn memory(arguments: &GatewayArguments) -> Result<(), Failure> {
    let (one, all) = (arguments.guest_memory.unwrap_or(0), arguments.max_memory);
    if one <= all {
        return Ok(());
    }
    Err(Failure::usage(
        format!(
            "--guest-memory {one} lets one guest have more than the {all} MiB that all of them have together"
        ),
        format!("give --guest-memory at most {all}, or --max-memory at least {one}"),
    ))
}
