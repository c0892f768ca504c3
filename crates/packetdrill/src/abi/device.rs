//! The network device, the clock, epoll, and what there is not. SAFETY of all: what `Interface` says of its callers.
#![allow(unsafe_code, reason = "what the callers of the table promise is said at `Interface`")]

use super::interface::User;
use super::memory::{bytes, bytes_mut, on, patience};
use crate::watch::Change;
use libc::{c_int, c_longlong, c_uint, c_void, epoll_event, size_t, timeval};
use nix::errno::Errno;
use std::time::Duration;

/// Seconds of the script's clock when the machine's is at zero; any number that is plausible for today will do.
pub(super) const EPOCH: u64 = 1_600_000_000;

pub(super) unsafe extern "C" fn netdev_send(user: User, packet: *const c_void, length: size_t) -> c_int {
    on(user, |machine| {
        // SAFETY: see above.
        machine.arrive(unsafe { bytes(packet, length) }.ok_or(Errno::EFAULT)?);
        Ok(0)
    })
}

pub(super) unsafe extern "C" fn netdev_receive(
    user: User,
    out: *mut c_void,
    count: *mut size_t,
    time: *mut c_longlong,
) -> c_int {
    on(user, |machine| {
        // SAFETY: see above.
        let (count, time) = unsafe { (count.as_mut(), time.as_mut()) };
        let (count, time) = (count.ok_or(Errno::EFAULT)?, time.ok_or(Errno::EFAULT)?);
        let Some(packet) = machine.receive_packet() else {
            *count = 0;
            return Ok(0);
        };
        let length = packet.bytes.len().min(*count);
        // SAFETY: see above.
        unsafe { bytes_mut(out, length) }.ok_or(Errno::EFAULT)?.copy_from_slice(&packet.bytes[..length]);
        *count = length;
        *time = (EPOCH * 1_000_000 + packet.at.as_micros()) as c_longlong;
        Ok(0)
    })
}

pub(super) unsafe extern "C" fn usleep(user: User, microseconds: c_uint) -> c_int {
    on(user, |machine| {
        machine.sleep(Duration::from_micros(u64::from(microseconds)));
        Ok(0)
    })
}

pub(super) unsafe extern "C" fn gettimeofday(user: User, out: *mut timeval, _zone: *mut c_void) -> c_int {
    on(user, |machine| {
        let time = machine.time();
        // SAFETY: see above.
        let out = unsafe { out.as_mut() }.ok_or(Errno::EFAULT)?;
        out.tv_sec = (EPOCH + time.as_secs()) as libc::time_t;
        out.tv_usec = libc::suseconds_t::from(time.subsec_micros());
        Ok(0)
    })
}

pub(super) unsafe extern "C" fn epoll_create(user: User, size: c_int) -> c_int {
    on(user, |machine| if size > 0 { machine.epoll_create() } else { Err(Errno::EINVAL) })
}

pub(super) unsafe extern "C" fn epoll_ctl(
    user: User,
    set: c_int,
    operation: c_int,
    number: c_int,
    event: *const epoll_event,
) -> c_int {
    on(user, |machine| {
        // SAFETY: see above; the structure may lie at any address.
        let event = if event.is_null() { None } else { Some(unsafe { event.read_unaligned() }) };
        let given = event.map(|event| (event.events, event.u64)).ok_or(Errno::EFAULT);
        let change = match operation {
            libc::EPOLL_CTL_ADD => given.map(|(events, data)| Change::Add { events, data })?,
            libc::EPOLL_CTL_MOD => given.map(|(events, data)| Change::Modify { events, data })?,
            libc::EPOLL_CTL_DEL => Change::Delete,
            _ => return Err(Errno::EINVAL),
        };
        machine.epoll_control(set, number, change).map(|()| 0)
    })
}

pub(super) unsafe extern "C" fn epoll_wait(
    user: User,
    set: c_int,
    out: *mut epoll_event,
    most: c_int,
    timeout: c_int,
) -> c_int {
    on(user, |machine| {
        let most = usize::try_from(most).map_err(|_| Errno::EINVAL)?;
        if out.is_null() {
            return Err(Errno::EFAULT);
        }
        let reports = machine.epoll_wait(set, most, patience(timeout))?;
        for (index, (events, data)) in reports.iter().enumerate() {
            // SAFETY: see above; there are at most `most`.
            unsafe { out.add(index).write_unaligned(epoll_event { events: *events, u64: *data }) };
        }
        Ok(reports.len())
    })
}

/// There are no pipes: nothing of TCP is seen by them.
pub(super) unsafe extern "C" fn pipe(user: User, _out: *mut c_int) -> c_int {
    on(user, |_| Err::<c_int, _>(Errno::ENOSYS))
}

/// As `pipe`.
pub(super) unsafe extern "C" fn splice(
    user: User,
    _from: c_int,
    _from_offset: *mut c_longlong,
    _to: c_int,
    _to_offset: *mut c_longlong,
    _length: size_t,
    _flags: c_uint,
) -> c_int {
    on(user, |_| Err::<c_int, _>(Errno::ENOSYS))
}
