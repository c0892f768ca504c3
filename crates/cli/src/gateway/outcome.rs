//! What an error of the operating system's sockets means to a guest.

use std::io::{self, ErrorKind};

use netstrata::Unreachable;
use nix::libc;
use services::gateway::Cause;

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

#[cfg(test)]
mod tests {
    use super::*;

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
