//! What an error of the operating system's sockets means to a guest.

use std::io::{self, ErrorKind};

use netstrata::Unreachable;
use nix::libc;
use services::gateway::Cause;
use services::{Broken, Side};

/// How an attempt failed, and what its guest is told.
pub(crate) fn of(error: &io::Error) -> (Cause, Unreachable) {
    match (error.kind(), error.raw_os_error()) {
        (ErrorKind::ConnectionRefused, _) => (Cause::Refused, Unreachable::Port),
        (ErrorKind::NetworkUnreachable, _) => (Cause::Unreachable, Unreachable::Network),
        (ErrorKind::TimedOut, _) => (Cause::TimedOut, Unreachable::Host),
        (ErrorKind::PermissionDenied, _) => (Cause::Denied, Unreachable::Prohibited),
        (
            _,
            Some(
                libc::EMFILE
                | libc::ENFILE
                | libc::ENOBUFS
                | libc::ENOMEM
                | libc::EADDRNOTAVAIL
                | libc::EAGAIN,
            ),
        ) => (Cause::Exhausted, Unreachable::Host),
        _ => (Cause::Unreachable, Unreachable::Host),
    }
}

/// Who broke a call off.
pub(crate) fn of_broken(broken: &Broken) -> Cause {
    let reset = matches!(
        broken.error.kind(),
        // What is written, or ended, behind a reset fails by another name.
        ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::NotConnected
    );
    match (broken.side, reset) {
        (Side::Caller, true) => Cause::GuestReset,
        (Side::Caller, false) => Cause::GuestLost,
        (Side::Called, true) => Cause::OutsideReset,
        (Side::Called, false) => Cause::OutsideLost,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_broke_a_call_off_is_named() {
        let table = [
            (Side::Caller, ErrorKind::ConnectionReset, Cause::GuestReset),
            (Side::Caller, ErrorKind::TimedOut, Cause::GuestLost),
            (Side::Called, ErrorKind::BrokenPipe, Cause::OutsideReset),
            (Side::Called, ErrorKind::NotConnected, Cause::OutsideReset),
            (Side::Called, ErrorKind::TimedOut, Cause::OutsideLost),
            (Side::Called, ErrorKind::HostUnreachable, Cause::OutsideLost),
        ];
        for (side, kind, cause) in table {
            assert_eq!(of_broken(&Broken { side, error: kind.into() }), cause, "{side:?} {kind}");
            assert!(cause.breaks_off());
        }
        assert!(!Cause::Refused.breaks_off());
    }

    #[test]
    fn a_guest_learns_what_happened_outside() {
        let table = [
            (libc::ECONNREFUSED, Cause::Refused, Unreachable::Port),
            (libc::ENETUNREACH, Cause::Unreachable, Unreachable::Network),
            (libc::EHOSTUNREACH, Cause::Unreachable, Unreachable::Host),
            (libc::ETIMEDOUT, Cause::TimedOut, Unreachable::Host),
            (libc::EPERM, Cause::Denied, Unreachable::Prohibited),
            (libc::EMFILE, Cause::Exhausted, Unreachable::Host),
            (libc::EADDRNOTAVAIL, Cause::Exhausted, Unreachable::Host),
        ];
        for (number, cause, why) in table {
            assert_eq!(of(&io::Error::from_raw_os_error(number)), (cause, why), "{number}");
        }
    }
}
