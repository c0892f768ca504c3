//! From a name to an address: services and hosts of the LAN by multicast DNS, all others by a name server.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use names::dns::{self, Lookup, Outcome};
use names::record::{A, AAAA, PTR};
use names::{Browser, Name};
use netstrata::{Host, TcpStream, UdpSocket};
use services::Named;

use super::browse::Ear;
use crate::failure::Failure;
use crate::invocation::program;

/// How long the LAN is asked for a name. Who has it answers within half a second, unless it has just begun.
const LAN_PATIENCE: Duration = Duration::from_secs(3);
/// How long a name server may take, and how often it is asked.
const SERVER_PATIENCE: Duration = Duration::from_secs(2);
const ATTEMPTS: u32 = 2;

/// Who is looked for, and how.
pub(crate) struct Search<'a> {
    /// The host that asks.
    pub(crate) host: &'a Host,
    /// Whether an IPv6 address is wanted.
    pub(crate) by_v6: bool,
    /// The name server, if there is one.
    pub(crate) server: Option<SocketAddr>,
    /// The port, where the name does not lead to one.
    pub(crate) port: u16,
}

/// The type of service that a name stands for: `talk`, `http`, or any other one.
pub(crate) fn kind(name: &str) -> Option<Name> {
    if name.is_empty() {
        return None;
    }
    let kind = match Named::find(name) {
        Some(named) => named.card().kind.to_owned(),
        None if name.starts_with('_') => name.trim_end_matches('.').trim_end_matches(".local").to_owned(),
        None => format!("_{name}._tcp"),
    };
    Name::parse(&format!("{kind}.local")).ok()
}

impl Search<'_> {
    /// Where `name` is: a service's port is its own unless `port` was asked for.
    pub(crate) fn run(&self, name: &str, port: Option<u16>) -> Result<SocketAddr, Failure> {
        let bare = name.strip_suffix('.').unwrap_or(name);
        let is_local = bare.to_ascii_lowercase().ends_with(".local");
        let told = |error: io::Error| Failure::new(format!("{name:?} cannot be looked up: {error}"), "");
        if (is_local || !bare.contains('.'))
            && let Some(found) = self.on_lan(bare, is_local, port).map_err(told)?
        {
            return Ok(found);
        }
        if is_local {
            return Err(self.not_found(name));
        }
        match self.server {
            Some(server) => self.by_server(name, server, port),
            None => Err(self.not_found(name)),
        }
    }

    fn not_found(&self, name: &str) -> Failure {
        let remedy = match self.server {
            Some(_) => "check its spelling, or give its address".to_owned(),
            None => format!(
                "`{} find` lists what is there; give an address such as 10.7.0.2 or [fd07::2], or name a name server with --dns ADDRESS",
                program()
            ),
        };
        Failure::new(format!("nothing on this network has the name {name:?}"), remedy)
    }

    fn on_lan(&self, name: &str, is_local: bool, port: Option<u16>) -> io::Result<Option<SocketAddr>> {
        let ear = Ear::open(self.host, self.by_v6)?;
        let mut browser = ear.browser()?;
        let host = if is_local { name.to_owned() } else { format!("{name}.local") };
        let host = Name::parse(&host).ok();
        let kind = if is_local { None } else { kind(name) };
        if let Some(kind) = &kind {
            browser.ask(kind, PTR);
        }
        if let Some(host) = &host {
            browser.ask(host, if self.by_v6 { AAAA } else { A });
        }
        let mut found = None;
        ear.hear(&mut browser, LAN_PATIENCE, |browser, now| {
            found = self.place(browser, now, host.as_ref(), kind.as_ref(), port);
            found.is_some()
        })?;
        Ok(found)
    }

    /// What is known so far. Of several services that with the name itself is meant, or else the first.
    fn place(
        &self,
        browser: &Browser,
        now: netstrata::basis::Instant,
        host: Option<&Name>,
        kind: Option<&Name>,
        port: Option<u16>,
    ) -> Option<SocketAddr> {
        let suits = |address: &IpAddr| address.is_ipv6() == self.by_v6;
        let service = kind.and_then(|kind| {
            let found = browser.services(now, kind);
            let first = found.into_iter().min_by_key(|found| found.instance.first().len())?;
            let address = first.addresses.into_iter().find(suits)?;
            Some(SocketAddr::new(address, port.unwrap_or(first.port)))
        });
        service.or_else(|| {
            let address = browser.addresses(now, host?).into_iter().find(suits)?;
            Some(SocketAddr::new(address, port.unwrap_or(self.port)))
        })
    }

    fn by_server(&self, name: &str, server: SocketAddr, port: Option<u16>) -> Result<SocketAddr, Failure> {
        let unknown =
            || Failure::usage(format!("{name:?} is no name"), "check its spelling, or give its address");
        let mut seed = [0; 2];
        getrandom::fill(&mut seed).map_err(|error| Failure::new(format!("no randomness: {error}"), ""))?;
        let wanted = Name::parse(name).map_err(|_| unknown())?;
        let lookup = Lookup::new(wanted, self.by_v6, u16::from_be_bytes(seed));
        let silent = |error: io::Error| {
            let cause = format!("the name server {server} did not say where {name:?} is: {error}");
            Failure::new(cause, "check --dns ADDRESS, or give an address")
        };
        let mut outcome = self.ask(&lookup, server).map_err(silent)?;
        if outcome == Outcome::Truncated {
            outcome = self.ask_at_length(&lookup, server).map_err(silent)?;
        }
        match outcome {
            Outcome::Addresses(addresses) => match addresses.first() {
                Some(address) => Ok(SocketAddr::new(*address, port.unwrap_or(self.port))),
                None => Err(Failure::new(
                    format!("{name:?} has no address of {}", if self.by_v6 { "IPv6" } else { "IPv4" }),
                    "call by the other family with an --address of it",
                )),
            },
            Outcome::NoSuchName => Err(self.not_found(name)),
            Outcome::Truncated => Err(silent(ErrorKind::InvalidData.into())),
            Outcome::Refused(code) => Err(Failure::new(
                format!("the name server {server} would not say where {name:?} is (code {code})"),
                "name another one with --dns ADDRESS",
            )),
        }
    }

    fn ask(&self, lookup: &Lookup, server: SocketAddr) -> io::Result<Outcome> {
        let any: IpAddr =
            if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        // A port that nobody can guess, and one peer alone.
        let socket = UdpSocket::bind(self.host, (any, 0))?;
        socket.connect(server)?;
        let mut room = vec![0; 4096];
        for _ in 0..ATTEMPTS {
            socket.send(&lookup.write())?;
            let end = Instant::now() + SERVER_PATIENCE;
            loop {
                let left = end.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    break;
                }
                socket.set_read_timeout(Some(left))?;
                match socket.recv(&mut room) {
                    Ok(length) => {
                        if let Some(outcome) = lookup.read(room.get(..length).unwrap_or_default()) {
                            return Ok(outcome);
                        }
                    }
                    Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                        break;
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Err(io::Error::new(ErrorKind::TimedOut, "it did not answer"))
    }

    /// Over TCP, where messages follow their length (RFC 7766 8).
    fn ask_at_length(&self, lookup: &Lookup, server: SocketAddr) -> io::Result<Outcome> {
        let mut stream = TcpStream::connect_timeout(self.host, &server, SERVER_PATIENCE)?;
        stream.set_read_timeout(Some(SERVER_PATIENCE))?;
        let question = lookup.write();
        let length = u16::try_from(question.len()).map_err(io::Error::other)?;
        stream.write_all(&[length.to_be_bytes().as_slice(), &question].concat())?;
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut answer)?;
        lookup.read(&answer).ok_or_else(|| ErrorKind::InvalidData.into())
    }
}

/// The port of name servers.
pub(crate) const SERVER_PORT: u16 = dns::PORT;
