//! The TUN device as an open file, for those who bring no device of their own.

use crate::namespace::INTERFACE;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;

nix::ioctl_write_ptr_bad!(attach, libc::TUNSETIFF, libc::ifreq);
nix::ioctl_write_int_bad!(set_offload, libc::TUNSETOFFLOAD);

/// Opens the interface without blocking; with `offload` each frame bears a header of ten bytes before it.
pub fn open(offload: bool) -> io::Result<File> {
    open_with(offload, 0)
}

/// The same; what is written is queued for NAPI.
pub fn open_queued(offload: bool) -> io::Result<File> {
    open_with(offload, libc::IFF_NAPI)
}

fn open_with(offload: bool, more: libc::c_int) -> io::Result<File> {
    let file =
        OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open("/dev/net/tun")?;
    // SAFETY: a plain C structure of integers and pointers, for all of which zero is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(INTERFACE.bytes()) {
        *to = from as libc::c_char;
    }
    let header = if offload { libc::IFF_VNET_HDR } else { 0 };
    request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI | header | more) as libc::c_short;
    let work = if offload { libc::TUN_F_CSUM | libc::TUN_F_TSO4 } else { 0 };
    // SAFETY: the descriptor is open, and the request outlives the call.
    unsafe { attach(file.as_raw_fd(), &raw const request) }?;
    // SAFETY: the descriptor is open; the call takes an integer.
    unsafe { set_offload(file.as_raw_fd(), work as libc::c_int) }?;
    Ok(file)
}
