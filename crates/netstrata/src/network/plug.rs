//! What a host on the link that a [`LinkSpec`] names is to be like: `launch.rs` starts it.

use super::spec::LinkSpec;
use basis::Seed;
use link::{Admit, Impairment, Watch};
use stack::{ProbeTimes, Probing, StackConfig};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use wire::ethernet::MacAddress;

/// The longest IP packet on a LAN, in bytes, as on an Ethernet.
pub const LAN_MTU: usize = 1500;

/// How addresses are probed on a virtual segment: about 200 ms until an address is used.
///
/// Deviates: RFC 5227 1.1 takes up to 7 s, which allows for bridges that come up slowly. A virtual segment has none, and its
/// stations answer within a millisecond. On a real network [`Network::probing`] can give more time.
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
    pub(super) spec: LinkSpec,
    pub(super) name: String,
    pub(super) mac: Option<MacAddress>,
    pub(super) mtu: usize,
    pub(super) addresses: Vec<(IpAddr, u8)>,
    pub(super) gateway: Option<IpAddr>,
    pub(super) routers: bool,
    pub(super) intercepts: bool,
    pub(super) probing: Probing,
    pub(super) pcapng: Option<PathBuf>,
    pub(super) watch: Option<Arc<dyn Watch>>,
    pub(super) admit: Option<Arc<dyn Admit>>,
    pub(super) impairment: Option<Impairment>,
    pub(super) config: StackConfig,
    pub(super) shards: usize,
    pub(super) polling: Duration,
    pub(super) seed: Option<Seed>,
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
    /// A TAP, a TUN or a packet socket then has a queue for each, unless a capture, a watcher or an impairment wants to see all frames in one place. UDP and
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
}
