//! Calls that receive and send. SAFETY of all: what `Interface` says of its callers.
#![allow(unsafe_code, reason = "what the callers of the table promise is said at `Interface`")]

use super::control;
use super::interface::User;
use super::memory::{bytes, bytes_mut, gather, named, on, pieces, scatter, tell};
use crate::address::Named;
use libc::{c_int, c_void, iovec, msghdr, size_t, sockaddr, socklen_t, ssize_t};
use nix::errno::Errno;

/// Pieces of one buffer that is sent without a copy: MAX_SKB_FRAGS of Linux.
const MOST_PIECES: usize = 17;

pub(super) unsafe extern "C" fn read(user: User, number: c_int, at: *mut c_void, length: size_t) -> ssize_t {
    // SAFETY: see above.
    unsafe { recv(user, number, at, length, 0) }
}

pub(super) unsafe extern "C" fn readv(user: User, number: c_int, at: *const iovec, count: c_int) -> ssize_t {
    on(user, |machine| {
        let count = usize::try_from(count).map_err(|_| Errno::EINVAL)?;
        // SAFETY: see above.
        unsafe { scatter(machine, number, pieces(at, count)?, 0) }.map(|received| received.count)
    })
}

pub(super) unsafe extern "C" fn recv(
    user: User,
    number: c_int,
    at: *mut c_void,
    length: size_t,
    flags: c_int,
) -> ssize_t {
    // SAFETY: see above.
    on(user, |machine| machine.receive(number, unsafe { bytes_mut(at, length) }, flags).map(|got| got.count))
}

pub(super) unsafe extern "C" fn recvfrom(
    user: User,
    number: c_int,
    at: *mut c_void,
    length: size_t,
    flags: c_int,
    source: *mut sockaddr,
    source_length: *mut socklen_t,
) -> ssize_t {
    on(user, |machine| {
        // SAFETY: see above.
        let received = machine.receive(number, unsafe { bytes_mut(at, length) }, flags)?;
        if let Some(from) = received.source {
            let family = machine.family(number)?;
            // SAFETY: see above.
            unsafe { tell(from, family, source, source_length) };
        }
        Ok(received.count)
    })
}

pub(super) unsafe extern "C" fn recvmsg(
    user: User,
    number: c_int,
    message: *mut msghdr,
    flags: c_int,
) -> ssize_t {
    on(user, |machine| {
        // SAFETY: see above.
        let message = unsafe { message.as_mut() }.ok_or(Errno::EFAULT)?;
        // SAFETY: see above.
        let received =
            unsafe { scatter(machine, number, pieces(message.msg_iov, message.msg_iovlen)?, flags)? };
        if let Some(from) = received.source {
            let family = machine.family(number)?;
            // SAFETY: see above.
            unsafe { tell(from, family, message.msg_name.cast(), &mut message.msg_namelen) };
        }
        // SAFETY: see above.
        let control = unsafe { bytes_mut(message.msg_control, message.msg_controllen) };
        if let Some(notice) = received.notice {
            let (length, flags) = control::put_notice(control, notice, machine.family(number)?);
            (message.msg_controllen, message.msg_flags) = (length, libc::MSG_ERRQUEUE | flags);
            return Ok(0);
        }
        message.msg_controllen = received.rest.map_or(0, |rest| control::put_rest(control, rest));
        // What there was no room for is missing.
        let cut = received.rest.is_some() && message.msg_controllen == 0;
        message.msg_flags = if received.whole > received.count { libc::MSG_TRUNC } else { 0 }
            | if cut { libc::MSG_CTRUNC } else { 0 };
        Ok(received.count)
    })
}

pub(super) unsafe extern "C" fn write(
    user: User,
    number: c_int,
    at: *const c_void,
    length: size_t,
) -> ssize_t {
    // SAFETY: see above.
    unsafe { send(user, number, at, length, 0) }
}

pub(super) unsafe extern "C" fn writev(user: User, number: c_int, at: *const iovec, count: c_int) -> ssize_t {
    on(user, |machine| {
        let count = usize::try_from(count).map_err(|_| Errno::EINVAL)?;
        // SAFETY: see above.
        let data = unsafe { gather(pieces(at, count)?) };
        machine.send(number, data.as_deref(), 0, None)
    })
}

pub(super) unsafe extern "C" fn send(
    user: User,
    number: c_int,
    at: *const c_void,
    length: size_t,
    flags: c_int,
) -> ssize_t {
    // SAFETY: see above.
    on(user, |machine| machine.send(number, unsafe { bytes(at, length) }, flags, None))
}

pub(super) unsafe extern "C" fn sendto(
    user: User,
    number: c_int,
    at: *const c_void,
    length: size_t,
    flags: c_int,
    to: *const sockaddr,
    to_length: socklen_t,
) -> ssize_t {
    on(user, |machine| {
        // SAFETY: see above.
        let to = unsafe { destination(to, to_length) }?;
        // SAFETY: see above.
        machine.send(number, unsafe { bytes(at, length) }, flags, to)
    })
}

/// Where a message goes, if that is said.
///
/// # Safety
/// As [`bytes`].
pub(super) unsafe fn destination(
    at: *const sockaddr,
    length: socklen_t,
) -> Result<Option<std::net::SocketAddr>, Errno> {
    if at.is_null() || length == 0 {
        return Ok(None);
    }
    // SAFETY: as the caller promises.
    match unsafe { named(at, length) }? {
        Named::Address(address) => Ok(Some(address)),
        Named::Nobody => Ok(None),
    }
}

pub(super) unsafe extern "C" fn sendmsg(
    user: User,
    number: c_int,
    message: *const msghdr,
    flags: c_int,
) -> ssize_t {
    on(user, |machine| {
        // SAFETY: see above.
        let message = unsafe { message.as_ref() }.ok_or(Errno::EFAULT)?;
        // SAFETY: see above.
        let (pieces, to) = unsafe {
            let to = destination(message.msg_name.cast(), message.msg_namelen)?;
            (pieces(message.msg_iov, message.msg_iovlen)?, to)
        };
        let mut done = 0;
        let mut rest = pieces;
        if machine.sends_without_copy(number, flags)? {
            // Linux has as many pieces in one buffer; what follows begins another, with segments of its own.
            while let Some((now, later)) =
                rest.split_at_checked(MOST_PIECES).filter(|(_, later)| !later.is_empty())
            {
                // SAFETY: see above.
                let data = unsafe { gather(now) };
                let flags = flags & !libc::MSG_ZEROCOPY | libc::MSG_EOR;
                let sent = machine.send(number, data.as_deref(), flags, to);
                match sent {
                    Ok(count) if data.is_some_and(|data| count == data.len()) => done += count,
                    Ok(count) => return Ok(done + count),
                    Err(_) if done > 0 => return Ok(done),
                    Err(error) => return Err(error),
                }
                rest = later;
            }
        }
        // SAFETY: see above.
        let data = unsafe { gather(rest) };
        match machine.send(number, data.as_deref(), flags, to) {
            Ok(count) => Ok(done + count),
            Err(_) if done > 0 => Ok(done),
            Err(error) => Err(error),
        }
    })
}
