//! The description of a host, and its start.

use crate::clock::Clock;
use crate::driver::{ALARM, Driver};
use crate::host::Host;
use crate::port::Port;
use crate::state::Shared;
use basis::{Instant, Seed};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use link::{Link, Loopback};
use mio::{Poll, Token};
use stack::{InterfaceConfig, Medium, Probing, Stack, StackConfig};
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::thread;

/// What a host is to be; made by [`Host::builder`].
///
/// ```
/// use netstrata_runtime::Host;
/// let host = Host::builder().name("alone").start()?;
/// assert_eq!(host.name(), "alone");
/// assert!(host.shutdown(std::time::Duration::from_secs(1)));
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Builder {
    name: String,
    clock: Clock,
    seed: Option<Seed>,
    config: StackConfig,
    interfaces: Vec<(Box<dyn Link>, InterfaceSetup)>,
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let interfaces: Vec<_> = self.interfaces.iter().map(|(_, setup)| setup).collect();
        f.debug_struct("Builder")
            .field("name", &self.name)
            .field("interfaces", &interfaces)
            .finish_non_exhaustive()
    }
}

/// One interface of a host, besides its link.
#[derive(Clone, Debug)]
pub struct InterfaceSetup {
    /// The name in reports.
    pub name: String,
    /// The addresses, each with the length of its network's prefix in bits.
    pub addresses: Vec<(IpAddr, u8)>,
    /// Whether and how the addresses are probed before use (RFC 5227).
    pub probing: Probing,
    /// Where packets for all other networks go.
    pub gateway: Option<IpAddr>,
    /// Whether routers are asked for IPv6 addresses and routes, and believed (RFC 4862).
    pub routers: bool,
    /// Whether packets for anybody's address are taken in ([`Stack::set_interception`]).
    pub intercepts: bool,
}

impl InterfaceSetup {
    /// An interface without addresses, which are not probed.
    pub fn new(name: &str) -> InterfaceSetup {
        InterfaceSetup {
            name: name.to_owned(),
            addresses: Vec::new(),
            probing: Probing::Skip,
            gateway: None,
            routers: false,
            intercepts: false,
        }
    }

    /// Adds an address in a network whose prefix is `prefix_length` bits long.
    pub fn address(mut self, address: IpAddr, prefix_length: u8) -> InterfaceSetup {
        self.addresses.push((address, prefix_length));
        self
    }

    /// Sets how addresses are probed.
    pub fn probing(mut self, probing: Probing) -> InterfaceSetup {
        self.probing = probing;
        self
    }

    /// Sets whether routers are asked for IPv6 addresses and routes.
    pub fn routers(mut self, routers: bool) -> InterfaceSetup {
        self.routers = routers;
        self
    }

    /// Sets whether packets for anybody's address are taken in.
    pub fn intercepts(mut self, intercepts: bool) -> InterfaceSetup {
        self.intercepts = intercepts;
        self
    }

    /// Sets the gateway.
    pub fn gateway(mut self, gateway: Option<IpAddr>) -> InterfaceSetup {
        self.gateway = gateway;
        self
    }
}

impl Host {
    /// Begins the description of a host.
    pub fn builder() -> Builder {
        Builder::new()
    }
}

impl Builder {
    pub(crate) fn new() -> Builder {
        Builder {
            name: "netstrata".to_owned(),
            clock: Clock::new(),
            seed: None,
            config: StackConfig::default(),
            interfaces: Vec::new(),
        }
    }

    /// The name, for reports and the driver's thread.
    pub fn name(mut self, name: &str) -> Builder {
        name.clone_into(&mut self.name);
        self
    }

    /// The clock, for who must know its epoch. Default: one that begins with the builder.
    pub fn clock(mut self, clock: Clock) -> Builder {
        self.clock = clock;
        self
    }

    /// What all randomness of the stack grows from; `None`, the default, asks the operating system for it.
    pub fn seed(mut self, seed: Option<Seed>) -> Builder {
        self.seed = seed;
        self
    }

    /// The stack's bounds and defaults.
    pub fn config(mut self, config: StackConfig) -> Builder {
        self.config = config;
        self
    }

    /// Adds an interface. The loopback interface (127.0.0.1/8 and ::1) is always there. One with an IPv6 address, or that asks
    /// routers, also gets an address that is valid on its link alone (RFC 4291 2.8).
    pub fn interface(mut self, link: Box<dyn Link>, setup: InterfaceSetup) -> Builder {
        self.interfaces.push((link, setup));
        self
    }

    /// Starts the host.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] for an address or a gateway that the stack refuses, otherwise what the operating system
    /// says when it has no entropy, no descriptors or no thread.
    pub fn start(self) -> io::Result<Host> {
        let seed = match self.seed {
            Some(seed) => seed,
            None => entropy()?,
        };
        let clock = self.clock;
        let now = clock.now();
        let mut stack = Stack::new(now, self.config, seed);
        let loopback = InterfaceSetup::new("lo")
            .address(IpAddr::V4(Ipv4Addr::LOCALHOST), 8)
            .address(IpAddr::V6(Ipv6Addr::LOCALHOST), 128);
        let mut ports =
            vec![attach(&mut stack, now, Box::new(Loopback::new()), Medium::Loopback, &loopback)?];
        for (link, setup) in self.interfaces {
            let medium = medium_of(&*link);
            ports.push(attach(&mut stack, now, link, medium, &setup)?);
        }
        let interfaces = ports.iter().skip(1).map(|port| port.interface).collect();
        let poll = Poll::new()?;
        let alarm = mio::Waker::new(poll.registry(), Token(ALARM))?;
        let thread_name = format!("net-{}", self.name);
        let shared = Arc::new(Shared::new(self.name, clock, interfaces, stack, alarm));
        // Made before the driver looks for handles for the first time.
        let host = Host::new(Arc::clone(&shared));
        let driver = Driver::new(shared, poll, ports);
        thread::Builder::new().name(thread_name).spawn(move || driver.run())?;
        Ok(host)
    }
}

fn medium_of(link: &dyn Link) -> Medium {
    match link.capabilities().medium {
        link::Medium::Ethernet(address) => Medium::Ethernet(address),
        link::Medium::Ip => Medium::Ip,
    }
}

fn attach(
    stack: &mut Stack,
    now: Instant,
    link: Box<dyn Link>,
    medium: Medium,
    setup: &InterfaceSetup,
) -> io::Result<Port> {
    // Every link takes super-segments: one whose device cannot cuts them itself, which is still cheaper than many walks
    // through the stack.
    let (name, mtu) = (setup.name.clone(), link.capabilities().mtu);
    let interface = stack.add_interface(now, InterfaceConfig { name, medium, mtu, super_segments: true });
    stack.set_interception(interface, setup.intercepts);
    if setup.routers || setup.addresses.iter().any(|(address, _)| address.is_ipv6()) {
        stack
            .enable_ipv6(now, interface, setup.probing, setup.routers)
            .map_err(|error| invalid(&format!("{}: {error}", setup.name)))?;
    }
    for &(address, prefix_length) in &setup.addresses {
        stack.add_address(now, interface, address, prefix_length, setup.probing).map_err(|error| {
            invalid(&format!("{}: address {address}/{prefix_length}: {error}", setup.name))
        })?;
    }
    if let Some(gateway) = setup.gateway {
        stack
            .add_route(everywhere(gateway), Some(gateway), interface)
            .map_err(|error| invalid(&format!("{}: gateway {gateway}: {error}", setup.name)))?;
    }
    Ok(Port::new(link, interface))
}

/// All addresses of the gateway's family.
fn everywhere(gateway: IpAddr) -> IpNet {
    match gateway {
        IpAddr::V4(_) => IpNet::V4(Ipv4Net::default()),
        IpAddr::V6(_) => IpNet::V6(Ipv6Net::default()),
    }
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

/// A seed from the operating system's entropy.
///
/// # Errors
/// When the operating system has none.
pub fn entropy() -> io::Result<Seed> {
    let mut seed = Seed::default();
    getrandom::fill(&mut seed).map_err(|error| io::Error::other(format!("no entropy: {error}")))?;
    Ok(seed)
}
