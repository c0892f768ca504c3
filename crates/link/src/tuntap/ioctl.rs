//! The system calls by which an interface is opened and asked for its MTU.
#![allow(unsafe_code, reason = "no safe library offers these calls; each is bounded by its SAFETY comment")]

use super::kind::{Kind, Queues};
use super::offload::{LENGTH, Offload};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, AsRawFd};

/// What the kernel may leave undone: checksums, and cutting what TCP sends, by IPv4 and IPv6.
const WORK: libc::c_uint = libc::TUN_F_CSUM | libc::TUN_F_TSO4 | libc::TUN_F_TSO6 | libc::TUN_F_TSO_ECN;

/// Makes `file`, an open /dev/net/tun, the other end of the interface `name`.
pub(super) fn attach(
    file: &File,
    kind: Kind,
    name: &str,
    offload: Offload,
    queues: Queues,
) -> io::Result<()> {
    let mut request = request(name)?;
    let kind = match kind {
        Kind::Tap => libc::IFF_TAP,
        Kind::Tun => libc::IFF_TUN,
    };
    let (header, work) = match offload {
        Offload::On => (libc::IFF_VNET_HDR, WORK),
        Offload::Gathered | Offload::Off => (0, 0),
    };
    let several = match queues {
        Queues::One => 0,
        Queues::Several => libc::IFF_MULTI_QUEUE,
    };
    request.ifr_ifru.ifru_flags = (kind | libc::IFF_NO_PI | header | several) as libc::c_short;
    call(file, libc::TUNSETIFF as libc::Ioctl, &mut request)?;
    if offload == Offload::On {
        let mut length = LENGTH as libc::c_int;
        // SAFETY: the descriptor is open as long as `file` is borrowed; the call reads an integer, which outlives it.
        check(unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETVNETHDRSZ, &raw mut length) })?;
    }
    // An interface that stays may have been told otherwise by who had it open before.
    // SAFETY: the descriptor is open as long as `file` is borrowed; the call takes an integer.
    check(unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETOFFLOAD, libc::c_ulong::from(work)) })
}

/// The interface's MTU, in bytes.
pub(super) fn mtu(name: &str) -> io::Result<usize> {
    let mut request = request(name)?;
    let socket = std::os::unix::net::UnixDatagram::unbound()?;
    call(&socket, libc::SIOCGIFMTU as libc::Ioctl, &mut request)?;
    // SAFETY: the call succeeded, so the kernel has written this member; any bits are an integer.
    let mtu = unsafe { request.ifr_ifru.ifru_mtu };
    usize::try_from(mtu).map_err(|_| ErrorKind::InvalidData.into())
}

fn request(name: &str) -> io::Result<libc::ifreq> {
    // SAFETY: a plain C structure of integers and pointers, for all of which zero is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    // One byte stays zero: the end of the name.
    let most = request.ifr_name.len() - 1;
    let is_name = |byte: u8| !matches!(byte, 0 | b'/' | b':' | b'%') && !byte.is_ascii_whitespace();
    if name.is_empty() || name.len() > most || name == "." || name == ".." || !name.bytes().all(is_name) {
        let text = format!(
            "{name:?} cannot be the name of an interface: 1 to {most} bytes, no space, '/', ':' or '%'"
        );
        return Err(io::Error::new(ErrorKind::InvalidInput, text));
    }
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from as libc::c_char;
    }
    Ok(request)
}

fn call(file: &impl AsFd, number: libc::Ioctl, request: &mut libc::ifreq) -> io::Result<()> {
    // SAFETY: the descriptor is open as long as `file` is borrowed; both numbers in use take a pointer to an `ifreq`,
    // which is ours alone for the call, and keep it no longer than that.
    let result = unsafe { libc::ioctl(file.as_fd().as_raw_fd(), number, std::ptr::from_mut(request)) };
    check(result)
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
