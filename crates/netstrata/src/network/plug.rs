//! A host plugged into the link that a [`LinkSpec`] names, with captures and impairments on the way.

use super::opening::open;
use super::spec::LinkSpec;
use basis::{Random, Seed};
use link::{Admit, Capture, Impaired, Impairment, Link, Sieved, Watch, Watched};
use runtime::{Clock, Host, InterfaceSetup};
use stack::{ProbeTimes, Probing, StackConfig};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use wire::ethernet::MacAddress;

/// The longest IP packet on a LAN, in bytes, as on an Ethernet.
pub const LAN_MTU: usize = 1500;

/// How addresses are probed on a virtual segment: about 200 ms until an address is used.
///
/// Deviates: RFC 5227 1.1 takes up to 7 s, which allows for bridges that come up slowly. A virtual segment has none, and its
/// stations answer within a millisecond.
pub const LAN_PROBING: Probing = Probing::Probe(ProbeTimes {
    wait: Duration::from_millis(20),
    probes: 3,
    least_interval: Duration::from_millis(50),
    most_interval: Duration::from_millis(70),
    announce_wait: Duration::from_millis(60),
    announcements: 2,
    announce_interval: Duration::from_millis(60),
    defend_interval: Duration::from_secs(10),
});

/// How long [`Network::start`] waits for its addresses.
const PATIENCE: Duration = Duration::from_secs(10);

/// A host to be started on the link that a [`LinkSpec`] names.
///
/// ```no_run
/// use netstrata::{LinkSpec, Network, TcpStream};
/// let host = Network::new(LinkSpec::default()).address([10, 7, 0, 9].into(), 24).start()?;
/// let stream = TcpStream::connect(&host, "10.7.0.2:9528")?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Network {
    spec: LinkSpec,
    name: String,
    mac: Option<MacAddress>,
    mtu: usize,
    addresses: Vec<(IpAddr, u8)>,
    gateway: Option<IpAddr>,
    routers: bool,
    intercepts: bool,
    probing: Probing,
    pcapng: Option<PathBuf>,
    watch: Option<Arc<dyn Watch>>,
    admit: Option<Arc<dyn Admit>>,
    impairment: Option<Impairment>,
    config: StackConfig,
    shards: usize,
    polling: Duration,
    seed: Option<Seed>,
}

impl Network {
    /// A host without addresses on the link.
    pub fn new(spec: LinkSpec) -> Network {
        Network {
            spec,
            name: "netstrata".to_owned(),
            mac: None,
            mtu: LAN_MTU,
            addresses: Vec::new(),
            gateway: None,
            routers: false,
            intercepts: false,
            probing: LAN_PROBING,
            pcapng: None,
            watch: None,
            admit: None,
            impairment: None,
            config: StackConfig::default(),
            shards: 1,
            polling: Duration::ZERO,
            seed: None,
        }
    }

    /// The host's name, for reports.
    pub fn name(mut self, name: &str) -> Network {
        name.clone_into(&mut self.name);
        self
    }

    /// The station's hardware address. Default: a random one, locally administered.
    pub fn mac(mut self, mac: Option<MacAddress>) -> Network {
        self.mac = mac;
        self
    }

    /// The longest IP packet in bytes, where the link does not say itself. Default 1500.
    pub fn mtu(mut self, mtu: usize) -> Network {
        self.mtu = mtu;
        self
    }

    /// Adds an address in a network whose prefix is `prefix_length` bits long.
    pub fn address(mut self, address: IpAddr, prefix_length: u8) -> Network {
        self.addresses.push((address, prefix_length));
        self
    }

    /// Where packets for other networks go. A host that is its own gateway has none.
    pub fn gateway(mut self, gateway: Option<IpAddr>) -> Network {
        self.gateway = gateway;
        self
    }

    /// Whether routers of the link are asked for IPv6 addresses and routes, and believed (RFC 4862). Default: no.
    pub fn routers(mut self, asked: bool) -> Network {
        self.routers = asked;
        self
    }

    /// Whether what is for anybody's address is taken in and answered in that name, for [`TcpListener::bind_any`](crate::TcpListener::bind_any)
    /// and [`UdpSocket::bind_any`](crate::UdpSocket::bind_any): the others on the link must take this host for their router.
    /// A listener or socket at `0.0.0.0` or `[::]` has every address then, too. Default: no.
    pub fn intercepts(mut self, intercepts: bool) -> Network {
        self.intercepts = intercepts;
        self
    }

    /// How addresses are probed before use. Default [`LAN_PROBING`].
    pub fn probing(mut self, probing: Probing) -> Network {
        self.probing = probing;
        self
    }

    /// Writes every frame to a capture file.
    pub fn pcapng(mut self, file: Option<PathBuf>) -> Network {
        self.pcapng = file;
        self
    }

    /// Shows every packet on the cable to somebody.
    pub fn watch(mut self, watch: Option<Arc<dyn Watch>>) -> Network {
        self.watch = watch;
        self
    }

    /// Asks somebody about every frame that arrives; those that are not admitted are lost.
    pub fn admit(mut self, admit: Option<Arc<dyn Admit>>) -> Network {
        self.admit = admit;
        self
    }

    /// Loses, duplicates, reorders, corrupts and delays frames in both directions.
    pub fn impairment(mut self, impairment: Option<Impairment>) -> Network {
        self.impairment = impairment;
        self
    }

    /// The stack's bounds and defaults.
    pub fn config(mut self, config: StackConfig) -> Network {
        self.config = config;
        self
    }

    /// How many shards the host has, 1 to 64, each with a thread and a part of the TCP connections: as many as cores are to work for it.
    /// A TAP or a TUN then has a queue for each, unless a capture, a watcher or an impairment wants to see all frames in one place. UDP and
    /// echo are with the first shard. Default 1.
    pub fn shards(mut self, count: usize) -> Network {
        self.shards = count;
        self
    }

    /// For how long a driver asks on after traffic before it sleeps, up to 1 ms, while near peers answer within that time. Default zero.
    pub fn polling(mut self, most: Duration) -> Network {
        self.polling = most;
        self
    }

    /// What all randomness grows from; `None`, the default, asks the operating system for it.
    pub fn seed(mut self, seed: Option<Seed>) -> Network {
        self.seed = seed;
        self
    }

    /// Starts the host and waits until its addresses may be used.
    ///
    /// # Errors
    /// What the link says when it cannot be opened; [`AddrInUse`](ErrorKind::AddrInUse) if another station has an address;
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a link that is no network, and for addresses that the stack refuses.
    pub fn start(self) -> io::Result<Host> {
        let addresses = self.own_addresses();
        let (host, _) = self.launch()?;
        settled(host, &addresses)
    }

    /// The same over a link that somebody else opens, such as a device of another network namespace. It is told the station's hardware
    /// address, and whether super-segments may pass whole because nobody wants to see packets.
    ///
    /// # Errors
    /// Those of [`Network::start`], and the link's own.
    pub fn start_over(
        self,
        open: impl FnOnce(MacAddress, bool) -> io::Result<Box<dyn Link>>,
    ) -> io::Result<Host> {
        let addresses = self.own_addresses();
        let mut random = self.random()?;
        let mac = self.station(&mut random);
        let link = open(mac, self.takes_super_segments())?;
        settled(self.plug(vec![link], &mut random)?, &addresses)
    }

    fn own_addresses(&self) -> Vec<IpAddr> {
        self.addresses.iter().map(|(address, _)| *address).collect()
    }

    /// Starts the host with an address of its own beside those given: one of `range`, taken at random and probed, and another
    /// one whenever a station has it already, up to `attempts` times.
    ///
    /// # Errors
    /// Those of [`Network::start`]; [`AddrInUse`](ErrorKind::AddrInUse) if all that were tried are taken.
    pub fn start_at_free_address<A: Into<IpAddr> + Copy>(
        self,
        range: RangeInclusive<A>,
        prefix_length: u8,
        attempts: u32,
    ) -> io::Result<(Host, IpAddr)> {
        let range = (*range.start()).into()..=(*range.end()).into();
        if range.is_empty() || range.start().is_ipv4() != range.end().is_ipv4() {
            return Err(io::Error::new(ErrorKind::InvalidInput, "the range of addresses is empty"));
        }
        let (probing, routers) = (self.probing, self.routers);
        let (host, mut random) = self.launch()?;
        for _ in 0..attempts {
            let address = random_address(&range, &mut random);
            match try_address(&host, address, prefix_length, probing, routers) {
                Err(error) if error.kind() == ErrorKind::AddrInUse => {}
                result => return result.map(|()| (host, address)),
            }
        }
        let message = format!(
            "all {attempts} addresses that were tried in {}-{} are in use",
            range.start(),
            range.end()
        );
        Err(io::Error::new(ErrorKind::AddrInUse, message))
    }

    /// Starts two hosts with a cable in memory between them, whatever their links are said to be. Super-segments and
    /// checksums are left out, as between a virtual machine and its host, unless a capture, a watcher or an impairment wants packets.
    ///
    /// # Errors
    /// Those of [`Network::start`].
    pub fn pair(self, other: Network) -> io::Result<(Host, Host)> {
        let (mut random, mut other_random) = (self.random()?, other.random()?);
        let (mac, other_mac) = (self.station(&mut random), other.station(&mut other_random));
        let whole = self.takes_super_segments() && other.takes_super_segments();
        let (link, other_link) = super::memory::cable(self.mtu.min(other.mtu), mac, other_mac, whole);
        let (wanted, other_wanted) = (self.own_addresses(), other.own_addresses());
        let (host, other_host) =
            (self.plug(vec![link], &mut random)?, other.plug(vec![other_link], &mut other_random)?);
        Ok((settled(host, &wanted)?, settled(other_host, &other_wanted)?))
    }

    /// Starts the host without addresses and routes, as `station` unless it has a hardware address already; returns that one.
    pub(super) fn start_bare(mut self, station: MacAddress) -> io::Result<(Host, MacAddress)> {
        let station = *self.mac.get_or_insert(station);
        (self.addresses, self.gateway) = (Vec::new(), None);
        Ok((self.launch()?.0, station))
    }

    fn takes_super_segments(&self) -> bool {
        self.pcapng.is_none() && self.watch.is_none() && self.impairment.is_none()
    }

    fn random(&self) -> io::Result<Random> {
        Ok(Random::new(match self.seed {
            Some(seed) => seed,
            None => runtime::entropy()?,
        }))
    }

    fn station(&self, random: &mut Random) -> MacAddress {
        self.mac.unwrap_or_else(|| random_station(random))
    }

    fn launch(self) -> io::Result<(Host, Random)> {
        let mut random = self.random()?;
        let mac = self.station(&mut random);
        let whole = self.takes_super_segments();
        let queues = if whole { self.shards } else { 1 };
        let links = open(&self.spec, mac, self.mtu, whole, queues)?;
        let host = self.plug(links, &mut random)?;
        Ok((host, random))
    }

    /// Wraps the link and starts the host on it. The impairment is next to the stack, so that the capture shows what is on the
    /// cable.
    fn plug(self, mut links: Vec<Box<dyn Link>>, random: &mut Random) -> io::Result<Host> {
        // Captured packets bear the time of day, the stack counts from the clock's beginning.
        let (clock, epoch) = (Clock::new(), SystemTime::now());
        if let Some(file) = &self.pcapng {
            wrap(&mut links, |link| Ok(Box::new(Capture::create(link, file, &self.name, epoch)?)))?;
        }
        if let Some(watch) = self.watch {
            wrap(&mut links, |link| Ok(Box::new(Watched::new(link, watch.clone()))))?;
        }
        if let Some(impairment) = self.impairment {
            wrap(&mut links, |link| Ok(Box::new(Impaired::new(link, impairment))))?;
        }
        if let Some(admit) = self.admit {
            wrap(&mut links, |link| Ok(Box::new(Sieved::new(link, admit.clone()))))?;
        }
        let gateway =
            self.gateway.filter(|gateway| self.addresses.iter().all(|(address, _)| address != gateway));
        let setup = InterfaceSetup {
            name: self.spec.to_string(),
            addresses: self.addresses,
            probing: self.probing,
            gateway,
            routers: self.routers,
            intercepts: self.intercepts,
        };
        let seed = Some(random.seed());
        let builder = Host::builder().name(&self.name).clock(clock).seed(seed).config(self.config);
        builder.shards(self.shards).polling(self.polling).interface_queues(links, setup).start()
    }
}

/// The host once its addresses may be used.
fn settled(host: Host, addresses: &[IpAddr]) -> io::Result<Host> {
    match host.wait_address(addresses, PATIENCE) {
        Ok(()) => Ok(host),
        Err(error) => {
            // Its link is free again when the caller learns of it: another attempt may need the same device.
            host.shutdown(Duration::ZERO);
            Err(error)
        }
    }
}

/// Puts something around each link: around the only one, as who wants to see all frames gets no more.
fn wrap(
    links: &mut Vec<Box<dyn Link>>,
    around: impl FnMut(Box<dyn Link>) -> io::Result<Box<dyn Link>>,
) -> io::Result<()> {
    *links = std::mem::take(links).into_iter().map(around).collect::<io::Result<_>>()?;
    Ok(())
}

/// A random address of one station, locally administered (IEEE 802: the second lowest bit of the first byte).
fn random_station(random: &mut Random) -> MacAddress {
    let [a, b, c, d, e, f, ..] = random.next_u64().to_be_bytes();
    MacAddress([(a & 0xfc) | 0x02, b, c, d, e, f])
}

/// One of a range of addresses of one family.
fn random_address(range: &RangeInclusive<IpAddr>, random: &mut Random) -> IpAddr {
    match (*range.start(), *range.end()) {
        (IpAddr::V4(first), IpAddr::V4(last)) => {
            let beyond = u32::from(last).wrapping_sub(u32::from(first)).saturating_add(1);
            Ipv4Addr::from(u32::from(first) + random.below(beyond)).into()
        }
        (IpAddr::V6(first), IpAddr::V6(last)) => {
            let drawn = u128::from(random.next_u64()) << 64 | u128::from(random.next_u64());
            let beyond = u128::from(last).wrapping_sub(u128::from(first)).saturating_add(1);
            Ipv6Addr::from(u128::from(first) + drawn % beyond).into()
        }
        // The caller has seen that there is one family.
        (first, _) => first,
    }
}

fn try_address(
    host: &Host,
    address: IpAddr,
    prefix_length: u8,
    probing: Probing,
    routers: bool,
) -> io::Result<()> {
    let interface = host.interfaces().first().copied();
    let interface =
        interface.ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "the host has no interface"))?;
    host.with(|stack, now| {
        if address.is_ipv6() {
            // RFC 4291 2.8: an address of the link comes first.
            stack.enable_ipv6(now, interface, probing, routers)?;
        }
        stack.add_address(now, interface, address, prefix_length, probing)
    })
    .map_err(|error| io::Error::new(ErrorKind::InvalidInput, format!("address {address}: {error}")))?;
    let result = host.wait_address(&[address], PATIENCE);
    if result.is_err() {
        // It was added above, so it can be removed.
        let _ = host.with(|stack, _| stack.remove_address(address));
    }
    result
}
