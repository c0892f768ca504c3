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
        LinkSpec::Tap(_) | LinkSpec::Tun(_) => interface(spec, mac, whole, queues),
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
        LinkSpec::Lan(_) | LinkSpec::Tap(_) | LinkSpec::Tun(_) => io::Error::new(
            ErrorKind::Unsupported,
            format!("the link \"{spec}\" is not available on this system"),
        ),
        LinkSpec::Memory => not_a_network(MEMORY),
        LinkSpec::Host => not_a_network(HOST),
    })
}

const MEMORY: &str = "the link \"memory\" joins two hosts of one process: start them as a pair";
const HOST: &str =
    "the link \"host\" is the operating system's own sockets: no stack of ours can be plugged into it";

/// A cable to the kernel. A TAP carries packets, as cables do; over a TUN super-segments pass whole, if `whole` says so. Then those of
/// the TAP are gathered again, too.
#[cfg(target_os = "linux")]
fn interface(spec: &LinkSpec, mac: MacAddress, whole: bool, queues: usize) -> io::Result<Vec<Box<dyn Link>>> {
    use link::tuntap::{Device, Offload};
    let devices = match spec {
        LinkSpec::Tun(name) => {
            Device::tun_queues(name, queues, if whole { Offload::On } else { Offload::Off })?
        }
        LinkSpec::Tap(name) => {
            Device::tap_queues(name, mac, queues, if whole { Offload::Gathered } else { Offload::Off })?
        }
        _ => return Err(not_a_network(HOST)),
    };
    Ok(devices.into_iter().map(|device| -> Box<dyn Link> { Box::new(device) }).collect())
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
