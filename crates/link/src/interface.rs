//! What the kernel says of a network interface.
#![allow(unsafe_code, reason = "no safe library offers these calls; each is bounded by its SAFETY comment")]

use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixDatagram;

/// The bytes of the longest name of an interface.
const LONGEST_NAME: usize = libc::IFNAMSIZ - 1;

/// A request about the interface `name`.
pub(crate) fn request(name: &str) -> io::Result<libc::ifreq> {
    // SAFETY: a plain C structure of integers and pointers, for all of which zero is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    let is_name = |byte: u8| !matches!(byte, 0 | b'/' | b':' | b'%') && !byte.is_ascii_whitespace();
    // One byte stays zero: the end of the name.
    let fits = (1..=LONGEST_NAME).contains(&name.len());
    if !fits || name == "." || name == ".." || !name.bytes().all(is_name) {
        let text = format!(
            "{name:?} cannot be the name of an interface: 1 to {LONGEST_NAME} bytes, no space, '/', ':' or '%'"
        );
        return Err(io::Error::new(ErrorKind::InvalidInput, text));
    }
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from as libc::c_char;
    }
    Ok(request)
}

/// Asks by a number that takes a pointer to an `ifreq`.
pub(crate) fn call(file: &impl AsFd, number: libc::Ioctl, request: &mut libc::ifreq) -> io::Result<()> {
    // SAFETY: the descriptor is open as long as `file` is borrowed; all numbers in use take a pointer to an `ifreq`, which is
    // ours alone for the call, and keep it no longer than that.
    check(unsafe { libc::ioctl(file.as_fd().as_raw_fd(), number, std::ptr::from_mut(request)) })
}

pub(crate) fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// The answer to a question about the interface.
fn asked(name: &str, number: libc::c_ulong) -> io::Result<libc::ifreq> {
    let mut request = request(name)?;
    call(&UnixDatagram::unbound()?, number as libc::Ioctl, &mut request)?;
    Ok(request)
}

/// The interface's MTU, in bytes.
pub(crate) fn mtu(name: &str) -> io::Result<usize> {
    let request = asked(name, libc::SIOCGIFMTU)?;
    // SAFETY: the call succeeded, so the kernel has written this member; any bits are an integer.
    let mtu = unsafe { request.ifr_ifru.ifru_mtu };
    usize::try_from(mtu).map_err(|_| ErrorKind::InvalidData.into())
}

/// The number by which the kernel knows the interface.
pub(crate) fn index(name: &str) -> io::Result<u32> {
    let request = asked(name, libc::SIOCGIFINDEX)?;
    // SAFETY: the call succeeded, so the kernel has written this member; any bits are an integer.
    let index = unsafe { request.ifr_ifru.ifru_ifindex };
    u32::try_from(index).map_err(|_| ErrorKind::InvalidData.into())
}

/// Whether the interface's frames begin with an Ethernet header.
pub(crate) fn is_ethernet(name: &str) -> io::Result<bool> {
    let request = asked(name, libc::SIOCGIFHWADDR)?;
    // SAFETY: the call succeeded, so the kernel has written this member; any bits are an integer.
    let family = unsafe { request.ifr_ifru.ifru_hwaddr.sa_family };
    Ok(family == libc::ARPHRD_ETHER)
}

/// Whether somebody has set the interface up.
pub(crate) fn is_up(name: &str) -> io::Result<bool> {
    let request = asked(name, libc::SIOCGIFFLAGS)?;
    // SAFETY: the call succeeded, so the kernel has written this member; any bits are an integer.
    let flags = unsafe { request.ifr_ifru.ifru_flags };
    Ok(libc::c_int::from(flags) & libc::IFF_UP != 0)
}

/// What a link ends with whose interface is there no more.
pub(crate) fn gone(name: &str) -> io::Error {
    io::Error::new(ErrorKind::NotConnected, format!("the interface {name} has been taken away"))
}

/// Whether an error of the interface's descriptor says that it is there no more, and if so, what to say.
pub(crate) fn broken(name: &str, error: &io::Error) -> Option<io::Error> {
    let broken =
        matches!(error.raw_os_error(), Some(libc::EBADFD | libc::EBADF | libc::ENODEV | libc::ENXIO));
    broken.then(|| gone(name))
}
