//! Options and addresses of sockets that no safe library knows.
#![allow(unsafe_code, reason = "no safe library offers these calls; each is bounded by its SAFETY comment")]

use crate::interface::check;
use std::io;
use std::mem::size_of;
use std::os::fd::{AsFd, AsRawFd};

/// A structure of C that consists of integers alone, without padding whose bytes would be nobody's.
///
/// # Safety
/// Any bits must be a value of the type.
pub(crate) unsafe trait Plain: Sized {}

/// Says so of structures of `libc`.
macro_rules! plain {
    ($($type:ty),* $(,)?) => {
        // SAFETY: C structures of integers (and, in a filter, a pointer that only the kernel follows).
        $(unsafe impl Plain for $type {})*
    };
}

plain!(
    libc::c_int,
    u32,
    libc::sockaddr_ll,
    libc::packet_mreq,
    libc::tpacket_req,
    libc::tpacket_stats,
    libc::sockaddr_xdp,
    libc::xdp_umem_reg,
    libc::xdp_mmap_offsets,
    libc::xdp_statistics,
);

/// Sets an option of the socket.
pub(crate) fn set<T: Plain>(
    socket: &impl AsFd,
    level: libc::c_int,
    name: libc::c_int,
    value: &T,
) -> io::Result<()> {
    let value: *const T = value;
    // SAFETY: the descriptor is open as long as it is borrowed; the call reads as many bytes as the value has.
    check(unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            level,
            name,
            value.cast(),
            size_of::<T>() as libc::socklen_t,
        )
    })
}

/// Reads an option of the socket into `value`.
pub(crate) fn get<T: Plain>(
    socket: &impl AsFd,
    level: libc::c_int,
    name: libc::c_int,
    value: &mut T,
) -> io::Result<()> {
    let mut length = size_of::<T>() as libc::socklen_t;
    let value: *mut T = value;
    // SAFETY: the descriptor is open as long as it is borrowed; the call writes at most as many bytes as the value has, and any
    // bits are a value.
    check(unsafe { libc::getsockopt(socket.as_fd().as_raw_fd(), level, name, value.cast(), &raw mut length) })
}

/// Binds the socket to an address of its family.
pub(crate) fn bind<T: Plain>(socket: &impl AsFd, address: &T) -> io::Result<()> {
    let address: *const T = address;
    // SAFETY: the descriptor is open as long as it is borrowed; the call reads as many bytes as the address has.
    check(unsafe {
        libc::bind(socket.as_fd().as_raw_fd(), address.cast(), size_of::<T>() as libc::socklen_t)
    })
}

/// The address that the socket is bound to, written over `address`.
pub(crate) fn name<T: Plain>(socket: &impl AsFd, address: &mut T) -> io::Result<()> {
    let mut length = size_of::<T>() as libc::socklen_t;
    let address: *mut T = address;
    // SAFETY: as for `get`.
    check(unsafe { libc::getsockname(socket.as_fd().as_raw_fd(), address.cast(), &raw mut length) })
}

/// Lets the socket have only what the program of classic BPF lets pass.
pub(crate) fn filter(socket: &impl AsFd, program: &mut [libc::sock_filter]) -> io::Result<()> {
    let length = u16::try_from(program.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let program = libc::sock_fprog { len: length, filter: program.as_mut_ptr() };
    // SAFETY: the descriptor is open as long as it is borrowed; the call reads the structure and as many instructions as it says,
    // all of which outlive it, and copies them.
    check(unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_FILTER,
            std::ptr::from_ref(&program).cast(),
            size_of::<libc::sock_fprog>() as libc::socklen_t,
        )
    })
}
