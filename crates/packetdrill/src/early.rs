//! Data with the SYN (RFC 7413), as Linux has it: MSG_FASTOPEN and TCP_FASTOPEN_CONNECT.

use crate::settings::Defaults;
use crate::socket::{Role, Socket};
use crate::streams::{begun, cannot_connect, note_end};
use crate::world::World;
use nix::errno::Errno;
use std::net::SocketAddr;
use std::os::fd::RawFd;
use tcp::FastOpenClient;

fn client(socket: &Socket, defaults: &Defaults) -> FastOpenClient {
    let without = socket.early.without_cookie || defaults.fast_open.client_without_cookie;
    FastOpenClient { require_cookie: !without }
}

/// Whether `connect` to `remote` is done for now: the first write will begin it, since the SYN can carry that. If it cannot, the
/// connection is begun as one that asks for a cookie.
pub(crate) fn defer(world: &mut World, number: RawFd, remote: SocketAddr) -> Result<bool, Errno> {
    let defaults = crate::sysctl::read();
    let socket = world.descriptors.get(number)?;
    if !socket.early.waits {
        return Ok(false);
    }
    let client = client(socket, &defaults);
    let can = world.stack.tcp_can_send_with_syn(world.now, socket.local(), remote, client);
    world.descriptors.get_mut(number)?.early.remote = can.then_some(remote);
    Ok(can)
}

/// Begins a connection whose SYN carries `data`, if the call asks for that. Returns how many bytes it carries.
pub(crate) fn begin(
    world: &mut World,
    number: RawFd,
    data: Option<&[u8]>,
    flags: i32,
    to: Option<SocketAddr>,
) -> Result<Option<usize>, Errno> {
    let socket = world.descriptors.get(number)?;
    let asked = flags & libc::MSG_FASTOPEN != 0;
    let remote = match (socket.role, socket.early.remote) {
        (Role::Datagrams(_), _) => return Ok(None),
        (Role::Fresh, Some(remote)) => remote,
        (_, _) if !asked => return Ok(None),
        (Role::Connection(_), _) if world.is_opening(number) => return Err(Errno::EALREADY),
        (Role::Connection(_), _) => return Ok(None),
        (Role::Listener(_), _) => return Err(Errno::EISCONN),
        (Role::Fresh, None) => to.ok_or(Errno::EOPNOTSUPP)?,
    };
    let defaults = crate::sysctl::read();
    if !defaults.fast_open.client {
        return Err(Errno::EOPNOTSUPP);
    }
    let data = data.ok_or(Errno::EFAULT)?;
    let (local, options, client) = (socket.local(), socket.options, client(socket, &defaults));
    let (id, taken) = world
        .stack
        .tcp_connect_with_data(world.now, local, remote, options, client, data)
        .map_err(cannot_connect)?;
    world.descriptors.get_mut(number)?.early.remote = None;
    begun(world, number, id)?;
    if taken > 0 {
        world.descriptors.get_mut(number)?.send_memory.wrote_early(taken);
        note_end(world, number, flags)?;
    }
    if taken < data.len() {
        world.openers.push(number);
    }
    Ok(Some(taken))
}
