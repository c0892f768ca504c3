//! C's pointers made into slices, and results into C's. No panic crosses the boundary, and errors leave it as `errno` of the
//! calling thread.
#![allow(unsafe_code, reason = "what the callers of the table promise is said at `Interface`")]

use super::interface::User;
use crate::address::{self, LONGEST, Named};
use crate::machine::Machine;
use crate::patience::Patience;
use crate::socket::Received;
use libc::{c_int, c_void, iovec, sockaddr, socklen_t};
use nix::errno::Errno;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// Makes a call on the machine. Its error becomes `errno` and -1.
pub(super) fn on<T: TryInto<R>, R: From<i8>>(
    user: User,
    call: impl FnOnce(&Machine) -> Result<T, Errno>,
) -> R {
    // SAFETY: null, or the machine that `packetdrill_interface_init` made and `free` has not taken.
    let machine = unsafe { user.cast::<Machine>().as_ref() };
    let result = machine.ok_or(Errno::ENODEV).and_then(|machine| {
        catch_unwind(AssertUnwindSafe(|| call(machine))).unwrap_or(Err(Errno::ENOTRECOVERABLE))
    });
    match result.and_then(|value| value.try_into().map_err(|_| Errno::EOVERFLOW)) {
        Ok(value) => value,
        Err(error) => {
            error.set();
            R::from(-1)
        }
    }
}

/// The bytes at a pointer; `None` if it is null.
///
/// # Safety
/// `length` bytes can be read there for `'a`, or it is null.
pub(super) unsafe fn bytes<'a>(at: *const c_void, length: usize) -> Option<&'a [u8]> {
    // SAFETY: as the caller promises; such memory is no longer than `isize` counts.
    (!at.is_null()).then(|| unsafe { std::slice::from_raw_parts(at.cast(), length) })
}

/// As [`bytes`], to be written to.
///
/// # Safety
/// `length` bytes are the callee's alone for `'a`, and initialised; or it is null.
pub(super) unsafe fn bytes_mut<'a>(at: *mut c_void, length: usize) -> Option<&'a mut [u8]> {
    // SAFETY: as the caller promises.
    (!at.is_null()).then(|| unsafe { std::slice::from_raw_parts_mut(at.cast(), length) })
}

/// What a `sockaddr` names.
///
/// # Safety
/// As [`bytes`].
pub(super) unsafe fn named(at: *const sockaddr, length: socklen_t) -> Result<Named, Errno> {
    // SAFETY: as the caller promises.
    address::read(unsafe { bytes(at.cast(), length as usize) }.ok_or(Errno::EFAULT)?)
}

/// Tells an address: as much of it as there is room for, and how long it is.
///
/// # Safety
/// `length` is null or a length that bounds what can be written to `at`, which may be null.
pub(super) unsafe fn tell(
    peer: std::net::SocketAddr,
    family: address::Family,
    at: *mut sockaddr,
    length: *mut socklen_t,
) {
    // SAFETY: as the caller promises.
    let Some(length) = (unsafe { length.as_mut() }) else { return };
    let mut out = [0; LONGEST];
    let whole = address::write(peer, family, &mut out);
    // SAFETY: as the caller promises.
    if let Some(place) = unsafe { bytes_mut(at.cast(), (*length as usize).min(whole)) } {
        place.copy_from_slice(&out[..place.len()]);
    }
    *length = whole as socklen_t;
}

/// The pieces of a scattered buffer.
///
/// # Safety
/// `count` pieces can be read at `at`, or it is null.
pub(super) unsafe fn pieces<'a>(at: *const iovec, count: usize) -> Result<&'a [iovec], Errno> {
    if count > 1_024 {
        return Err(Errno::EINVAL);
    }
    // SAFETY: as the caller promises.
    if at.is_null() { Ok(&[]) } else { Ok(unsafe { std::slice::from_raw_parts(at, count) }) }
}

/// What scattered pieces hold; `None` if one is not there.
///
/// # Safety
/// Each piece is null or readable.
pub(super) unsafe fn gather(pieces: &[iovec]) -> Option<Vec<u8>> {
    let mut data = Vec::new();
    for piece in pieces.iter().filter(|piece| piece.iov_len > 0) {
        // SAFETY: as the caller promises.
        data.extend_from_slice(unsafe { bytes(piece.iov_base, piece.iov_len) }?);
    }
    Some(data)
}

/// Receives into scattered pieces.
///
/// # Safety
/// Each piece is null or writable.
pub(super) unsafe fn scatter(
    machine: &Machine,
    number: c_int,
    pieces: &[iovec],
    flags: c_int,
) -> Result<Received, Errno> {
    let whole = pieces.iter().map(|piece| piece.iov_len).fold(0, usize::saturating_add);
    let there = pieces.iter().all(|piece| piece.iov_len == 0 || !piece.iov_base.is_null());
    let mut data = vec![0; whole.min(64 << 20)];
    let received = machine.receive(number, there.then_some(&mut data), flags)?;
    let mut rest = &data[..received.count];
    for piece in pieces {
        let (now, later) = rest.split_at(piece.iov_len.min(rest.len()));
        // SAFETY: as the caller promises.
        if let Some(place) = unsafe { bytes_mut(piece.iov_base, now.len()) } {
            place.copy_from_slice(now);
        }
        rest = later;
    }
    Ok(received)
}

/// How long `poll` and `epoll_wait` wait: milliseconds, negative for ever.
pub(super) fn patience(milliseconds: c_int) -> Patience {
    match u64::try_from(milliseconds) {
        Ok(0) => Patience::None,
        Ok(milliseconds) => Patience::For(Duration::from_millis(milliseconds)),
        Err(_) => Patience::Endless,
    }
}
