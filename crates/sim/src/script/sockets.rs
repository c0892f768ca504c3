//! The sockets that a script holds by their numbers.

use tcp::{ConnectionId, Failure, Keepalive, ListenerId, SocketOptions};

/// What a socket is by now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    Fresh,
    Listener(ListenerId),
    Connection(ConnectionId),
}

#[derive(Clone, Debug)]
pub(crate) struct Socket {
    pub(crate) role: Role,
    pub(crate) bound: bool,
    pub(crate) options: SocketOptions,
    /// Kept also while keepalive is off.
    pub(crate) keepalive: Keepalive,
    pub(crate) non_blocking: bool,
    /// `connect` has told how it went.
    pub(crate) connect_told: bool,
    /// Bytes written so far: the place in the stream of the next one.
    pub(crate) written: u32,
    /// Bytes read so far.
    pub(crate) read: u32,
    /// Bytes that a blocked write has written.
    pub(crate) partial: usize,
    /// Data goes with its SYN without a cookie (TCP_FASTOPEN_NO_COOKIE).
    pub(crate) without_cookie: bool,
}

impl Socket {
    pub(crate) fn new(role: Role, options: SocketOptions) -> Socket {
        Socket {
            role,
            bound: false,
            options,
            keepalive: options.keepalive.unwrap_or_default(),
            non_blocking: false,
            connect_told: false,
            written: 0,
            read: 0,
            partial: 0,
            without_cookie: false,
        }
    }
}

/// The name that an application finds in `errno`.
pub(crate) fn error_name(failure: Failure) -> &'static str {
    match failure {
        Failure::Refused => "ECONNREFUSED",
        Failure::Reset => "ECONNRESET",
        Failure::BrokenPipe => "EPIPE",
        Failure::TimedOut => "ETIMEDOUT",
        Failure::NetworkUnreachable => "ENETUNREACH",
        Failure::HostUnreachable => "EHOSTUNREACH",
        Failure::HostUnknown => "EHOSTDOWN",
        Failure::Isolated => "ENONET",
        Failure::SourceRouteFailed => "EOPNOTSUPP",
        Failure::Forbidden => "EACCES",
        Failure::ProtocolUnreachable => "ENOPROTOOPT",
        Failure::Aborted => "ECONNABORTED",
    }
}
