//! A gateway's life: joined, announced, asked for its status, drained.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use netstrata::{Host, LinkSpec, PingSocket};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use services::gateway::dns::{Forwarder, servers};
use services::gateway::{Counters, Flows, HostLoopback, Policy, Rules, Stations};
use services::{Calls, Stop, Stopper};
use tokio::task::JoinSet;

use super::engine::Engine;
use super::namespace::{self, Handed};
use super::own::OwnAddresses;
use super::published::Published;
use super::report::GatewayReport;
use super::{advertise, check, datagrams, dhcp, dns, echo, guard, publish, settings, tcp};
use crate::arguments::GatewayArguments;
use crate::failure::{Failure, tell};
use crate::invocation::program;
use crate::network;
use crate::serve::control::{self, Reporter};
use crate::serve::host_report;
use crate::signals::Signals;
use crate::status::report::{Program, Report};
use crate::values::exposure::Exposure;

/// How long the last bytes of ended flows may take to be delivered.
const DELIVERY: Duration = Duration::from_secs(3);
/// Descriptors that are kept for all but flows.
const SPARE_DESCRIPTORS: u64 = 64;
/// Where the operating system says which name servers it asks.
const RESOLVER: &str = "/etc/resolv.conf";

/// Runs until told to stop.
pub(crate) fn run(arguments: GatewayArguments) -> Result<(), Failure> {
    if let (true, Some(namespace)) = (arguments.hand_over, &arguments.netns) {
        return namespace::hand_over(&arguments, namespace);
    }
    check::flags(&arguments)?;
    let handed =
        arguments.netns.as_ref().map(|namespace| namespace::open(&arguments, namespace)).transpose()?;
    let descriptors = raise_descriptors();
    let no_runtime =
        |error| Failure::new(format!("cannot start: {error}"), "see this user's limits on threads and files");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(no_runtime)?;
    let outcome = runtime.block_on(serve(arguments, handed, descriptors));
    runtime.shutdown_background();
    outcome
}

/// Raises this process's own limit of descriptors as far as it may; tells how many there are.
fn raise_descriptors() -> u64 {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return 1024 };
    match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
        Ok(()) => hard,
        Err(_) => soft,
    }
}

async fn serve(arguments: GatewayArguments, handed: Option<Handed>, descriptors: u64) -> Result<(), Failure> {
    let no_signals = |error| Failure::new(format!("cannot listen to signals: {error}"), "");
    let mut signals = Signals::listen().map_err(no_signals)?;
    let publish::Opened { exposures, listeners, datagrams } = publish::open(&arguments)?;
    let mtu = handed.as_ref().map(Handed::mtu);
    let counters = Arc::new(Counters::default());
    let stations = Arc::new(Stations::new(settings::networks(&arguments), Arc::clone(&counters)));
    let host = join(&arguments, handed, &stations).await?;
    let mtu = mtu.unwrap_or_else(|| interface_mtu(&host, arguments.mtu.into()));
    let (stopper, stop) = Stopper::new();
    let engine =
        engine(&arguments, &host, descriptors, (counters, stations, exposures.clone()), stop.clone());
    let name_servers = name_servers(&arguments);
    let carried = Calls::new(engine.backlog as usize);
    let mut going_on = begin(&arguments, &engine, &name_servers, (datagrams, mtu)).await?;
    let publishing = publish::carry(listeners, &host, &carried, &stop);

    let control = control::open_for(&arguments.network.link, arguments.control.as_ref())?;
    let answering = control.map(|(control, _)| {
        tokio::spawn(control.answer(reporter(&arguments, &engine, &carried, &exposures, &name_servers)))
    });
    announce(&arguments, &exposures, &name_servers);

    let (signal, broken) = tokio::select! {
        signal = signals.next() => (signal.name, None),
        failure = going_on.broken() => ("none", Some(failure)),
        error = host.severed() => {
            tracing::error!(%error, "no link is left, so no guest can reach this gateway any more");
            let remedy = "make the interface again, and start the gateway again";
            ("none", Some(Failure::new(error.to_string(), remedy)))
        }
    };
    let count = engine.flows.count() + carried.count();
    tracing::info!(signal, flows = count, grace = ?arguments.grace, "stopping: no new flows are taken");
    if count > 0 {
        let grace = arguments.grace;
        tell(format_args!(
            "netstrata: stopping; {count} flows may go on for {grace:?}, or stop again to end them now"
        ));
    }
    stopper.drain(arguments.grace);
    advertise::end(&host);
    let ending = finish(going_on, publishing);
    tokio::pin!(ending);
    loop {
        tokio::select! {
            () = &mut ending => break,
            _ = signals.next() => stopper.cut(),
        }
    }
    tracing::info!(flows = engine.flows.begun(), "stopped");
    drop(engine);
    let _ = tokio::task::spawn_blocking(move || host.shutdown(DELIVERY)).await;
    if let Some(answering) = answering {
        // Its end removes the socket.
        answering.abort();
        let _ = answering.await;
    }
    broken.map_or(Ok(()), Err)
}

/// What runs until the end, and what may be cut off then.
struct GoingOn {
    flows: JoinSet<()>,
    services: JoinSet<()>,
}

impl GoingOn {
    /// Returns when a part has ended, which none does before it is told to: a gateway that lacks one must not seem whole.
    async fn broken(&mut self) -> Failure {
        let ended = tokio::select! {
            Some(ended) = self.flows.join_next() => ended,
            Some(ended) = self.services.join_next() => ended,
            else => std::future::pending().await,
        };
        let why = match ended {
            Ok(()) => "the log says why".to_owned(),
            Err(error) => error.to_string(),
        };
        tracing::error!(why, "a part of the gateway has ended, and with it ends the whole");
        Failure::new(
            format!("a part of the gateway has ended: {why}"),
            "start it again, and report this with its log",
        )
    }
}

async fn finish(mut going_on: GoingOn, mut publishing: JoinSet<services::Summary>) {
    while going_on.flows.join_next().await.is_some() {}
    while publishing.join_next().await.is_some() {}
    going_on.services.shutdown().await;
}

/// Joins the link. Whatever is sent there to anybody comes to this host.
async fn join(
    arguments: &GatewayArguments,
    handed: Option<Handed>,
    stations: &Arc<Stations>,
) -> Result<Host, Failure> {
    let common = arguments.network.clone();
    let network = network::network(&common, "gateway").intercepts(true).mtu(arguments.mtu.into());
    let network = network.admit(guard::of(&common.link, stations));
    let at = settings::addresses(arguments);
    let start = move || {
        let Some(handed) = handed else { return network::join(network, &at, &common) };
        let spec = common.link.clone();
        let network = at.iter().fold(network, |network, at| network.address(at.address, at.prefix));
        let started = network.start_over(move |mac, whole| handed.link(&spec, mac, whole));
        started.map_err(|error| network::not_joined(&error, &at, &common))
    };
    let fault = |error| Err(Failure::new(format!("cannot start: {error}"), ""));
    tokio::task::spawn_blocking(start).await.unwrap_or_else(fault)
}

fn interface_mtu(host: &Host, otherwise: usize) -> usize {
    let own = host.interfaces().first().copied();
    host.with(|stack, _| {
        stack.interfaces().find(|interface| Some(interface.id) == own).map(|interface| interface.mtu)
    })
    .unwrap_or(otherwise)
}

fn engine(
    arguments: &GatewayArguments,
    host: &Host,
    descriptors: u64,
    (counters, stations, published): (Arc<Counters>, Arc<Stations>, Vec<Exposure>),
    stop: Stop,
) -> Arc<Engine> {
    let mut limits = settings::limits(arguments);
    let most = usize::try_from(descriptors.saturating_sub(SPARE_DESCRIPTORS)).unwrap_or(usize::MAX).max(1);
    if limits.flows > most {
        tracing::warn!(
            descriptors,
            flows = most,
            "this user may open too few files for --max-flows: fewer are taken"
        );
        limits.flows = most;
    }
    let addresses = settings::addresses(arguments);
    let loopback = if arguments.host_loopback { HostLoopback::Open } else { HostLoopback::Closed };
    let rules = Rules::new(&arguments.allow, &arguments.deny);
    Arc::new(Engine {
        host: host.clone(),
        own: addresses.iter().map(|own| own.address).collect(),
        policy: Arc::new(Policy::new(settings::networks(arguments), loopback, rules)),
        host_addresses: arguments.host_addresses,
        own_addresses: OwnAddresses::new(),
        published,
        stations,
        flows: Flows::new(limits, Arc::clone(&counters)),
        counters,
        backlog: u32::try_from(limits.flows).unwrap_or(u32::MAX).saturating_mul(2).max(128),
        udp_idle: arguments.udp_idle,
        stop,
    })
}

fn name_servers(arguments: &GatewayArguments) -> Vec<SocketAddr> {
    if arguments.no_dns || !arguments.dns.is_empty() {
        return arguments.dns.clone();
    }
    let found = std::fs::read_to_string(RESOLVER).map(|text| servers(&text)).unwrap_or_default();
    if found.is_empty() {
        tracing::warn!(
            "{RESOLVER} names no name server: questions for names fail; give one with --dns ADDRESS"
        );
    }
    found
}

/// Starts all parts. Each takes what comes from now on: who is told that the gateway is there need not ask twice.
async fn begin(
    arguments: &GatewayArguments,
    engine: &Arc<Engine>,
    name_servers: &[SocketAddr],
    (published, mtu): (Vec<Published>, usize),
) -> Result<GoingOn, Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("the gateway cannot take flows: {error}"), "");
    let mut going_on = GoingOn { flows: JoinSet::new(), services: JoinSet::new() };
    going_on.flows.spawn(tcp::carry(Arc::clone(engine), tcp::listen(engine).map_err(failed)?));
    let datagrams = netstrata::tokio::UdpSocket::bind_any(&engine.host).map_err(failed)?;
    going_on.flows.spawn(datagrams::carry(Arc::clone(engine), datagrams, published));
    let echo = PingSocket::open_any(&engine.host).map_err(failed)?;
    going_on.flows.spawn(echo::carry(Arc::clone(engine), echo));
    if !arguments.no_dns {
        let (policy, counters) = (Arc::clone(&engine.policy), Arc::clone(&engine.counters));
        let forwarder = Arc::new(Forwarder::new(name_servers.to_vec(), policy, counters));
        for own in &engine.own {
            let open = dns::Open::at(engine, *own).await.map_err(failed)?;
            going_on.services.spawn(dns::answer(Arc::clone(engine), open, Arc::clone(&forwarder)));
        }
    }
    let gives = !arguments.no_dhcp && !matches!(arguments.network.link, LinkSpec::Tun(_));
    if let (true, Some(server)) =
        (gives, dhcp::server(arguments, &settings::addresses(arguments), &engine.stations, mtu))
    {
        let socket = dhcp::open(engine).await.map_err(failed)?;
        going_on.services.spawn(dhcp::answer(Arc::clone(engine), socket, server));
    }
    advertise::begin(arguments, &engine.host, mtu);
    Ok(going_on)
}

/// What answers `netstrata status`.
fn reporter(
    arguments: &GatewayArguments,
    engine: &Arc<Engine>,
    carried: &Arc<Calls>,
    exposures: &[Exposure],
    name_servers: &[SocketAddr],
) -> Arc<Reporter> {
    let (started, link) = (Instant::now(), arguments.network.link.to_string());
    let (host, flows, counters) =
        (engine.host.clone(), Arc::clone(&engine.flows), Arc::clone(&engine.counters));
    let carried = Arc::clone(carried);
    let published: Vec<(String, String)> =
        exposures.iter().map(|exposure| (exposure.outside.to_string(), exposure.inside_text())).collect();
    let name_servers: Vec<String> = name_servers.iter().map(ToString::to_string).collect();
    Arc::new(move || Report {
        program: Program {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            link: link.clone(),
            uptime_seconds: started.elapsed().as_secs_f64(),
            kept_out: None,
            sealed: None,
        },
        hosts: vec![host_report::report(&host)],
        carried: carried.list().into_iter().map(Into::into).collect(),
        refused: carried.refused(),
        gateway: Some(GatewayReport {
            published: published.clone(),
            name_servers: name_servers.clone(),
            ..GatewayReport::of(&flows, &counters)
        }),
        ..Report::default()
    })
}

/// Says that it is there, and how guests use it.
fn announce(arguments: &GatewayArguments, exposures: &[Exposure], name_servers: &[SocketAddr]) {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let own = settings::addresses(arguments);
    let routers: Vec<String> = own.iter().map(ToString::to_string).collect();
    let _ = writeln!(text, "gateway {} on {}", routers.join(" "), arguments.network.link);
    if arguments.configure {
        let guests: Vec<String> = own
            .iter()
            .filter_map(|own| settings::guest_address(*own))
            .map(|guest| guest.to_string())
            .collect();
        let _ = writeln!(text, "guest   {}", guests.join(" "));
    }
    if !name_servers.is_empty() {
        let asked: Vec<String> = name_servers.iter().map(|server| server.ip().to_string()).collect();
        let _ = writeln!(
            text,
            "names   at {}, from {}",
            own.first().map(|own| own.address.to_string()).unwrap_or_default(),
            asked.join(" ")
        );
    }
    for exposure in exposures {
        let _ = writeln!(text, "publish {} to {}", exposure.outside, exposure.inside_text());
    }
    let at = match &arguments.control {
        Some(path) => format!(" --control {}", crate::invocation::quoted_path(path)),
        None if arguments.network.link == LinkSpec::default() => String::new(),
        None => format!(" --link {}", crate::invocation::quoted(&arguments.network.link.to_string())),
    };
    let _ = writeln!(text, "status: {} status{at}", program());
    let _ = writeln!(text, "stop:   Ctrl-C, or kill {}", std::process::id());
    // Whoever does not want to read it may close our output.
    let mut stdout = std::io::stdout();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_part_that_ends_or_panics_is_told_of_in_one_line() {
        let mut going_on = GoingOn { flows: JoinSet::new(), services: JoinSet::new() };
        going_on.flows.spawn(std::future::pending());
        going_on.services.spawn(async { panic!("of one\nlength") });
        let told = going_on.broken().await.to_string();
        assert!(told.contains(r"of one\nlength") && !told.contains('\n'), "{told}");
        going_on.services.spawn(async {});
        assert!(going_on.broken().await.to_string().contains("the log says why"));
        going_on.services.spawn(std::future::pending());
        let whole = tokio::time::timeout(Duration::from_millis(50), going_on.broken()).await;
        assert!(whole.is_err());
    }
}
