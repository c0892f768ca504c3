//! Opens the link that a [`LinkSpec`] names.

use super::spec::LinkSpec;
use link::Link;
use std::io::{self, ErrorKind};
use wire::ethernet::MacAddress;

/// Opens the link, with up to that many queues where it has some.
#[cfg(unix)]
pub(super) fn open(
    spec: &LinkSpec,
    mac: MacAddress,
    mtu: usize,
    whole: bool,
    queues: usize,
) -> io::Result<Vec<Box<dyn Link>>> {
    use link::lan::{LanAddress, Nic};
    match spec {
        LinkSpec::Lan(path) => {
            let address = match path {
                Some(path) => LanAddress::new(path),
                None => LanAddress::from_environment()?,
            };
            Ok(vec![Box::new(Nic::join(address, mac, mtu)?)])
        }
        LinkSpec::Tap(_) | LinkSpec::Tun(_) | LinkSpec::Packet(_) | LinkSpec::Xdp(_) => {
            interface(spec, mac, whole, queues)
        }
        LinkSpec::Memory => Err(not_a_network(MEMORY)),
        LinkSpec::Host => Err(not_a_network(HOST)),
    }
}

#[cfg(not(unix))]
pub(super) fn open(
    spec: &LinkSpec,
    _mac: MacAddress,
    _mtu: usize,
    _whole: bool,
    _queues: usize,
) -> io::Result<Vec<Box<dyn Link>>> {
    Err(match spec {
        LinkSpec::Lan(_) | LinkSpec::Tap(_) | LinkSpec::Tun(_) | LinkSpec::Packet(_) | LinkSpec::Xdp(_) => {
            io::Error::new(
                ErrorKind::Unsupported,
                format!("the link \"{spec}\" is not available on this system"),
            )
        }
        LinkSpec::Memory => not_a_network(MEMORY),
        LinkSpec::Host => not_a_network(HOST),
    })
}

const MEMORY: &str = "the link \"memory\" joins two hosts of one process: start them as a pair";
const HOST: &str =
    "the link \"host\" is the operating system's own sockets: no stack of ours can be plugged into it";

/// A cable to the kernel, or a place beside it. A TAP carries packets, as cables do; over the others super-segments pass whole, if `whole`
/// says so. Then those of the TAP are gathered again, too.
#[cfg(target_os = "linux")]
fn interface(spec: &LinkSpec, mac: MacAddress, whole: bool, queues: usize) -> io::Result<Vec<Box<dyn Link>>> {
    use link::packet;
    use link::tuntap::{Device, Offload};
    let offload = if whole { Offload::On } else { Offload::Off };
    match spec {
        LinkSpec::Tun(name) => Ok(boxed(Device::tun_queues(name, queues, offload)?)),
        LinkSpec::Tap(name) => {
            let offload = if whole { Offload::Gathered } else { Offload::Off };
            Ok(boxed(Device::tap_queues(name, mac, queues, offload)?))
        }
        LinkSpec::Packet(name) => {
            let options = packet::Options { offload, ..packet::Options::default() };
            Ok(boxed(packet::Device::queues(name, mac, queues, options)?))
        }
        // Of its queues one is ours alone.
        LinkSpec::Xdp(name) => Ok(boxed(vec![link::xdp::Device::open(name, mac, offload)?])),
        _ => Err(not_a_network(HOST)),
    }
}

#[cfg(target_os = "linux")]
fn boxed<L: Link + 'static>(links: Vec<L>) -> Vec<Box<dyn Link>> {
    links.into_iter().map(|link| -> Box<dyn Link> { Box::new(link) }).collect()
}

#[cfg(all(unix, not(target_os = "linux")))]
fn interface(
    spec: &LinkSpec,
    _mac: MacAddress,
    _whole: bool,
    _queues: usize,
) -> io::Result<Vec<Box<dyn Link>>> {
    Err(io::Error::new(
        ErrorKind::Unsupported,
        format!("the link \"{spec}\" is available on Linux only: use \"lan\""),
    ))
}

fn not_a_network(message: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, message)
}
