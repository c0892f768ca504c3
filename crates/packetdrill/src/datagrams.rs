//! Socket calls for datagrams.

use crate::address::{Named, unspecified};
use crate::socket::Received;
use crate::socket::Role;
use crate::world::World;
use nix::errno::Errno;
use stack::{BindError, ReceiveError, SendError, UdpConnectError, UdpId};
use std::net::SocketAddr;
use std::os::fd::RawFd;
use tcp::IcmpError;

/// Binds the socket `number`, which is not bound yet.
pub(crate) fn open(world: &mut World, number: RawFd, local: SocketAddr) -> Result<UdpId, Errno> {
    let id = world.stack.udp_bind(local).map_err(|error| match error {
        BindError::AddressNotAvailable => Errno::EADDRNOTAVAIL,
        BindError::AddressInUse | BindError::NoFreePort => Errno::EADDRINUSE,
        BindError::TooManySockets => Errno::ENOBUFS,
    })?;
    world.descriptors.get_mut(number)?.role = Role::Datagrams(Some(id));
    Ok(id)
}

/// The stack's socket of `number`, bound by now at the latest.
fn opened(world: &mut World, number: RawFd) -> Result<UdpId, Errno> {
    let socket = world.descriptors.get(number)?;
    match socket.role {
        Role::Datagrams(Some(id)) => Ok(id),
        _ => {
            let local = unspecified(socket.family);
            open(world, number, local)
        }
    }
}

pub(crate) fn connect(world: &mut World, number: RawFd, named: Named) -> Result<(), Errno> {
    let Named::Address(remote) = named else { return Err(Errno::EAFNOSUPPORT) };
    let id = opened(world, number)?;
    world.stack.udp_connect(id, remote).map_err(|error| match error {
        UdpConnectError::NoSuchSocket => Errno::EBADF,
        UdpConnectError::InvalidDestination => Errno::EINVAL,
        UdpConnectError::NoRoute => Errno::ENETUNREACH,
        UdpConnectError::AddressNotAvailable => Errno::EADDRNOTAVAIL,
        UdpConnectError::BroadcastNotAllowed => Errno::EACCES,
    })
}

pub(crate) fn send(
    world: &mut World,
    number: RawFd,
    data: Option<&[u8]>,
    to: Option<SocketAddr>,
) -> Result<usize, Errno> {
    let data = data.ok_or(Errno::EFAULT)?;
    let id = opened(world, number)?;
    world.stack.udp_send(world.now, id, data, to).map_err(|error| match error {
        SendError::NoSuchSocket => Errno::EBADF,
        SendError::WouldBlock => Errno::EAGAIN,
        SendError::NoDestination => Errno::EDESTADDRREQ,
        SendError::InvalidDestination => Errno::EINVAL,
        SendError::TooLong => Errno::EMSGSIZE,
        SendError::NoRoute => Errno::ENETUNREACH,
        SendError::AddressNotAvailable => Errno::EADDRNOTAVAIL,
        SendError::BroadcastNotAllowed => Errno::EACCES,
        SendError::Failed(error) => errno(error),
    })
}

pub(crate) fn receive(
    world: &mut World,
    id: Option<UdpId>,
    buffer: &mut Option<&mut [u8]>,
    flags: i32,
) -> Result<Received, Errno> {
    let id = id.ok_or(Errno::EAGAIN)?;
    let mut nothing = [];
    let there = buffer.is_some();
    let out = buffer.as_deref_mut().unwrap_or(&mut nothing);
    let peek = flags & libc::MSG_PEEK != 0 || !there;
    let result = if peek { world.stack.udp_peek(id, out) } else { world.stack.udp_receive(id, out) };
    match result {
        Ok((_, whole, _)) if !there && whole > 0 => Err(Errno::EFAULT),
        Ok((count, whole, source)) => {
            Ok(Received { count, whole, source: Some(source), rest: None, notice: None })
        }
        Err(ReceiveError::NoSuchSocket) => Err(Errno::EBADF),
        Err(ReceiveError::WouldBlock) => Err(Errno::EAGAIN),
        Err(ReceiveError::Failed(error)) => Err(errno(error)),
    }
}

/// What an application is told of a datagram that failed on its way.
pub(crate) fn errno(error: IcmpError) -> Errno {
    match error {
        IcmpError::NetworkUnreachable => Errno::ENETUNREACH,
        IcmpError::HostUnreachable | IcmpError::AdministrativelyProhibited | IcmpError::TimeExceeded => {
            Errno::EHOSTUNREACH
        }
        IcmpError::HostUnknown => Errno::EHOSTDOWN,
        IcmpError::Isolated => Errno::ENONET,
        IcmpError::SourceRouteFailed => Errno::EOPNOTSUPP,
        IcmpError::Forbidden => Errno::EACCES,
        IcmpError::ProtocolUnreachable => Errno::ENOPROTOOPT,
        IcmpError::PortUnreachable => Errno::ECONNREFUSED,
        IcmpError::PacketTooBig { .. } => Errno::EMSGSIZE,
    }
}
