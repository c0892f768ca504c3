//! Being on a network: what the common flags say, made into a host of our own stack.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::ops::{Deref, RangeInclusive};
use std::os::unix::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use netstrata::dhcp::{Event, Lease};
use netstrata::link::lan::LanAddress;
use netstrata::network::Leased;
use netstrata::{Host, LinkSpec, Network};

use crate::arguments::NetworkArguments;
use crate::failure::{self, Failure};
use crate::invocation::program;
use crate::values::address::HostAddress;

/// Where the services are unless told otherwise. The networks are fixed, 10.7.0.0/24 and fd07::/64 (RFC 4193), so that an address
/// can be told to others.
pub(crate) const SERVICES: [HostAddress; 2] = [HostAddress::v4([10, 7, 0, 2]), HostAddress::v6(2)];

/// Where published ports are carried from unless told otherwise.
pub(crate) const GATEWAY: [HostAddress; 2] = [HostAddress::v4([10, 7, 0, 1]), HostAddress::v6(1)];

/// From these a client takes an address of its own, by whom it calls.
const CLIENTS: [RangeInclusive<HostAddress>; 2] = [
    HostAddress::v4([10, 7, 0, 100])..=HostAddress::v4([10, 7, 0, 250]),
    HostAddress::v6(0x100)..=HostAddress::v6(0xffff),
];

/// How long a DHCP server is waited for: three questions.
const LEASE_PATIENCE: Duration = Duration::from_secs(20);

/// How many addresses a client tries. With half of them taken, one in a million clients finds none.
const ATTEMPTS: u32 = 20;

/// The socket of the LAN that `link` names, or of the user's own.
pub(crate) fn lan_path(link: &LinkSpec) -> Result<PathBuf, Failure> {
    match link {
        LinkSpec::Lan(Some(path)) => Ok(path.clone()),
        _ => LanAddress::from_environment().map(|address| address.path).map_err(|error| {
            Failure::new(
                format!("there is no place for this user's LAN: {error}"),
                "name one with --link lan:PATH",
            )
        }),
    }
}

/// Refuses what can be known to be wrong before anything is joined: flags that say nothing together, and a record that cannot
/// be made.
pub(crate) fn check(arguments: &NetworkArguments) -> Result<(), Failure> {
    if arguments.link == LinkSpec::Host {
        let frames = [
            ("--pcapng", arguments.pcapng.is_some()),
            ("--impair", arguments.impair.is_some()),
            ("--gateway", arguments.gateway.is_some()),
            ("--address dhcp", arguments.is_leased()),
        ];
        for (flag, given) in frames {
            if given {
                let cause =
                    format!("{flag} needs a stack of our own, and --link host is the operating system's");
                return Err(Failure::usage(cause, format!("leave {flag} away, or choose another --link")));
            }
        }
        return Ok(());
    }
    if let LinkSpec::Lan(Some(path)) = &arguments.link {
        check_lan(path, "--link lan:PATH")?;
    }
    arguments.own().map_or(Ok(()), check_address)?;
    check_lease(arguments)?;
    check_gateway(arguments)?;
    let Some(file) = &arguments.pcapng else { return Ok(()) };
    check_writable(file).map_err(|error| {
        Failure::usage(
            format!("cannot record to {}: {error}", file.display()),
            "give --pcapng a file in a directory that is there and that this user may write to",
        )
    })
}

/// Refuses a path, given by `flag`, that no LAN can be at. The directory of one that was named must be there: it may be mistyped, and whoever
/// may make directories anywhere would not notice.
pub(crate) fn check_lan(path: &Path, flag: &str) -> Result<(), Failure> {
    if SocketAddr::from_pathname(path).is_err() {
        let length = path.as_os_str().len();
        let cause = format!("the path {} is too long for a socket: it has {length} bytes", path.display());
        return Err(Failure::usage(cause, format!("give a shorter {flag}")));
    }
    let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) else {
        return Ok(());
    };
    match directory.try_exists() {
        Ok(true) => Ok(()),
        Ok(false) => Err(Failure::usage(
            format!("there is no directory {} for a LAN's socket", directory.display()),
            format!("give another {flag}, or make it with `mkdir`"),
        )),
        Err(error) => Err(Failure::usage(
            format!("there can be no LAN's socket in {}: {error}", directory.display()),
            format!("give another {flag}"),
        )),
    }
}

/// Refuses a lease where there can be none.
fn check_lease(arguments: &NetworkArguments) -> Result<(), Failure> {
    if !arguments.is_leased() {
        return Ok(());
    }
    if matches!(arguments.link, LinkSpec::Tun(_)) {
        let cause = "a TUN has no stations, so none of them gives addresses by DHCP";
        return Err(Failure::usage(cause, "give --address ADDRESS/PREFIX, or --link tap:NAME"));
    }
    if arguments.gateway.is_some() {
        let cause = "--address dhcp brings its router along";
        return Err(Failure::usage(cause, "leave --gateway away, or give --address ADDRESS/PREFIX"));
    }
    Ok(())
}

/// Refuses a router that nobody could hand a packet to: it must be in a network of our own (RFC 1122 3.3.1.2). A link-local one
/// is on every link, and a TUN has no stations to choose from.
fn check_gateway(arguments: &NetworkArguments) -> Result<(), Failure> {
    let Some(gateway) = arguments.gateway else { return Ok(()) };
    let networks = arguments.own().map_or(SERVICES.to_vec(), |address| vec![address]);
    let link_local = matches!(gateway, IpAddr::V6(gateway) if gateway.is_unicast_link_local());
    let is_tun = matches!(arguments.link, LinkSpec::Tun(_));
    if link_local || is_tun || networks.iter().any(|network| network.contains(gateway)) {
        return Ok(());
    }
    let names: Vec<String> = networks.iter().map(ToString::to_string).collect();
    Err(Failure::usage(
        format!(
            "the gateway {gateway} is in no network of one's own: the addresses are like {}",
            names.join(" and ")
        ),
        "give a router of such a network, or an --address in the router's",
    ))
}

/// Whether there can be a file at `path`; leaves things as they are.
fn check_writable(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(ErrorKind::IsADirectory.into()),
        Ok(found) if found.is_file() => OpenOptions::new().write(true).open(path).map(drop),
        // A pipe is opened once: its reader would take a second time for the end.
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            OpenOptions::new().write(true).create_new(true).open(path)?;
            fs::remove_file(path)
        }
        Err(error) => Err(error),
    }
}

/// Refuses addresses that no station of a LAN can have.
pub(crate) fn check_address(HostAddress { address, prefix }: HostAddress) -> Result<(), Failure> {
    let v4 = match address {
        IpAddr::V4(v4) => v4,
        IpAddr::V6(v6) if v6.is_loopback() => {
            let cause = format!("{address}/{prefix} is a loopback address, which never leaves a host");
            return Err(Failure::usage(cause, "give the address of one station, such as fd07::2/64"));
        }
        IpAddr::V6(_) => return Ok(()),
    };
    let host_bits = u32::MAX.checked_shr(prefix.into()).unwrap_or(0);
    let host_part = u32::from(v4) & host_bits;
    // The first and the last address of a network are not stations', but for links of two (RFC 3021) or one.
    let meaning = if v4.is_loopback() {
        "a loopback address, which never leaves a host"
    } else if host_bits > 1 && host_part == 0 {
        "the network's own address"
    } else if host_bits > 1 && host_part == host_bits {
        "the network's broadcast address"
    } else {
        return Ok(());
    };
    Err(Failure::usage(
        format!("{address}/{prefix} is {meaning}"),
        "give the address of one station, such as 10.7.0.2/24",
    ))
}

/// A host yet to be started, as the flags say, without addresses.
pub(crate) fn network(arguments: &NetworkArguments, name: &str) -> Network {
    Network::new(arguments.link.clone())
        .name(name)
        .gateway(arguments.gateway)
        .pcapng(arguments.pcapng.clone())
        .impairment(arguments.impair)
}

/// Starts a host with these addresses, which must be free.
pub(crate) fn join(
    network: Network,
    at: &[HostAddress],
    arguments: &NetworkArguments,
) -> Result<Host, Failure> {
    let network = at.iter().fold(network, |network, at| network.address(at.address, at.prefix));
    network.start().map_err(|error| not_joined(&error, at, arguments))
}

/// Starts a host with an address that a DHCP server gives.
pub(crate) fn join_leased(
    network: Network,
    arguments: &NetworkArguments,
) -> Result<(Host, HostAddress, Leased), Failure> {
    let (host, leased) = network
        .start_leased(LEASE_PATIENCE, |event| match event {
            Event::Given(lease) => tracing::info!(address = %lease.address, server = %lease.server, "leased"),
            Event::Extended(lease) => tracing::debug!(address = %lease.address, "leased for longer"),
            Event::Unusable(lease) => {
                tracing::warn!(address = %lease.address, "what was leased could not be used: another address is asked for");
            }
            Event::Lost(lease) => {
                tracing::warn!(address = %lease.address, "the lease is over: another address is asked for");
            }
        })
        .map_err(|error| match error.kind() {
            ErrorKind::TimedOut => Failure::new(
                format!("{error} on {}", arguments.link),
                "see whether one is there, or give --address ADDRESS/PREFIX",
            ),
            _ => not_joined(&error, &[], arguments),
        })?;
    match leased.lease() {
        Some(Lease { address, prefix, .. }) => {
            Ok((host, HostAddress { address: IpAddr::V4(address), prefix }, leased))
        }
        None => Err(Failure::new("the lease was over at once", "")),
    }
}

/// Starts a host for a client of `target`: at the address that was given, or else at a free one of the target's family.
pub(crate) fn join_as_client(arguments: &NetworkArguments, target: IpAddr) -> Result<Joined, Failure> {
    let network = network(arguments, "client");
    if arguments.is_leased() {
        let (host, _, leased) = join_leased(network, arguments)?;
        return Ok(Joined { host, leased: Some(leased) });
    }
    if let Some(address) = arguments.own() {
        return join(network, &[address], arguments).map(|host| Joined { host, leased: None });
    }
    let [v4, v6] = CLIENTS;
    let range = if target.is_ipv4() { v4 } else { v6 };
    let (first, last) = (range.start(), range.end());
    network
        .start_at_free_address(first.address..=last.address, first.prefix, ATTEMPTS)
        .map(|(host, _)| Joined { host, leased: None })
        .map_err(|error| not_joined(&error, &[], arguments))
}

/// A client's host, with the lease of its address if it has one.
pub(crate) struct Joined {
    host: Host,
    leased: Option<Leased>,
}

impl Joined {
    /// Name servers that came with the address, the best first.
    pub(crate) fn name_server(&self) -> Option<IpAddr> {
        let lease = self.leased.as_ref()?.lease()?;
        lease.name_servers.first().copied().map(IpAddr::V4)
    }

    /// Ends the host once all that was written is delivered, or `patience` is over: true if it was. The address is given back.
    pub(crate) fn shutdown(mut self, patience: Duration) -> bool {
        if let Some(leased) = self.leased.take() {
            leased.release(patience);
        }
        self.host.shutdown(patience)
    }
}

impl Deref for Joined {
    type Target = Host;

    fn deref(&self) -> &Host {
        &self.host
    }
}

/// Why a host could not be started, and what to do.
pub(crate) fn not_joined(error: &io::Error, at: &[HostAddress], arguments: &NetworkArguments) -> Failure {
    let link = &arguments.link;
    let named = matches!(link, LinkSpec::Lan(Some(_)));
    match (error.kind(), at) {
        (ErrorKind::AddrInUse, [first, ..]) => {
            let lan = LinkSpec::Lan(None);
            let flag = if *link == lan { String::new() } else { format!(" --link {link}") };
            Failure::new(
                error.to_string(),
                format!(
                    "if it is another server, `{} status{flag}` tells of it; else give another --address than {first}",
                    program()
                ),
            )
        }
        (ErrorKind::AddrInUse, []) => {
            Failure::new(error.to_string(), "give a free one with --address ADDRESS/PREFIX")
        }
        (ErrorKind::AddrNotAvailable, _) => {
            Failure::usage(format!("cannot join {link}: {error}"), "give another --address ADDRESS/PREFIX")
        }
        // It says itself how to set the interface up.
        (ErrorKind::NetworkDown, _) => Failure::new(format!("cannot join {link}: {error}"), ""),
        (ErrorKind::NotFound, _) if matches!(link, LinkSpec::Packet(_) | LinkSpec::Xdp(_)) => {
            Failure::usage(format!("cannot join {link}: {error}"), "give the name of one with --link")
        }
        (ErrorKind::InvalidInput, _) => Failure::usage(format!("cannot join {link}: {error}"), "see --help"),
        (ErrorKind::PermissionDenied, _) => {
            Failure::new(format!("cannot join {link}: {error}"), "choose another --link, such as lan:PATH")
        }
        (ErrorKind::AlreadyExists | ErrorKind::NotFound | ErrorKind::NotADirectory, _) if named => {
            Failure::usage(format!("cannot join {link}: {error}"), "give --link lan: another path")
        }
        _ => Failure::new(
            format!("cannot join {link}: {error}"),
            failure::of_the_system(error).unwrap_or("check --link, --pcapng and this user's rights"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looking_whether_a_record_can_be_made_changes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let (old, new) = (directory.path().join("old"), directory.path().join("new"));
        fs::write(&old, "precious").unwrap();
        check_writable(&old).unwrap();
        check_writable(&new).unwrap();
        assert_eq!(fs::read_to_string(&old).unwrap(), "precious");
        assert!(!new.exists());
        assert!(check_writable(directory.path()).is_err());
        assert!(check_writable(&new.join("x")).is_err());
    }

    #[test]
    fn a_directory_that_is_not_there_is_told_from_one_that_cannot_be_looked_for() {
        let directory = tempfile::tempdir_in("/tmp").unwrap();
        fs::write(directory.path().join("file"), "").unwrap();
        let told =
            |place: &str| check_lan(&directory.path().join(place), "--path").map_err(|told| told.to_string());
        assert_eq!(told("lan"), Ok(()));
        assert!(told("none/lan").unwrap_err().starts_with("there is no directory "));
        let below_a_file = told("file/none/lan").unwrap_err();
        assert!(below_a_file.contains("Not a directory"), "{below_a_file}");
    }

    #[test]
    fn addresses_that_no_station_can_have_are_refused() {
        for good in [
            "fd07::1/64",
            "10.7.0.1/24",
            "10.7.0.254/24",
            "10.7.1.0/16",
            "10.7.0.0/31",
            "10.7.0.1/31",
            "10.7.0.0/32",
        ] {
            assert_eq!(check_address(good.parse().unwrap()), Ok(()), "{good}");
        }
        for bad in
            ["10.7.0.0/24", "10.7.0.255/24", "127.0.0.2/8", "::1/128", "10.255.255.255/8", "10.7.0.3/30"]
        {
            assert!(check_address(bad.parse().unwrap()).is_err(), "{bad}");
        }
    }
}
