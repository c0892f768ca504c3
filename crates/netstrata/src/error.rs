//! The stack's errors as `std::net` would report them: by [`io::ErrorKind`], with one line of text.

use stack::{BindError, ConnectError, GroupError, OpenError, ReceiveError, SendError, UdpConnectError};
use std::error::Error;
use std::io::{self, ErrorKind};
use std::task::Poll;
use tcp::{AcceptError, DecideError, Failure, IcmpError, ReadError, ShutdownError, WriteError};

fn with(kind: ErrorKind, error: impl Error + Send + Sync + 'static) -> io::Error {
    io::Error::new(kind, error)
}

pub(crate) fn not_connected() -> io::Error {
    io::Error::new(ErrorKind::NotConnected, "not connected")
}

pub(crate) fn invalid_input(message: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, message)
}

/// The kind by which `std::net` reports `failure`.
pub(crate) fn kind_of(failure: Failure) -> ErrorKind {
    match failure {
        Failure::Refused => ErrorKind::ConnectionRefused,
        Failure::Reset => ErrorKind::ConnectionReset,
        Failure::BrokenPipe => ErrorKind::BrokenPipe,
        Failure::TimedOut => ErrorKind::TimedOut,
        Failure::NetworkUnreachable => ErrorKind::NetworkUnreachable,
        Failure::HostUnreachable => ErrorKind::HostUnreachable,
        // std has no kinds for EHOSTDOWN and ENONET.
        Failure::HostUnknown | Failure::Isolated => ErrorKind::HostUnreachable,
        Failure::SourceRouteFailed => ErrorKind::Unsupported,
        Failure::Forbidden => ErrorKind::PermissionDenied,
        // Nor for ENOPROTOOPT.
        Failure::ProtocolUnreachable => ErrorKind::Other,
        Failure::Aborted => ErrorKind::ConnectionAborted,
    }
}

pub(crate) fn failure(failure: Failure) -> io::Error {
    with(kind_of(failure), failure)
}

pub(crate) fn connect(error: ConnectError) -> io::Error {
    let kind = match error {
        ConnectError::InvalidDestination => ErrorKind::InvalidInput,
        ConnectError::NoRoute => ErrorKind::NetworkUnreachable,
        ConnectError::AddressNotAvailable | ConnectError::NoFreePort | ConnectError::OtherShard(_) => {
            ErrorKind::AddrNotAvailable
        }
        ConnectError::AddressInUse => ErrorKind::AddrInUse,
        ConnectError::TooManyConnections => ErrorKind::QuotaExceeded,
    };
    with(kind, error)
}

pub(crate) fn bind(error: BindError) -> io::Error {
    let kind = match error {
        BindError::AddressNotAvailable => ErrorKind::AddrNotAvailable,
        BindError::AddressInUse | BindError::NoFreePort => ErrorKind::AddrInUse,
        BindError::TooManySockets => ErrorKind::QuotaExceeded,
    };
    with(kind, error)
}

pub(crate) fn open(error: OpenError) -> io::Error {
    let kind = match error {
        OpenError::TooManySockets => ErrorKind::QuotaExceeded,
    };
    with(kind, error)
}

pub(crate) fn group(error: GroupError) -> io::Error {
    let kind = match error {
        GroupError::NoSuchSocket => ErrorKind::NotConnected,
        // setsockopt(2): ENODEV has no kind in std.
        GroupError::NoSuchInterface => ErrorKind::Other,
        GroupError::NotAGroup => ErrorKind::InvalidInput,
        GroupError::AlreadyJoined => ErrorKind::AddrInUse,
        GroupError::NotJoined => ErrorKind::AddrNotAvailable,
        GroupError::TooManyGroups => ErrorKind::QuotaExceeded,
    };
    with(kind, error)
}

pub(crate) fn udp_connect(error: UdpConnectError) -> io::Error {
    let kind = match error {
        UdpConnectError::NoSuchSocket => ErrorKind::NotConnected,
        UdpConnectError::InvalidDestination => ErrorKind::InvalidInput,
        UdpConnectError::NoRoute => ErrorKind::NetworkUnreachable,
        UdpConnectError::AddressNotAvailable => ErrorKind::AddrNotAvailable,
        UdpConnectError::BroadcastNotAllowed => ErrorKind::PermissionDenied,
    };
    with(kind, error)
}

/// What an ICMP message about an earlier datagram is reported as.
pub(crate) fn icmp(error: IcmpError) -> io::Error {
    let (kind, text) = match error {
        IcmpError::PortUnreachable => {
            (ErrorKind::ConnectionRefused, "connection refused: nobody receives at that port")
        }
        IcmpError::NetworkUnreachable => (ErrorKind::NetworkUnreachable, "network unreachable"),
        IcmpError::HostUnreachable | IcmpError::AdministrativelyProhibited | IcmpError::TimeExceeded => {
            (ErrorKind::HostUnreachable, "host unreachable")
        }
        IcmpError::HostUnknown => (ErrorKind::HostUnreachable, "host unknown"),
        IcmpError::Isolated => (ErrorKind::HostUnreachable, "this host is isolated"),
        IcmpError::SourceRouteFailed => (ErrorKind::Unsupported, "source route failed"),
        IcmpError::Forbidden => (ErrorKind::PermissionDenied, "forbidden on the way"),
        IcmpError::ProtocolUnreachable => (ErrorKind::Other, "protocol unreachable"),
        IcmpError::PacketTooBig { .. } => (ErrorKind::Other, "message too long for the path"),
    };
    io::Error::new(kind, text)
}

/// The outcome of a read, pending instead of "would block".
#[inline]
pub(crate) fn poll_read<T>(result: Result<T, ReadError>) -> Poll<io::Result<T>> {
    match result {
        Ok(value) => Poll::Ready(Ok(value)),
        Err(ReadError::WouldBlock) => Poll::Pending,
        Err(ReadError::NotConnected) => Poll::Ready(Err(not_connected())),
        Err(ReadError::Failed(reason)) => Poll::Ready(Err(failure(reason))),
    }
}

/// The outcome of a write, pending instead of "would block".
#[inline]
pub(crate) fn poll_write<T>(result: Result<T, WriteError>) -> Poll<io::Result<T>> {
    match result {
        Ok(value) => Poll::Ready(Ok(value)),
        Err(WriteError::WouldBlock) => Poll::Pending,
        Err(WriteError::NotConnected) => Poll::Ready(Err(not_connected())),
        Err(WriteError::Shutdown) => Poll::Ready(Err(with(ErrorKind::BrokenPipe, WriteError::Shutdown))),
        Err(WriteError::Failed(reason)) => Poll::Ready(Err(failure(reason))),
    }
}

/// The outcome of an accept, pending instead of "would block".
pub(crate) fn poll_accept<T>(result: Result<T, AcceptError>) -> Poll<io::Result<T>> {
    match result {
        Ok(value) => Poll::Ready(Ok(value)),
        Err(AcceptError::WouldBlock) => Poll::Pending,
        // accept(2) on a socket that does not listen: EINVAL.
        Err(error @ AcceptError::NotListening) => Poll::Ready(Err(with(ErrorKind::InvalidInput, error))),
    }
}

pub(crate) fn decide(error: DecideError) -> io::Error {
    match error {
        DecideError::NotWaiting => with(ErrorKind::ConnectionAborted, error),
    }
}

/// The outcome of sending a datagram, pending instead of "would block".
pub(crate) fn poll_send<T>(result: Result<T, SendError>) -> Poll<io::Result<T>> {
    let error = match result {
        Ok(value) => return Poll::Ready(Ok(value)),
        Err(error) => error,
    };
    let kind = match error {
        SendError::WouldBlock => return Poll::Pending,
        SendError::Failed(reason) => return Poll::Ready(Err(icmp(reason))),
        // sendto(2): EDESTADDRREQ and EMSGSIZE have no kind in std.
        SendError::NoDestination | SendError::TooLong => ErrorKind::Other,
        SendError::NoSuchSocket => ErrorKind::NotConnected,
        SendError::InvalidDestination => ErrorKind::InvalidInput,
        SendError::NoRoute => ErrorKind::NetworkUnreachable,
        SendError::AddressNotAvailable => ErrorKind::AddrNotAvailable,
        SendError::BroadcastNotAllowed => ErrorKind::PermissionDenied,
    };
    Poll::Ready(Err(with(kind, error)))
}

/// The outcome of receiving a datagram, pending instead of "would block".
pub(crate) fn poll_receive<T>(result: Result<T, ReceiveError>) -> Poll<io::Result<T>> {
    match result {
        Ok(value) => Poll::Ready(Ok(value)),
        Err(ReceiveError::WouldBlock) => Poll::Pending,
        Err(ReceiveError::NoSuchSocket) => Poll::Ready(Err(not_connected())),
        Err(ReceiveError::Failed(reason)) => Poll::Ready(Err(icmp(reason))),
    }
}

pub(crate) fn shutdown(error: ShutdownError) -> io::Error {
    match error {
        ShutdownError::NotConnected => not_connected(),
    }
}

/// What is still pending, as a non-blocking socket reports it. It allocates nothing.
#[inline]
pub(crate) fn or_would_block<T>(outcome: Poll<io::Result<T>>) -> io::Result<T> {
    match outcome {
        Poll::Ready(result) => result,
        Poll::Pending => Err(ErrorKind::WouldBlock.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_have_the_kinds_of_std() {
        let table = [
            (Failure::Refused, ErrorKind::ConnectionRefused),
            (Failure::Reset, ErrorKind::ConnectionReset),
            (Failure::BrokenPipe, ErrorKind::BrokenPipe),
            (Failure::TimedOut, ErrorKind::TimedOut),
            (Failure::NetworkUnreachable, ErrorKind::NetworkUnreachable),
            (Failure::HostUnreachable, ErrorKind::HostUnreachable),
            (Failure::HostUnknown, ErrorKind::HostUnreachable),
            (Failure::Isolated, ErrorKind::HostUnreachable),
            (Failure::SourceRouteFailed, ErrorKind::Unsupported),
            (Failure::Forbidden, ErrorKind::PermissionDenied),
            (Failure::Aborted, ErrorKind::ConnectionAborted),
        ];
        for (reason, kind) in table {
            let error = failure(reason);
            assert_eq!(error.kind(), kind, "{reason:?}");
            assert!(!error.to_string().contains('\n'));
        }
    }

    #[test]
    fn pending_becomes_would_block_only_for_who_does_not_wait() {
        assert!(poll_read::<usize>(Err(ReadError::WouldBlock)).is_pending());
        assert!(poll_write::<usize>(Err(WriteError::WouldBlock)).is_pending());
        let kind = or_would_block::<()>(Poll::Pending).map_err(|error| error.kind());
        assert_eq!(kind, Err(ErrorKind::WouldBlock));
        let broken = or_would_block(poll_write::<usize>(Err(WriteError::Shutdown)));
        assert_eq!(broken.map_err(|error| error.kind()), Err(ErrorKind::BrokenPipe));
    }
}
