//! Socket calls, but for those that receive and send. SAFETY of all: what `Interface` says of its callers.
#![allow(unsafe_code, reason = "what the callers of the table promise is said at `Interface`")]

use super::interface::User;
use super::memory::{bytes, bytes_mut, named, on, patience, tell};
use crate::machine::Machine;
use libc::{c_int, c_long, c_ulong, c_void, nfds_t, pollfd, sockaddr, socklen_t};
use nix::errno::Errno;
use std::sync::Arc;

pub(super) unsafe extern "C" fn free(user: User) {
    if !user.is_null() {
        // SAFETY: the machine that `packetdrill_interface_init` made; this is its last use.
        drop(unsafe { Arc::from_raw(user.cast::<Machine>()) });
    }
}

pub(super) unsafe extern "C" fn socket(user: User, domain: c_int, kind: c_int, protocol: c_int) -> c_int {
    on(user, |machine| machine.socket(domain, kind, protocol))
}

pub(super) unsafe extern "C" fn bind(
    user: User,
    number: c_int,
    at: *const sockaddr,
    length: socklen_t,
) -> c_int {
    // SAFETY: see above.
    on(user, |machine| machine.bind(number, unsafe { named(at, length) }?).map(|()| 0))
}

pub(super) unsafe extern "C" fn listen(user: User, number: c_int, backlog: c_int) -> c_int {
    on(user, |machine| machine.listen(number, backlog).map(|()| 0))
}

pub(super) unsafe extern "C" fn accept(
    user: User,
    number: c_int,
    at: *mut sockaddr,
    length: *mut socklen_t,
) -> c_int {
    on(user, |machine| {
        let (accepted, peer, family) = machine.accept(number)?;
        // SAFETY: see above.
        unsafe { tell(peer, family, at, length) };
        Ok(accepted)
    })
}

pub(super) unsafe extern "C" fn connect(
    user: User,
    number: c_int,
    at: *const sockaddr,
    length: socklen_t,
) -> c_int {
    // SAFETY: see above.
    on(user, |machine| machine.connect(number, unsafe { named(at, length) }?).map(|()| 0))
}

pub(super) unsafe extern "C" fn fcntl(user: User, number: c_int, command: c_int, argument: c_long) -> c_int {
    // An `int` is the lower half of its register.
    on(user, |machine| machine.control(number, command, || argument as c_int))
}

pub(super) unsafe extern "C" fn ioctl(user: User, number: c_int, request: c_ulong, out: *mut c_int) -> c_int {
    on(user, |machine| {
        let waiting = machine.waiting(number, request)?;
        // SAFETY: see above; all requests that are understood have an `int` to write to.
        *unsafe { out.as_mut() }.ok_or(Errno::EFAULT)? = waiting;
        Ok(0)
    })
}

pub(super) unsafe extern "C" fn close(user: User, number: c_int) -> c_int {
    on(user, |machine| machine.close(number).map(|()| 0))
}

pub(super) unsafe extern "C" fn shutdown(user: User, number: c_int, how: c_int) -> c_int {
    on(user, |machine| machine.shutdown(number, how).map(|()| 0))
}

pub(super) unsafe extern "C" fn getsockopt(
    user: User,
    number: c_int,
    level: c_int,
    name: c_int,
    out: *mut c_void,
    length: *mut socklen_t,
) -> c_int {
    on(user, |machine| {
        // SAFETY: see above.
        let length = unsafe { length.as_mut() }.ok_or(Errno::EFAULT)?;
        let value = machine.option(number, level, name)?;
        let count = value.len().min(*length as usize);
        // SAFETY: see above.
        unsafe { bytes_mut(out, count) }.ok_or(Errno::EFAULT)?.copy_from_slice(&value[..count]);
        *length = count as socklen_t;
        Ok(0)
    })
}

pub(super) unsafe extern "C" fn setsockopt(
    user: User,
    number: c_int,
    level: c_int,
    name: c_int,
    value: *const c_void,
    length: socklen_t,
) -> c_int {
    on(user, |machine| {
        // SAFETY: see above.
        let value = unsafe { bytes(value, length as usize) }.ok_or(Errno::EFAULT)?;
        machine.set_option(number, level, name, value).map(|()| 0)
    })
}

pub(super) unsafe extern "C" fn poll(user: User, asked: *mut pollfd, count: nfds_t, timeout: c_int) -> c_int {
    on(user, |machine| {
        let count = usize::try_from(count).ok().filter(|count| *count <= 65_536).ok_or(Errno::EINVAL)?;
        // SAFETY: see above.
        let asked = match asked.is_null() {
            true => &mut [],
            false => unsafe { std::slice::from_raw_parts_mut(asked, count) },
        };
        let wanted: Vec<_> = asked.iter().map(|entry| (entry.fd, u32::from(entry.events as u16))).collect();
        let found = machine.poll(&wanted, patience(timeout))?;
        for (entry, events) in asked.iter_mut().zip(&found) {
            entry.revents = *events as i16;
        }
        Ok(found.iter().filter(|events| **events != 0).count())
    })
}
