//! The system calls by which an interface is opened.
#![allow(unsafe_code, reason = "no safe library offers these calls; each is bounded by its SAFETY comment")]

use super::kind::{Kind, Queues};
use crate::interface::{call, check, request};
use crate::vnet::{LENGTH, Offload};
use std::fs::File;
use std::io;
#[cfg(test)]
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;

/// What the kernel may leave undone: checksums, and cutting what TCP sends, by IPv4 and IPv6.
const WORK: libc::c_uint = libc::TUN_F_CSUM | libc::TUN_F_TSO4 | libc::TUN_F_TSO6 | libc::TUN_F_TSO_ECN;
/// The same for UDP, since Linux 6.2: both families together.
const DATAGRAMS: libc::c_uint = libc::TUN_F_USO4 | libc::TUN_F_USO6;

/// Bytes that wait for the kernel's thread at most, with what it needs to manage them: about 1 800 long packets.
const BACKLOG: libc::c_int = 4 << 20;

/// Makes `file`, an open /dev/net/tun, the other end of the interface `name`; with `napi`, what is written is queued there.
pub(super) fn attach(
    file: &File,
    kind: Kind,
    name: &str,
    offload: Offload,
    queues: Queues,
    napi: bool,
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
    let queued = if napi { libc::IFF_NAPI } else { 0 };
    request.ifr_ifru.ifru_flags = (kind | libc::IFF_NO_PI | header | several | queued) as libc::c_short;
    call(file, libc::TUNSETIFF as libc::Ioctl, &mut request)?;
    if offload == Offload::On {
        let mut length = LENGTH as libc::c_int;
        // SAFETY: the descriptor is open as long as `file` is borrowed; the call reads an integer, which outlives it.
        check(unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETVNETHDRSZ, &raw mut length) })?;
    }
    if napi {
        let mut bytes = BACKLOG;
        // SAFETY: the descriptor is open as long as `file` is borrowed; the call reads an integer, which outlives it.
        check(unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETSNDBUF as libc::Ioctl, &raw mut bytes) })?;
    }
    // An interface that stays may have been told otherwise by who had it open before.
    set_offload(file, work)
}

/// Bytes that wait for the kernel at most.
#[cfg(test)]
pub(super) fn backlog(file: &impl AsFd) -> io::Result<libc::c_int> {
    let mut bytes = 0;
    // SAFETY: the descriptor is open as long as `file` is borrowed; the call writes an integer, which outlives it.
    check(unsafe {
        libc::ioctl(file.as_fd().as_raw_fd(), libc::TUNGETSNDBUF as libc::Ioctl, &raw mut bytes)
    })?;
    Ok(bytes)
}

/// Has super-datagrams of UDP cross as well. False if this kernel knows none.
pub(super) fn take_datagrams(file: &File) -> bool {
    set_offload(file, WORK | DATAGRAMS).is_ok()
}

fn set_offload(file: &File, work: libc::c_uint) -> io::Result<()> {
    // SAFETY: the descriptor is open as long as `file` is borrowed; the call takes an integer.
    check(unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETOFFLOAD, libc::c_ulong::from(work)) })
}
