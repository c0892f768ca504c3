//! The two system calls by which an interface is opened and asked for its MTU.
#![allow(unsafe_code, reason = "no safe library offers these calls; each is bounded by its SAFETY comment")]

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, AsRawFd};

/// Makes `file`, an open /dev/net/tun, the other end of the TAP interface `name`, without a header of its own.
pub(super) fn attach_tap(file: &File, name: &str) -> io::Result<()> {
    let mut request = request(name)?;
    request.ifr_ifru.ifru_flags = (libc::IFF_TAP | libc::IFF_NO_PI) as libc::c_short;
    call(file, libc::TUNSETIFF as libc::Ioctl, &mut request)
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
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
