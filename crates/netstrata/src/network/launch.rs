//! Starts a host as a [`Network`] says: on its link, with captures and impairments on the way.

use super::kernels::{is_kernels, refuse_kernels};
use super::opening::open;
use super::plug::Network;
use basis::Random;
use link::{Capture, Impaired, Link, Sieved, Watched};
use runtime::{Clock, Host, InterfaceSetup};
use stack::Probing;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;
use std::time::{Duration, SystemTime};
use wire::ethernet::MacAddress;

/// How long [`Network::start`] waits for its addresses.
const PATIENCE: Duration = Duration::from_secs(10);

impl Network {
    /// Starts the host and waits until its addresses may be used.
    ///
    /// # Errors
    /// What the link says when it cannot be opened; [`AddrInUse`](ErrorKind::AddrInUse) if another station has an address;
    /// [`AddrNotAvailable`](ErrorKind::AddrNotAvailable) if the kernel has it, beside whom the link would be;
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
        let (probing, routers, beside_kernel) = (self.probing, self.routers, self.spec.is_beside_kernel());
        let (host, mut random) = self.launch()?;
        for _ in 0..attempts {
            let address = random_address(&range, &mut random);
            if beside_kernel && is_kernels(address) {
                continue;
            }
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
        if self.spec.is_beside_kernel() {
            refuse_kernels(&self.own_addresses())?;
        }
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
