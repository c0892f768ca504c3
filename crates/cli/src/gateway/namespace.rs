//! An interface in another network namespace, while the gateway itself stays outside with the host's sockets.
//!
//! Who enters a user namespace cannot come back, and a process with threads cannot enter one. So another process of this very program
//! goes in, opens the interface there, and hands its descriptor over (SCM_RIGHTS, unix(7)).

use std::fs::{self, File};
use std::io::{self, IoSlice, IoSliceMut, Read};
use std::mem::MaybeUninit;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use netstrata::LinkSpec;
use netstrata::link::tuntap::{Device, Offload};
use netstrata::link::{Link, Medium};
use netstrata::wire::ethernet::MacAddress;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags,
};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::settings;
use crate::arguments::GatewayArguments;
use crate::failure::Failure;
use crate::values::address::HostAddress;

/// An interface that was opened elsewhere.
pub(crate) struct Handed {
    descriptor: OwnedFd,
    mtu: usize,
}

/// Has the interface opened in its namespace.
pub(crate) fn open(arguments: &GatewayArguments, namespace: &str) -> Result<Handed, Failure> {
    if !matches!(arguments.network.link, LinkSpec::Tap(_) | LinkSpec::Tun(_)) {
        return Err(Failure::usage(
            format!("--netns needs a TAP or a TUN, and {} is none", arguments.network.link),
            "give --link tap:NAME or tun:NAME",
        ));
    }
    if namespace.is_empty() {
        return Err(Failure::usage(
            "\"\" names no network namespace",
            "give the number of a process in it, or its path",
        ));
    }
    let failed =
        |error: io::Error| Failure::new(format!("cannot open the interface in {namespace}: {error}"), "");
    let (ours, theirs) = UnixStream::pair().map_err(failed)?;
    let program = std::env::current_exe().map_err(failed)?;
    let mut command = Command::new(program);
    command.args(["gateway", "--hand-over", "--netns", namespace]);
    command.args(["--link", &arguments.network.link.to_string()]);
    if let Some(address) = arguments.network.own() {
        command.args(["--address", &address.to_string()]);
    }
    if arguments.configure {
        command.arg("--configure");
    }
    if arguments.network.pcapng.is_some() {
        command.args(["--pcapng", "/dev/null"]);
    }
    let mut child = command.stdin(Stdio::from(OwnedFd::from(theirs))).spawn().map_err(failed)?;
    // The other end is the child's alone now: if it ends, so does this.
    drop(command);
    let handed = receive(&ours);
    let status = child.wait().map_err(failed)?;
    match handed {
        Ok(handed) if status.success() => Ok(handed),
        // It has said why.
        _ if !status.success() => Err(Failure::silent(u8::try_from(status.code().unwrap_or(1)).unwrap_or(1))),
        Ok(_) => Err(failed(io::ErrorKind::BrokenPipe.into())),
        Err(error) => Err(failed(error)),
    }
}

impl Handed {
    /// The link over it.
    pub(crate) fn link(self, spec: &LinkSpec, mac: MacAddress, whole: bool) -> io::Result<Box<dyn Link>> {
        let (name, medium, offload) = match spec {
            LinkSpec::Tap(name) => {
                let offload = if whole { Offload::Gathered } else { Offload::Off };
                (name, Medium::Ethernet(mac), offload)
            }
            LinkSpec::Tun(name) => (name, Medium::Ip, offload(whole)),
            _ => return Err(io::ErrorKind::InvalidInput.into()),
        };
        Ok(Box::new(Device::handed(self.descriptor, name, medium, self.mtu, offload)))
    }

    /// The longest packet that it carries, in bytes.
    pub(crate) fn mtu(&self) -> usize {
        self.mtu
    }
}

/// Super-segments pass whole if nobody wants to see packets.
fn offload(whole: bool) -> Offload {
    if whole { Offload::On } else { Offload::Off }
}

/// The other process: enters, opens, and hands over by its standard input. It must have no threads.
pub(crate) fn hand_over(arguments: &GatewayArguments, namespace: &str) -> Result<(), Failure> {
    enter(namespace).map_err(|error| {
        let remedy = match error.kind() {
            io::ErrorKind::NotFound => {
                "give the number of a process that is running in it, or the namespace's path"
            }
            _ => "it must be this user's own (`unshare -Urn`), or be entered as root",
        };
        Failure::new(format!("cannot enter the network namespace of {namespace}: {error}"), remedy)
    })?;
    let opened = match &arguments.network.link {
        // Its station's address is the link's, not the device's.
        LinkSpec::Tap(name) => Device::tap(name, MacAddress([2, 0, 0, 0, 0, 1]), Offload::Off),
        LinkSpec::Tun(name) => Device::tun(name, offload(arguments.network.pcapng.is_none())),
        _ => return Err(Failure::usage("--netns needs --link tap:NAME or tun:NAME", "")),
    };
    let device = opened.map_err(|error| Failure::new(error.to_string(), "see who may use /dev/net/tun"))?;
    if arguments.configure {
        configure(device.name(), &settings::addresses(arguments))?;
    }
    let mtu = device.capabilities().mtu;
    send(rustix::stdio::stdin(), device.as_fd(), mtu)
        .map_err(|error| Failure::new(format!("cannot hand the interface over: {error}"), ""))
}

/// Enters the network namespace, and first the user namespace that it belongs to, if that is another one than ours.
fn enter(namespace: &str) -> io::Result<()> {
    let is_process = !namespace.is_empty() && namespace.bytes().all(|byte| byte.is_ascii_digit());
    if !is_process {
        let network = File::open(PathBuf::from(namespace))?;
        return Ok(move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))?);
    }
    let place = PathBuf::from("/proc").join(namespace).join("ns");
    let network = File::open(place.join("net"))?;
    let user = File::open(place.join("user"))?;
    let (theirs, ours) = (user.metadata()?, fs::metadata("/proc/self/ns/user")?);
    if (theirs.dev(), theirs.ino()) != (ours.dev(), ours.ino()) {
        move_into_link_name_space(user.as_fd(), Some(LinkNameSpaceType::User))?;
    }
    Ok(move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))?)
}

/// Gives the interface the guest's addresses and the gateway as its router.
fn configure(name: &str, gateway: &[HostAddress]) -> Result<(), Failure> {
    ip(&["link", "set", "dev", "lo", "up"])?;
    ip(&["link", "set", "dev", name, "up"])?;
    for own in gateway {
        let router = own.address.to_string();
        let Some(guest) = settings::guest_address(*own) else { continue };
        let guest = guest.to_string();
        match own.address {
            IpAddr::V4(_) => {
                ip(&["address", "add", &guest, "dev", name])?;
                ip(&["route", "add", "default", "via", &router, "dev", name])?;
            }
            IpAddr::V6(_) => {
                ip(&["-6", "address", "add", &guest, "dev", name, "nodad"])?;
                ip(&["-6", "route", "add", "default", "via", &router, "dev", name])?;
            }
        }
    }
    Ok(())
}

fn ip(arguments: &[&str]) -> Result<(), Failure> {
    let remedy = "configure it by hand, without --configure, or by DHCP";
    let told = |cause: String| Failure::new(format!("`ip {}` {cause}", arguments.join(" ")), remedy);
    let output = Command::new("ip").args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| told(format!("cannot be run: {error}")))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(told(format!(
            "failed: {}",
            String::from_utf8_lossy(&output.stderr).trim().replace('\n', ", ")
        ))),
    }
}

fn send(to: BorrowedFd<'_>, descriptor: BorrowedFd<'_>, mtu: usize) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let descriptors = [descriptor];
    if !ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err(io::ErrorKind::OutOfMemory.into());
    }
    let message = u32::try_from(mtu).unwrap_or(u32::MAX).to_be_bytes();
    rustix::net::sendmsg(to, &[IoSlice::new(&message)], &mut ancillary, SendFlags::empty())?;
    Ok(())
}

fn receive(from: &UnixStream) -> io::Result<Handed> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut message = [0; 4];
    let received = rustix::net::recvmsg(
        from,
        &mut [IoSliceMut::new(&mut message)],
        &mut ancillary,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    let descriptor = ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    let (Some(descriptor), true) = (descriptor, received.bytes > 0) else {
        return Err(io::ErrorKind::UnexpectedEof.into());
    };
    let mut rest = from;
    rest.read_exact(message.get_mut(received.bytes..).unwrap_or_default())?;
    Ok(Handed { descriptor, mtu: u32::from_be_bytes(message) as usize })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_descriptor_is_handed_over() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let file = tempfile::tempfile().unwrap();
        send(theirs.as_fd(), file.as_fd(), 1400).unwrap();
        let handed = receive(&ours).unwrap();
        assert_eq!(handed.mtu(), 1400);
        let (there, here) = (File::from(handed.descriptor).metadata().unwrap(), file.metadata().unwrap());
        assert_eq!((there.dev(), there.ino()), (here.dev(), here.ino()));
        drop(theirs);
        assert!(receive(&ours).is_err());
    }

    #[test]
    fn what_is_no_namespace_is_told() {
        assert!(enter("0").is_err() && enter("").is_err() && enter("/nowhere").is_err());
    }

    #[test]
    fn a_configured_guest_is_beside_the_gateway() {
        let guest =
            |gateway: &str| settings::guest_address(gateway.parse().unwrap()).map(|guest| guest.to_string());
        assert_eq!(guest("10.7.0.1/24").as_deref(), Some("10.7.0.100/24"));
        assert_eq!(guest("fd07::1/64").as_deref(), Some("fd07::64/64"));
        assert_eq!(guest("10.7.0.1/32"), None);
    }
}
