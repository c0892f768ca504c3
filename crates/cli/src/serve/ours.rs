//! Services on our own stack: their host, the published ports, and the second host that carries calls between them.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use names::Offer;
use netstrata::{Host, LinkSpec, Network, SocketOptions};
use services::Named;
use tokio::net::TcpListener;

use super::carried::{Listener, OwnSockets};
use super::publish::Publisher;
use super::site::{Site, unequipped};
use super::system;
use crate::arguments::{NetworkArguments, ServeArguments};
use crate::failure::Failure;
use crate::naming::announce::{self, Told};
use crate::network::{self, GATEWAY, SERVICES};
use crate::status::report::Reach;
use crate::values::address::HostAddress;
use crate::values::keepalive::{Keepalive, Times};
use crate::values::ports::Ports;
use crate::values::publication::Publication;
use crate::values::service::Placed;
use crate::web::{Absent, Feed, Live};

/// The hosts' places in the page's feed.
const GATEWAY_PLACE: usize = 0;
const SERVICES_PLACE: usize = 1;

/// Starts the hosts, the services and the published ports.
pub(crate) async fn start(arguments: &ServeArguments, site: &mut Site) -> Result<(), Failure> {
    let given = arguments.network.own().map_or(SERVICES.to_vec(), |address| vec![address]);
    check(arguments, &given)?;
    // Published ports first: whether they are free is known at once, and joining takes a moment.
    let (mut published, mut with_data) = (Vec::new(), Vec::new());
    for publication in publications(arguments) {
        published.push((publication.inside, system::publish(&publication, arguments.into())?));
        if arguments
            .services
            .iter()
            .any(|placed| placed.service == Named::Ftp && placed.port == publication.inside)
            && !with_data.contains(&publication.outside.ip())
        {
            with_data.push(publication.outside.ip());
            // Its callers open further connections, to ports that it names.
            for port in arguments.data_ports().into_iter().flat_map(Ports::range) {
                published
                    .push((port, system::publish_data(publication.outside.ip(), port, arguments.into())?));
            }
        }
    }
    let feed = (!arguments.no_web).then(Feed::new);
    let (services_host, addresses) = {
        let watch = feed.as_ref().map(|feed| feed.watch(SERVICES_PLACE));
        let network = network::network(&arguments.network, "services").watch(watch);
        let network = network.shards(arguments.shards.into());
        join(network, given, &arguments.network, site).await?
    };
    for address in &addresses {
        start_services(arguments, &services_host, *address, site)?;
    }
    announce(arguments, &services_host, &addresses, site).await;
    site.live = Err(match arguments.network.link {
        LinkSpec::Lan(_) => Absent::Unpublished,
        _ => Absent::OneHost,
    });
    if !published.is_empty() {
        start_publishing(arguments, &addresses, published, feed, site).await?;
    }
    Ok(())
}

/// Starts a host with these addresses, or with one that it is given.
async fn join(
    network: Network,
    at: Vec<HostAddress>,
    arguments: &NetworkArguments,
    site: &mut Site,
) -> Result<(Host, Vec<HostAddress>), Failure> {
    let common = arguments.clone();
    let (host, at, leased) = in_background(move || {
        if common.is_leased() {
            let (host, address, leased) = network::join_leased(network, &common)?;
            return Ok((host, vec![address], Some(leased)));
        }
        network::join(network, &at, &common).map(|host| (host, at, None))
    })
    .await?;
    site.hosts.push(host.clone());
    site.leases.extend(leased);
    Ok((host, at))
}

/// What the page can show, once both hosts are there.
fn live(
    arguments: &ServeArguments,
    caller: &Host,
    (gateway, services): (HostAddress, HostAddress),
    feed: Arc<Feed>,
) -> Result<Live, Absent> {
    let talk =
        arguments.services.iter().find(|placed| placed.service == Named::Talk).ok_or(Absent::NoTalk)?;
    Ok(Live {
        feed,
        caller: caller.clone(),
        talk: SocketAddr::new(services.address, talk.port),
        hosts: vec![
            ("gateway".to_owned(), gateway.to_string()),
            ("services".to_owned(), services.to_string()),
        ],
    })
}

fn check(arguments: &ServeArguments, addresses: &[HostAddress]) -> Result<(), Failure> {
    let ports: Vec<u16> = arguments.services.iter().map(|placed| placed.port).collect();
    let data = |port| arguments.data_ports().filter(|ports| ports.contains(port));
    let clash = arguments.services.iter().find_map(|placed| Some((placed, data(placed.port)?)));
    if let Some((placed, ports)) = clash {
        let cause = format!("the port of {placed} is one of {ports} for data");
        return Err(Failure::usage(cause, "give others with --data-ports FIRST-LAST"));
    }
    for (index, placed) in arguments.services.iter().enumerate() {
        if placed.port == 0 {
            let cause =
                format!("port 0 of {placed} stands for any free port, which nobody could know to call");
            return Err(Failure::usage(cause, format!("give a port such as {}", placed.service.card().port)));
        }
        if ports.iter().take(index).any(|port| *port == placed.port) {
            let cause = format!("two services are to be on port {}", placed.port);
            return Err(Failure::usage(cause, "give one of them another with --service NAME@PORT"));
        }
    }
    if matches!(arguments.network.link, LinkSpec::Lan(_)) {
        if arguments.no_publish {
            return Ok(());
        }
        if !arguments.network.is_leased() {
            check_gateway(&gateway(arguments), addresses)?;
        }
    } else if !arguments.publications.is_empty() {
        let cause =
            format!("--publish needs a LAN, and {} has room for one host only", arguments.network.link);
        return Err(Failure::usage(cause, "call the services' address itself, or use --link lan"));
    }
    if let Some(outside) = published_twice(&arguments.publications) {
        let cause = format!("two services are to be published on {outside}");
        return Err(Failure::usage(cause, "give one of them another port with --publish ADDRESS:PORT=PORT"));
    }
    if let Some(lost) = arguments.publications.iter().find(|publication| !ports.contains(&publication.inside))
    {
        let names: Vec<String> = arguments.services.iter().map(ToString::to_string).collect();
        let cause = format!("no service is on port {}, which is to be published", lost.inside);
        return Err(Failure::usage(cause, format!("the services are {}", names.join(", "))));
    }
    Ok(())
}

/// The first address that two publications want. Any free port is another one each time.
fn published_twice(publications: &[Publication]) -> Option<SocketAddr> {
    let all = publications.iter().map(|publication| publication.outside);
    let before = |index: usize| publications.iter().take(index).map(|publication| publication.outside);
    all.enumerate()
        .find(|(index, outside)| outside.port() != 0 && before(*index).any(|other| other == *outside))
        .map(|(_, outside)| outside)
}

/// The gateway's addresses.
fn gateway(arguments: &ServeArguments) -> Vec<HostAddress> {
    arguments.gateway_address.map_or(GATEWAY.to_vec(), |address| vec![address])
}

/// The gateway is another host than the services', and reaches them.
fn check_gateway(gateway: &[HostAddress], addresses: &[HostAddress]) -> Result<(), Failure> {
    for own in gateway {
        network::check_address(*own)?;
        if addresses.iter().any(|address| address.address == own.address) {
            let cause = format!("the services and the gateway are both to be {}", own.address);
            return Err(Failure::usage(cause, "give another --gateway-address"));
        }
    }
    let reached =
        |address: &HostAddress| gateway.iter().any(|own| own.address.is_ipv4() == address.address.is_ipv4());
    match addresses.iter().find(|address| reached(address)) {
        Some(_) => Ok(()),
        None => {
            let families = if gateway.iter().any(|own| own.address.is_ipv4()) { "IPv4" } else { "IPv6" };
            let cause = format!("the gateway speaks {families} alone, and the services do not");
            Err(Failure::usage(cause, "give another --gateway-address, or --no-publish"))
        }
    }
}

/// What is to be published: what was asked for, or else every service of a LAN.
fn publications(arguments: &ServeArguments) -> Vec<Publication> {
    let by_default = matches!(arguments.network.link, LinkSpec::Lan(_)) && !arguments.no_publish;
    if arguments.publications.is_empty() && by_default {
        arguments.services.iter().map(|placed| Publication::of_port(placed.port)).collect()
    } else {
        arguments.publications.clone()
    }
}

/// Where ports of the operating system will be wanted.
pub(crate) fn wanted(arguments: &ServeArguments) -> Vec<SocketAddr> {
    match arguments.network.link {
        LinkSpec::Host => system::wanted(arguments).map(|(_, wanted)| wanted.outside).collect(),
        _ => publications(arguments).into_iter().map(|publication| publication.outside).collect(),
    }
}

/// Runs what blocks where it keeps nobody waiting.
async fn in_background<T: Send + 'static>(
    act: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let fault = |error| Err(Failure::new(format!("cannot start: {error}"), ""));
    tokio::task::spawn_blocking(act).await.unwrap_or_else(fault)
}

fn start_services(
    arguments: &ServeArguments,
    host: &Host,
    address: HostAddress,
    site: &mut Site,
) -> Result<(), Failure> {
    let carried_for = Arc::clone(&site.carried_for);
    let sockets = OwnSockets { host: host.clone(), options: options(arguments), carried_for };
    for placed in &arguments.services {
        let name = placed.service.card().name;
        let at = SocketAddr::new(address.address, placed.port);
        // Another lease may bring another address.
        let bound =
            if arguments.network.is_leased() { (Ipv4Addr::UNSPECIFIED, placed.port).into() } else { at };
        let listener =
            netstrata::tokio::TcpListener::bind_with(host, bound, arguments.backlog, options(arguments))
                .map_err(|error: io::Error| {
                    Failure::new(format!("{name} cannot listen on {at}: {error}"), "")
                })?;
        site.reach.push(Reach {
            service: name.to_owned(),
            about: placed.service.card().about.to_owned(),
            address: at.to_string(),
            published: Vec::new(),
        });
        let service = placed.service.ready(&site.equipment, sockets.clone()).map_err(unequipped)?;
        site.serve(Listener(listener), service);
    }
    Ok(())
}

/// Lets the services be found by name. Where that cannot be, they are reached by address as before.
async fn announce(arguments: &ServeArguments, host: &Host, addresses: &[HostAddress], site: &mut Site) {
    if arguments.no_discovery {
        return;
    }
    let offer = |placed: &Placed| {
        let card = placed.service.card();
        Offer { instance: card.name.into(), kind: card.kind.into(), port: placed.port, text: Vec::new() }
    };
    match announce::open(host, addresses).await {
        Ok(sockets) => {
            let offers = arguments.services.iter().map(offer).collect();
            let told = Told { name: arguments.name.clone(), addresses: addresses.to_vec(), offers };
            site.announcing = Some(tokio::spawn(announce::announce(sockets, told, site.stop.clone())));
        }
        Err(error) => tracing::warn!(%error, "the services cannot be found by name"),
    }
}

async fn start_publishing(
    arguments: &ServeArguments,
    addresses: &[HostAddress],
    published: Vec<(u16, TcpListener)>,
    feed: Option<Arc<Feed>>,
    site: &mut Site,
) -> Result<(), Failure> {
    let gateway = gateway(arguments);
    let mut common = arguments.network.clone();
    // What is recorded and made bad is the services' cable.
    (common.pcapng, common.impair, common.gateway) = (None, None, None);
    let watch = feed.as_ref().map(|feed| feed.watch(GATEWAY_PLACE));
    if arguments.gateway_address.is_some() {
        common.address = None;
    }
    let network = network::network(&common, "publisher").watch(watch);
    let (host, gateway) = join(network, gateway, &common, site).await?;
    site.carried_for.set_carriers(gateway.iter().map(|own| own.address).collect());
    if let Some(feed) = feed
        && let Some(way) = way(&gateway, addresses, IpAddr::is_ipv4)
    {
        site.live = live(arguments, &host, way, feed);
    }
    for (inside, listener) in published {
        let outside = system::local(&listener)?;
        // A call goes on by the family that it came by, where both hosts have that.
        let Some((_, address)) = way(&gateway, addresses, |ip| ip.is_ipv4() == outside.is_ipv4()) else {
            continue;
        };
        let to = SocketAddr::new(address.address, inside);
        let outside = outside.to_string();
        let to_text = to.to_string();
        for reach in site.reach.iter_mut().filter(|reach| reach.address == to_text) {
            reach.published.push(outside.clone());
        }
        let carried_for = Arc::clone(&site.carried_for);
        site.carry(listener, Publisher { host: host.clone(), to, options: options(arguments), carried_for });
    }
    Ok(())
}

/// Addresses of one family, the gateway's and the services': of a family that is `better` if both have one.
fn way(
    gateway: &[HostAddress],
    services: &[HostAddress],
    better: impl Fn(&IpAddr) -> bool,
) -> Option<(HostAddress, HostAddress)> {
    let pairs = || {
        services.iter().filter_map(|to| {
            let from = gateway.iter().find(|from| from.address.is_ipv4() == to.address.is_ipv4())?;
            Some((*from, *to))
        })
    };
    pairs().find(|(_, to)| better(&to.address)).or_else(|| pairs().next())
}

fn options(arguments: &ServeArguments) -> SocketOptions {
    let keepalive = match arguments.keepalive {
        Keepalive::Off => None,
        Keepalive::On(Times { idle, interval, probes }) => {
            Some(netstrata::Keepalive { idle, interval, probes })
        }
    };
    SocketOptions { no_delay: true, keepalive, ..SocketOptions::default() }
}
