//! What the verbs of a stack refuse, and why: one enum per verb.

use thiserror::Error;

/// Why an address could not be given to an interface or taken from it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum AddressError {
    /// No interface has this number.
    #[error("no such interface")]
    NoSuchInterface,
    /// Not an address that a host can have: unspecified, broadcast or multicast.
    #[error("not an address that a host can have")]
    NotUnicast,
    /// The prefix is longer than the address.
    #[error("the prefix is longer than the address")]
    PrefixTooLong,
    /// The interface's packets are shorter than the 1280 bytes that IPv6 needs (RFC 8200 5).
    #[error("the interface's MTU is too small for IPv6")]
    MtuTooSmall,
    /// An interface of this stack already has the address.
    #[error("the address is already assigned")]
    AlreadyAssigned,
    /// No interface has the address.
    #[error("no interface has this address")]
    NotAssigned,
    /// The interface has as many addresses as the configuration allows.
    #[error("the interface has as many addresses as it may have")]
    TooManyAddresses,
    /// The route to the address's network found no room.
    #[error("the route table is full")]
    TooManyRoutes,
}

/// Why a route could not be added or removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum RouteError {
    /// No interface has this number.
    #[error("no such interface")]
    NoSuchInterface,
    /// The gateway is of another family than the destination, or not a unicast address.
    #[error("the gateway does not fit the destination")]
    UnsuitableGateway,
    /// The same route is already there.
    #[error("the route is already there")]
    AlreadyThere,
    /// There is no such route.
    #[error("no such route")]
    NotThere,
    /// The table holds as many routes as the configuration allows.
    #[error("the route table is full")]
    TooManyRoutes,
}

/// Why a TCP connection could not be begun.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum ConnectError {
    /// The remote address is broadcast, multicast or has port 0.
    #[error("not an address that can be connected to")]
    InvalidDestination,
    /// No route leads to the remote address.
    #[error("no route to the remote address")]
    NoRoute,
    /// The wanted local address is not one of this host's, or the host has none that reaches the remote one.
    #[error("no usable local address")]
    AddressNotAvailable,
    /// The wanted local port is taken for this remote address.
    #[error("the local address is in use")]
    AddressInUse,
    /// Every ephemeral port is taken for this remote address.
    #[error("all ephemeral ports are in use")]
    NoFreePort,
    /// The host holds as many connections as the configuration allows.
    #[error("too many connections")]
    TooManyConnections,
    /// Answers to the wanted local port reach the shard of this number: it has to be begun there.
    #[error("the connection belongs to another shard")]
    OtherShard(usize),
}

/// Why a listener or a UDP socket could not be bound.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum BindError {
    /// The address is not one of this host's.
    #[error("the address is not one of this host's")]
    AddressNotAvailable,
    /// Another socket has the address and port.
    #[error("the address is in use")]
    AddressInUse,
    /// Every ephemeral port is taken.
    #[error("all ephemeral ports are in use")]
    NoFreePort,
    /// The host holds as many sockets as the configuration allows.
    #[error("too many sockets")]
    TooManySockets,
}

/// Why an echo socket could not be opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum OpenError {
    /// The host holds as many sockets as the configuration allows.
    #[error("too many sockets")]
    TooManySockets,
}

/// Why a UDP socket could not be connected.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum UdpConnectError {
    /// There is no such socket.
    #[error("no such socket")]
    NoSuchSocket,
    /// The remote address has port 0 or another family than the socket.
    #[error("not an address that can be connected to")]
    InvalidDestination,
    /// No route leads to the remote address.
    #[error("no route to the remote address")]
    NoRoute,
    /// The host has no address that reaches the remote one.
    #[error("no usable local address")]
    AddressNotAvailable,
    /// The remote address is a broadcast address and the socket does not allow that.
    #[error("broadcast is not allowed on this socket")]
    BroadcastNotAllowed,
}

/// Why a datagram could not be sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum SendError {
    /// There is no such socket.
    #[error("no such socket")]
    NoSuchSocket,
    /// As much waits to be sent as may; the socket reports when there is room.
    #[error("the send queue is full")]
    WouldBlock,
    /// No destination was given and the socket is not connected.
    #[error("no destination")]
    NoDestination,
    /// The destination has port 0 or another family than the socket.
    #[error("not an address that can be sent to")]
    InvalidDestination,
    /// The datagram is longer than its protocol can carry.
    #[error("the datagram is too long")]
    TooLong,
    /// No route leads to the destination.
    #[error("no route to the destination")]
    NoRoute,
    /// The host has no address that reaches the destination.
    #[error("no usable local address")]
    AddressNotAvailable,
    /// The destination is a broadcast address and the socket does not allow that.
    #[error("broadcast is not allowed on this socket")]
    BroadcastNotAllowed,
    /// An earlier datagram failed on its way; reported once.
    #[error("an earlier datagram failed: {0:?}")]
    Failed(tcp::IcmpError),
}

/// Why a socket could not join or leave a group.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum GroupError {
    /// There is no such socket.
    #[error("no such socket")]
    NoSuchSocket,
    /// There is no such interface, or none that could reach the group.
    #[error("no interface for the group")]
    NoSuchInterface,
    /// The address is no group's, or of a family that the socket does not speak.
    #[error("not a group that the socket could join")]
    NotAGroup,
    /// The socket has joined the group on that interface.
    #[error("the group has been joined")]
    AlreadyJoined,
    /// The socket has not joined the group on that interface.
    #[error("the group has not been joined")]
    NotJoined,
    /// The socket or the interface has as many groups as it may have.
    #[error("too many groups")]
    TooManyGroups,
}

/// Why nothing was received.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum ReceiveError {
    /// There is no such socket.
    #[error("no such socket")]
    NoSuchSocket,
    /// Nothing has arrived; the socket reports when something has.
    #[error("nothing has arrived")]
    WouldBlock,
    /// An earlier datagram failed on its way; reported once.
    #[error("an earlier datagram failed: {0:?}")]
    Failed(tcp::IcmpError),
}
