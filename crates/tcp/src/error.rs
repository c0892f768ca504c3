//! What can go wrong: one enum a verb, split by whose fault it is.

use thiserror::Error;
use wire::Malformed;

/// Why a segment was not used. It is counted, not reported: a bad segment is the network's fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum Dropped {
    /// The bytes are no TCP segment.
    #[error("malformed: {0}")]
    Malformed(Malformed),
    /// No connection and no listener has this four-tuple.
    #[error("no connection and no listener")]
    NoSocket,
    /// A source or destination that no connection can have.
    #[error("source is not a unicast host")]
    BadSource,
    /// The listener's half-open or accept queue is full.
    #[error("backlog full")]
    BacklogFull,
    /// A table of the host is full.
    #[error("table full")]
    TableFull,
    /// The buffers of the host hold as much as they may.
    #[error("buffer memory short")]
    MemoryShort,
    /// Outside the receive window (RFC 9293 3.4).
    #[error("outside the window")]
    OutsideWindow,
    /// An older timestamp than the last one: an old duplicate (RFC 7323 5).
    #[error("old timestamp")]
    OldTimestamp,
    /// It acknowledges what was never sent, or what was acknowledged long ago (RFC 5961 5).
    #[error("acknowledgment of nothing sent")]
    BadAcknowledgment,
    /// A RST whose sequence number does not prove its sender (RFC 5961 3).
    #[error("reset not at the left edge")]
    BlindReset,
    /// A SYN in a synchronized state (RFC 5961 4).
    #[error("SYN in a synchronized state")]
    BlindSyn,
    /// Flags that no segment of this state has.
    #[error("unusable flags")]
    BadFlags,
}

/// Why a connection ended other than by both sides' FINs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum Failure {
    /// The peer answered the SYN with a RST: nobody listens there.
    #[error("connection refused")]
    Refused,
    /// The peer sent a RST.
    #[error("connection reset by peer")]
    Reset,
    /// The peer sent a RST after its FIN: it has closed both directions. To a reader the FIN is all that matters.
    #[error("the peer has closed and takes nothing more")]
    BrokenPipe,
    /// The peer did not answer in time (RFC 9293 3.8.3, RFC 5482, or keepalive).
    #[error("timed out")]
    TimedOut,
    /// No route to the peer's network.
    #[error("network unreachable")]
    NetworkUnreachable,
    /// The peer's host does not answer.
    #[error("host unreachable")]
    HostUnreachable,
    /// A router knows of no such host (RFC 1122 3.2.2.1, code 7).
    #[error("host unknown")]
    HostUnknown,
    /// This host is cut off from the peer's network (code 8).
    #[error("this host is isolated")]
    Isolated,
    /// The route that the packets were given does not lead there (code 5).
    #[error("source route failed")]
    SourceRouteFailed,
    /// A policy on the way forbids it (RFC 4443 3.1, codes 1, 5 and 6).
    #[error("forbidden on the way")]
    Forbidden,
    /// The peer speaks no TCP.
    #[error("protocol unreachable")]
    ProtocolUnreachable,
    /// This side aborted the connection.
    #[error("connection aborted")]
    Aborted,
}

/// What an ICMP message said of a packet that a connection had sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IcmpError {
    /// Destination unreachable, code net.
    NetworkUnreachable,
    /// Destination unreachable, code host; also an unresolved neighbour.
    HostUnreachable,
    /// Destination unreachable, code protocol.
    ProtocolUnreachable,
    /// Destination unreachable, code port.
    PortUnreachable,
    /// Destination unreachable, filtered by an administrator: of IPv4.
    AdministrativelyProhibited,
    /// Destination unreachable, against somebody's policy: of IPv6.
    Forbidden,
    /// Destination unreachable, code host unknown.
    HostUnknown,
    /// Destination unreachable, code source host isolated.
    Isolated,
    /// Destination unreachable, code source route failed.
    SourceRouteFailed,
    /// Time to live or reassembly time exceeded.
    TimeExceeded,
    /// Fragmentation needed: the path takes at most this many bytes a packet.
    PacketTooBig {
        /// Bytes of the largest IP packet.
        mtu: u32,
    },
}

impl IcmpError {
    /// What a connection attempt fails with; `None` for advice that does not end one.
    pub(crate) fn failure(self) -> Option<Failure> {
        match self {
            IcmpError::NetworkUnreachable => Some(Failure::NetworkUnreachable),
            IcmpError::HostUnreachable | IcmpError::AdministrativelyProhibited => {
                Some(Failure::HostUnreachable)
            }
            IcmpError::Forbidden => Some(Failure::Forbidden),
            IcmpError::HostUnknown => Some(Failure::HostUnknown),
            IcmpError::Isolated => Some(Failure::Isolated),
            IcmpError::SourceRouteFailed => Some(Failure::SourceRouteFailed),
            IcmpError::ProtocolUnreachable => Some(Failure::ProtocolUnreachable),
            IcmpError::PortUnreachable => Some(Failure::Refused),
            IcmpError::TimeExceeded | IcmpError::PacketTooBig { .. } => None,
        }
    }
}

/// Why a connection could not be begun.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum ConnectError {
    /// The four-tuple is in use.
    #[error("the four-tuple is in use")]
    AddressInUse,
    /// The host holds as many connections as it may.
    #[error("too many connections")]
    TooManyConnections,
}

/// Why nobody can listen there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum ListenError {
    /// Another listener has the address and port.
    #[error("the address and port are in use")]
    AddressInUse,
    /// The host holds as many listeners as it may.
    #[error("too many listeners")]
    TooManyListeners,
}

/// Why no connection was accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum AcceptError {
    /// None is waiting.
    #[error("no connection is waiting")]
    WouldBlock,
    /// The listener was closed.
    #[error("not listening")]
    NotListening,
}

/// Why nothing was decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum DecideError {
    /// The call waits for no decision: it was made, the caller gave up, or the listener was closed.
    #[error("the call waits no more")]
    NotWaiting,
}

/// Why nothing was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum ReadError {
    /// Nothing has arrived yet.
    #[error("nothing to read yet")]
    WouldBlock,
    /// There is no such connection.
    #[error("not connected")]
    NotConnected,
    /// The connection has failed.
    #[error("{0}")]
    Failed(Failure),
}

/// Why nothing was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum WriteError {
    /// The send buffer is full, or the handshake is not done.
    #[error("no room to write yet")]
    WouldBlock,
    /// There is no such connection.
    #[error("not connected")]
    NotConnected,
    /// This side has closed its direction.
    #[error("the sending direction is shut down")]
    Shutdown,
    /// The connection has failed.
    #[error("{0}")]
    Failed(Failure),
}

/// Why a direction could not be closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum ShutdownError {
    /// There is no such connection, or it is not established.
    #[error("not connected")]
    NotConnected,
}
