//! One end of the path: a network namespace with the path's TAP, and whoever speaks there.

use super::matrix::Speaker;
use crate::kernel::{Namespace, ip};
use crate::pair::Failed;
use link::tuntap::{Device, Offload};
use netstrata::stack::{Probing, StackConfig};
use netstrata::tcp::{BufferBounds, HostConfig};
use netstrata::{Host, LinkSpec, Network};
use std::net::Ipv4Addr;
use wire::ethernet::MacAddress;

/// The most that a buffer may grow to, of either stack: several times what any cell has under way.
pub(crate) const LARGEST_BUFFER: u32 = 32 * 1024 * 1024;
/// The path's TAP.
const PATH: &str = "path0";
/// The TAP of this stack, if it speaks here.
const OURS: &str = "ours0";
const BRIDGE: &str = "bridge0";

/// A namespace, and this stack if it is the one that speaks in it.
pub(crate) struct Site {
    pub(crate) address: Ipv4Addr,
    namespace: Namespace,
    host: Option<Host>,
}

impl Site {
    /// The end with this number, and its TAP for the emulator.
    pub(crate) fn new(number: u8, speaker: Speaker) -> Result<(Site, Device), Failed> {
        let namespace = Namespace::new()?;
        let address = Ipv4Addr::new(10, 98, 0, number);
        let (tap, host) = namespace.within(|| {
            quiet()?;
            let tap = Device::tap(PATH, MacAddress([2, 0, 0, 0, 9, number]), Offload::Off)?;
            ip(&["link", "set", PATH, "txqueuelen", "10000"])?;
            let host = match speaker {
                Speaker::Linux => {
                    ip(&["address", "add", &format!("{address}/24"), "dev", PATH])?;
                    None
                }
                Speaker::Ours => Some(bridged(address, number)?),
            };
            ip(&["link", "set", PATH, "up"])?;
            Ok((tap, host))
        })?;
        Ok((Site { address, namespace, host }, tap))
    }

    /// Does something in the namespace.
    pub(crate) fn within<T: Send>(
        &self,
        act: impl FnOnce() -> Result<T, Failed> + Send,
    ) -> Result<T, Failed> {
        self.namespace.within(act)
    }

    /// This stack, if it speaks here.
    pub(crate) fn host(&self) -> Option<&Host> {
        self.host.as_ref()
    }
}

/// What the kernel says and remembers of its own is left out, and both stacks get the same room.
fn quiet() -> Result<(), Failed> {
    let set = |name: &str, value: &str| {
        std::fs::write(format!("/proc/sys/net/{name}"), value)
            .map_err(|error| Failed::Refused(format!("net.{}: {error}", name.replace('/', "."))))
    };
    // There may be no IPv6 at all.
    let _ = set("ipv6/conf/default/disable_ipv6", "1");
    set("ipv4/tcp_no_metrics_save", "1")?;
    set("ipv4/tcp_rmem", &format!("4096 131072 {LARGEST_BUFFER}"))?;
    set("ipv4/tcp_wmem", &format!("4096 16384 {LARGEST_BUFFER}"))
}

/// This stack on a TAP of its own, behind a bridge.
fn bridged(address: Ipv4Addr, number: u8) -> Result<Host, Failed> {
    ip(&["link", "add", BRIDGE, "type", "bridge", "forward_delay", "0", "mcast_snooping", "0"])?;
    ip(&["tuntap", "add", OURS, "mode", "tap"])?;
    for (name, queue) in [(PATH, "10000"), (OURS, "10000")] {
        ip(&["link", "set", name, "txqueuelen", queue, "master", BRIDGE])?;
    }
    ip(&["link", "set", OURS, "up"])?;
    ip(&["link", "set", BRIDGE, "up"])?;
    let bounds = |bounds: BufferBounds| BufferBounds { most: LARGEST_BUFFER, ..bounds };
    let tcp = HostConfig::default();
    let tcp = HostConfig {
        receive_buffer: bounds(tcp.receive_buffer),
        send_buffer: bounds(tcp.send_buffer),
        ..tcp
    };
    let config = StackConfig { tcp, ..StackConfig::default() };
    let network = Network::new(LinkSpec::Tap(OURS.into())).mac(Some(MacAddress([2, 0, 0, 0, 8, number])));
    Ok(network.address(address.into(), 24).probing(Probing::Skip).config(config).start()?)
}
