//! The description of a host, and its start.

use crate::clock::Clock;
use crate::driver::{ALARM, Driver};
use crate::host::Host;
use crate::port::Port;
use crate::shards::bell::Bell;
use crate::shards::family::Family;
use crate::shards::{Ends, Inbox};
use crate::state::Shared;
use basis::{Instant, Seed};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use link::{Link, Loopback};
use mio::Poll;
use stack::{InterfaceConfig, InterfaceId, MAX_SHARDS, Medium, Probing, Shard, Stack, StackConfig};
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

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
    shards: usize,
    polling: Duration,
    interfaces: Vec<(Vec<Box<dyn Link>>, InterfaceSetup)>,
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
            shards: 1,
            polling: Duration::ZERO,
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
        self.interfaces.push((vec![link], setup));
        self
    }

    /// Adds an interface whose device has a queue for each shard. What the device puts into the queue of another shard is handed over.
    pub fn interface_queues(mut self, queues: Vec<Box<dyn Link>>, setup: InterfaceSetup) -> Builder {
        self.interfaces.push((queues, setup));
        self
    }

    /// How many shards the host has, 1 to 64, each with a thread and a part of the TCP connections: as many as cores are to work for it.
    /// Everything else is with the first. Bounds on TCP's memory and connections are shared out equally. Default 1.
    pub fn shards(mut self, count: usize) -> Builder {
        self.shards = count;
        self
    }

    /// For how long a driver asks on after traffic before it sleeps, up to 1 ms: the answers of a near peer then need no wake-up, for the
    /// price of a processor that is busy meanwhile. It does so only while such answers come, and never without traffic. Default zero: it
    /// sleeps at once.
    pub fn polling(mut self, most: Duration) -> Builder {
        self.polling = most;
        self
    }

    /// Starts the host.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] for an address or a gateway that the stack refuses, for a number of shards that cannot be and for an
    /// interface with another number of queues; otherwise what the operating system says when it has no entropy, no descriptors or no thread.
    pub fn start(self) -> io::Result<Host> {
        let seed = match self.seed {
            Some(seed) => seed,
            None => entropy()?,
        };
        let plan = Plan { count: self.shards, seed, config: self.config, now: self.clock.now() };
        let mut stacks = plan.stacks()?;
        let mut polls = Vec::new();
        let mut bells = Vec::new();
        for _ in 0..plan.count {
            let poll = Poll::new()?;
            bells.push(Arc::new(Bell::new(poll.registry(), ALARM)?));
            polls.push(poll);
        }
        let mut ports = plan.loopbacks(&mut stacks)?;
        let (mut interfaces, mut inboxes) = (Vec::new(), Vec::new());
        for (links, setup) in self.interfaces {
            let (interface, link_inboxes) = plan.plug(&mut stacks, &mut ports, &bells, links, &setup)?;
            interfaces.push(interface);
            inboxes.extend(link_inboxes);
        }
        let family = Arc::new(Family::new(plan.count, inboxes));
        let shared = |(stack, bell): (Stack, Arc<Bell>)| {
            let (name, interfaces, family) = (self.name.clone(), interfaces.clone(), Arc::clone(&family));
            Arc::new(Shared::new(name, self.clock, interfaces, stack, bell, family))
        };
        let shards: Vec<Arc<Shared>> = stacks.into_iter().zip(bells).map(shared).collect();
        Shared::gather(&shards);
        let Some(first) = shards.first() else { return Err(invalid("a host has a shard")) };
        // Made before a driver looks for handles for the first time.
        let host = Host::new(Arc::clone(first));
        let surroundings = first.lock().stack.surroundings();
        first.share(&surroundings);
        for (number, ((shard, poll), ports)) in shards.into_iter().zip(polls).zip(ports).enumerate() {
            let name = &self.name;
            let thread = if number == 0 { format!("net-{name}") } else { format!("net{number}-{name}") };
            let driver = Driver::new(shard, poll, ports).with_polling(self.polling);
            if let Err(error) = thread::Builder::new().name(thread).spawn(move || driver.run()) {
                // Those that have begun end without the others.
                for number in number..plan.count {
                    family.all_over(number, true);
                }
                return Err(error);
            }
        }
        Ok(host)
    }
}

/// What the shards of a host are made by.
struct Plan {
    count: usize,
    seed: Seed,
    config: StackConfig,
    now: Instant,
}

impl Plan {
    fn stacks(&self) -> io::Result<Vec<Stack>> {
        let shard = |index| {
            let of = format!("{} shards cannot be: a host has 1 to {MAX_SHARDS}", self.count);
            let shard = Shard::new(index, self.count).ok_or_else(|| invalid(&of))?;
            Ok(Stack::new(self.now, self.config.for_shard(shard), self.seed))
        };
        (0..self.count.max(1)).map(shard).collect()
    }

    /// Each shard has a loopback of its own: both ends of what a host says to itself are on one.
    fn loopbacks(&self, stacks: &mut [Stack]) -> io::Result<Vec<Vec<Port>>> {
        let setup = InterfaceSetup::new("lo")
            .address(IpAddr::V4(Ipv4Addr::LOCALHOST), 8)
            .address(IpAddr::V6(Ipv6Addr::LOCALHOST), 128);
        let mut ports = Vec::new();
        for stack in stacks {
            let interface = add(stack, self.now, Medium::Loopback, Loopback::MTU, &setup);
            if stack.shard().is_first() {
                configure(stack, self.now, interface, &setup)?;
            }
            ports.push(vec![Port::new(Box::new(Loopback::new()), interface)]);
        }
        Ok(ports)
    }

    /// Adds one interface to all shards; the first one has its addresses, which the others copy.
    fn plug(
        &self,
        stacks: &mut [Stack],
        ports: &mut [Vec<Port>],
        bells: &[Arc<Bell>],
        links: Vec<Box<dyn Link>>,
        setup: &InterfaceSetup,
    ) -> io::Result<(InterfaceId, Option<Arc<[Inbox]>>)> {
        let (InterfaceSetup { name, .. }, count, queues) = (setup, self.count, links.len());
        let Some(link) = links.first() else { return Err(invalid(&format!("{name}: no link"))) };
        if queues != 1 && queues != count {
            return Err(invalid(&format!("{name}: {queues} queues for {count} shards: give one for each")));
        }
        let (medium, capabilities) = (medium_of(&**link), link.capabilities());
        let mut interface = None;
        for stack in &mut *stacks {
            let id = add(stack, self.now, medium, capabilities.mtu, setup);
            interface.get_or_insert(id);
        }
        let (Some(interface), Some(first)) = (interface, stacks.first_mut()) else {
            return Err(invalid("a host has a shard"));
        };
        configure(first, self.now, interface, setup)?;
        let ends =
            first.steering().map(|steering| Ends::new(bells, queues == 1, *steering, medium, capabilities));
        let mut links = links.into_iter();
        for (shard, ports) in ports.iter_mut().enumerate() {
            let link = links.next();
            let link: Box<dyn Link> = match (&ends, link) {
                (Some(ends), link) => Box::new(ends.end(shard, link)),
                (None, Some(link)) => link,
                (None, None) => return Err(invalid(&format!("{name}: no link"))),
            };
            ports.push(Port::new(link, interface));
        }
        Ok((interface, ends.map(|ends| ends.inboxes())))
    }
}

fn medium_of(link: &dyn Link) -> Medium {
    match link.capabilities().medium {
        link::Medium::Ethernet(address) => Medium::Ethernet(address),
        link::Medium::Ip => Medium::Ip,
    }
}

fn add(stack: &mut Stack, now: Instant, medium: Medium, mtu: usize, setup: &InterfaceSetup) -> InterfaceId {
    // Every link takes super-segments: one whose device cannot cuts them itself, which is still cheaper than many walks
    // through the stack.
    let name = setup.name.clone();
    stack.add_interface(now, InterfaceConfig { name, medium, mtu, super_segments: true })
}

fn configure(
    stack: &mut Stack,
    now: Instant,
    interface: InterfaceId,
    setup: &InterfaceSetup,
) -> io::Result<()> {
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
    Ok(())
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
