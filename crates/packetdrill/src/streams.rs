//! What calls do with streams.

use crate::address::Family;
use crate::socket::{Received, Role};
use crate::world::World;
use nix::errno::Errno;
use std::cell::Cell;
use std::net::SocketAddr;
use std::os::fd::RawFd;
use tcp::{
    AcceptError, ConnectionId, Failure, ReadError, Readiness, Shutdown, ShutdownError, State, WriteError,
    WriteMarks,
};

/// The error that a socket gives for a connection that has failed.
pub(crate) fn errno(failure: Failure) -> Errno {
    match failure {
        Failure::Refused => Errno::ECONNREFUSED,
        Failure::Reset => Errno::ECONNRESET,
        Failure::BrokenPipe => Errno::EPIPE,
        Failure::TimedOut => Errno::ETIMEDOUT,
        Failure::NetworkUnreachable => Errno::ENETUNREACH,
        Failure::HostUnreachable => Errno::EHOSTUNREACH,
        Failure::HostUnknown => Errno::EHOSTDOWN,
        Failure::Isolated => Errno::ENONET,
        Failure::SourceRouteFailed => Errno::EOPNOTSUPP,
        Failure::Forbidden => Errno::EACCES,
        Failure::ProtocolUnreachable => Errno::ENOPROTOOPT,
        Failure::Aborted => Errno::ECONNABORTED,
    }
}

/// The failure that gives an error.
pub(crate) fn failure(error: Errno) -> Option<Failure> {
    let all = [
        Failure::Refused,
        Failure::Reset,
        Failure::BrokenPipe,
        Failure::TimedOut,
        Failure::NetworkUnreachable,
        Failure::HostUnreachable,
        Failure::HostUnknown,
        Failure::Isolated,
        Failure::SourceRouteFailed,
        Failure::Forbidden,
        Failure::ProtocolUnreachable,
        Failure::Aborted,
    ];
    all.into_iter().find(|failure| errno(*failure) == error)
}

/// Why a connection has failed, told once.
pub(crate) fn take_failure(world: &mut World, number: RawFd) -> Result<Option<Failure>, Errno> {
    let socket = world.descriptors.get_mut(number)?;
    if let Some(failure) = socket.failure.take() {
        return Ok(Some(failure));
    }
    Ok(match socket.role {
        Role::Connection(id) => world.stack.tcp_mut().take_failure(id),
        _ => None,
    })
}

pub(crate) fn accept_now(world: &mut World, number: RawFd) -> Result<(RawFd, SocketAddr, Family), Errno> {
    let socket = world.descriptors.get(number)?;
    let listener = match socket.role {
        Role::Listener(listener) => listener,
        Role::Datagrams(_) => return Err(Errno::EOPNOTSUPP),
        Role::Fresh | Role::Connection(_) => return Err(Errno::EINVAL),
    };
    let mut accepted = socket.clone();
    let id = world.stack.tcp_mut().accept(listener).map_err(|error| match error {
        AcceptError::WouldBlock => Errno::EAGAIN,
        AcceptError::NotListening => Errno::EINVAL,
    })?;
    let tuple = world.stack.tcp().tuple(id).ok_or(Errno::ECONNABORTED)?;
    let family = accepted.family;
    accepted.role = Role::Connection(id);
    accepted.bound = Some(SocketAddr::new(tuple.local, tuple.local_port));
    accepted.options = world.stack.tcp().options(id).unwrap_or(accepted.options);
    accepted.non_blocking = false;
    accepted.connect_told = true;
    (accepted.activity, accepted.history, accepted.notices, accepted.shutdowns) = Default::default();
    let descriptor = world.descriptors.add(accepted)?;
    Ok((descriptor, SocketAddr::new(tuple.remote, tuple.remote_port), family))
}

/// Begins a connection.
pub(crate) fn begin(world: &mut World, number: RawFd, remote: SocketAddr) -> Result<(), Errno> {
    let socket = world.descriptors.get(number)?;
    let (local, options, now) = (socket.local(), socket.options, world.now);
    let id = world.stack.tcp_connect(now, local, remote, options).map_err(cannot_connect)?;
    begun(world, number, id)
}

/// The error of a connection that cannot be begun.
pub(crate) fn cannot_connect(error: stack::ConnectError) -> Errno {
    match error {
        stack::ConnectError::InvalidDestination | stack::ConnectError::NoRoute => Errno::ENETUNREACH,
        stack::ConnectError::AddressNotAvailable
        | stack::ConnectError::AddressInUse
        | stack::ConnectError::NoFreePort
        | stack::ConnectError::OtherShard(_) => Errno::EADDRNOTAVAIL,
        stack::ConnectError::TooManyConnections => Errno::ENOBUFS,
    }
}

/// A connection was begun.
pub(crate) fn begun(world: &mut World, number: RawFd, id: ConnectionId) -> Result<(), Errno> {
    let tuple = world.stack.tcp().tuple(id).ok_or(Errno::ECONNABORTED)?;
    let socket = world.descriptors.get_mut(number)?;
    socket.role = Role::Connection(id);
    socket.bound = Some(SocketAddr::new(tuple.local, tuple.local_port));
    socket.connect_told = false;
    if let Some(retries) = socket.early.retries {
        world.stack.tcp_mut().set_syn_retries(id, retries);
    }
    Ok(())
}

/// How an attempt to connect has gone; `None` while it goes on.
pub(crate) fn connected(world: &mut World, number: RawFd) -> Result<Option<()>, Errno> {
    let socket = world.descriptors.get(number)?;
    let Role::Connection(id) = socket.role else { return Err(Errno::EINVAL) };
    let ready = world.stack.tcp().readiness(id);
    let failed = match take_failure(world, number)? {
        Some(failure) => Some(errno(failure)),
        // Whoever asks after SO_ERROR has told why.
        None if ready.contains(Readiness::DRAINED) && !ready.contains(Readiness::CONNECTED) => {
            Some(Errno::ECONNABORTED)
        }
        None => None,
    };
    if let Some(error) = failed {
        if !world.descriptors.get(number)?.connect_told {
            // Once it is told, the socket can begin another connection.
            world.stack.tcp_mut().abort(world.now, id);
            world.descriptors.get_mut(number)?.role = Role::Fresh;
        }
        return Err(error);
    }
    if !ready.contains(Readiness::CONNECTED) {
        return Ok(None);
    }
    let socket = world.descriptors.get_mut(number)?;
    // Once to be told, be it after EINPROGRESS.
    let told = std::mem::replace(&mut socket.connect_told, true);
    if told { Err(Errno::EISCONN) } else { Ok(Some(())) }
}

/// Ends a connection, so that the socket can begin another.
pub(crate) fn disconnect(world: &mut World, number: RawFd) -> Result<(), Errno> {
    let socket = world.descriptors.get_mut(number)?;
    (socket.read_shut, socket.connect_told, socket.early.remote) = (false, false, None);
    match std::mem::replace(&mut socket.role, Role::Fresh) {
        Role::Connection(id) => {
            socket.bound = None;
            // As on Linux: what the peer is told by a RST, or would have been told, is told here as well.
            let state = world.stack.tcp().info(id).map(|info| info.state);
            let ended = matches!(state, None | Some(State::Closed | State::TimeWait | State::LastAck));
            socket.failure = (!ended).then_some(Failure::Reset);
            world.stack.tcp_mut().abort(world.now, id);
        }
        Role::Listener(id) => world.stack.tcp_mut().close_listener(world.now, id),
        role => socket.role = role,
    }
    Ok(())
}

pub(crate) fn shut(world: &mut World, number: RawFd, id: ConnectionId, how: Shutdown) -> Result<(), Errno> {
    if world.stack.tcp().info(id).is_some_and(|info| info.state == State::SynSent) {
        // An attempt to connect is given up.
        world.stack.tcp_mut().abort(world.now, id);
        let socket = world.descriptors.get_mut(number)?;
        (socket.role, socket.failure) = (Role::Fresh, Some(Failure::Reset));
        return Ok(());
    }
    // Both FINs are acknowledged: nothing is left of it but TIME-WAIT, which is no socket's any more.
    let over =
        world.stack.tcp().info(id).is_none_or(|info| matches!(info.state, State::TimeWait | State::Closed));
    if over {
        return Err(Errno::ENOTCONN);
    }
    if how != Shutdown::Read {
        world.stack.tcp_mut().shutdown(world.now, id, Shutdown::Write).map_err(|error| match error {
            ShutdownError::NotConnected => Errno::ENOTCONN,
        })?;
    }
    world.descriptors.get_mut(number)?.shutdowns += 1;
    // As on Linux: reads find an end instead of waiting, but what has come or still comes can be read.
    world.descriptors.get_mut(number)?.read_shut |= how != Shutdown::Write;
    Ok(())
}

/// Reads from a stream until there is as much as the caller waits for (SO_RCVLOWAT, MSG_WAITALL); `got` is what earlier attempts of the
/// same call have read.
pub(crate) fn gather(
    world: &mut World,
    number: RawFd,
    buffer: &mut Option<&mut [u8]>,
    flags: i32,
    got: &Cell<Received>,
) -> Result<Received, Errno> {
    let length = buffer.as_deref().map_or(0, <[u8]>::len);
    let least = world.descriptors.get(number)?.least_to_read();
    let wanted = if flags & libc::MSG_WAITALL != 0 { length } else { least.min(length) };
    let before = got.get();
    let mut rest = buffer.as_deref_mut().map(|buffer| buffer.get_mut(before.count..).unwrap_or_default());
    let received = match read(world, number, &mut rest, flags) {
        // The error is told by the next call.
        Err(error) if error != Errno::EAGAIN && before.count > 0 => {
            world.descriptors.get_mut(number)?.failure = failure(error);
            return Ok(before);
        }
        result => result?,
    };
    let count = before.count + received.count;
    let all = Received { count, whole: count, ..received };
    if length == 0 && nothing_to_read(world, number)? {
        return Err(Errno::EAGAIN);
    }
    if received.count == 0 || count >= wanted {
        return Ok(all);
    }
    if flags & libc::MSG_PEEK == 0 {
        got.set(all);
    }
    Err(Errno::EAGAIN)
}

/// Whether there is neither a byte to read nor an end: then even a read of nothing waits.
fn nothing_to_read(world: &World, number: RawFd) -> Result<bool, Errno> {
    let socket = world.descriptors.get(number)?;
    let Role::Connection(id) = socket.role else { return Ok(false) };
    let tcp = world.stack.tcp();
    let waiting = tcp.info(id).map_or(0, |info| info.receive_queue);
    let state = tcp.info(id).map_or(State::Closed, |info| info.state);
    let over = socket.read_shut || tcp.readiness(id).contains(Readiness::READ_CLOSED);
    Ok(waiting == 0 && !over && state != State::Closed)
}

/// Reads from a stream what there is.
fn read(
    world: &mut World,
    number: RawFd,
    buffer: &mut Option<&mut [u8]>,
    flags: i32,
) -> Result<Received, Errno> {
    let socket = world.descriptors.get_mut(number)?;
    let Role::Connection(id) = socket.role else {
        return Err(if socket.early.remote.is_some() { Errno::EAGAIN } else { Errno::ENOTCONN });
    };
    // Urgent bytes stay in the stream: there are none beside it.
    if flags & libc::MSG_OOB != 0 {
        return Err(Errno::EINVAL);
    }
    if let Some(failure) = socket.failure.take() {
        return Err(errno(failure));
    }
    let (tells_rest, read_shut) = (socket.tells_rest, socket.read_shut);
    let (now, tcp) = (world.now, world.stack.tcp_mut());
    let mut nothing = [0];
    let result = match buffer {
        None => match tcp.peek(id, &mut nothing) {
            Ok(1) => return Err(Errno::EFAULT),
            result => result,
        },
        Some(out) if flags & libc::MSG_PEEK != 0 => tcp.peek(id, out),
        Some(out) => tcp.read(now, id, out),
    };
    let count = match result {
        Ok(count) => count,
        Err(ReadError::WouldBlock) if read_shut => 0,
        Err(ReadError::WouldBlock) => return Err(Errno::EAGAIN),
        Err(ReadError::NotConnected) => return Err(Errno::ENOTCONN),
        Err(ReadError::Failed(failure)) => return Err(errno(failure)),
    };
    // A stream that has ended counts as one more byte.
    let rest = tcp.info(id).map_or(0, |info| info.receive_queue);
    let ended = tcp.readiness(id).contains(Readiness::READ_CLOSED);
    let rest = tells_rest.then_some(i32::try_from(rest).unwrap_or(i32::MAX).saturating_add(ended as i32));
    Ok(Received { count, whole: count, source: None, rest, notice: None })
}

/// Writes to a stream; `done` counts what was written by earlier attempts of the same call, of which this is one `again`.
pub(crate) fn write(
    world: &mut World,
    number: RawFd,
    data: Option<&[u8]>,
    flags: i32,
    done: &Cell<usize>,
    again: bool,
) -> Result<usize, Errno> {
    let socket = world.descriptors.get_mut(number)?;
    let Role::Connection(id) = socket.role else { return Err(Errno::EPIPE) };
    if let Some(failure) = socket.failure.take() {
        return Err(errno(failure));
    }
    let Some(data) = data else {
        let ready = world.stack.tcp().readiness(id);
        return Err(if ready.contains(Readiness::WRITABLE) { Errno::EFAULT } else { Errno::EAGAIN });
    };
    loop {
        let rest = data.get(done.get()..).unwrap_or_default();
        let info = world.stack.tcp().info(id);
        let open = info.is_some_and(|info| {
            let states = [State::SynReceived, State::Established, State::CloseWait];
            info.segment_size > 0 && states.contains(&info.state)
        });
        let memory = &mut world.descriptors.get_mut(number)?.send_memory;
        let room = match (open, rest.len()) {
            (false, _) | (_, 0) => None,
            // Who waits is woken when it is worth it.
            _ if again && memory.is_starved() => return Err(Errno::EAGAIN),
            (_, count) => match memory.room(count) {
                Some(room) => Some(room),
                None => {
                    if done.get() > 0 && world.descriptors.get(number)?.non_blocking {
                        note_end(world, number, flags)?;
                    }
                    return Err(Errno::EAGAIN);
                }
            },
        };
        let piece = room.map_or(rest, |room| &rest[..room.count]);
        let whole = piece.len() == rest.len();
        let marks = WriteMarks {
            more: flags & libc::MSG_MORE != 0 || !whole && room.is_some_and(|room| !room.last),
            end_of_record: flags & libc::MSG_EOR != 0 && whole,
        };
        let pushes = room.is_some_and(|room| room.pushes);
        let pushed = WriteMarks { end_of_record: marks.end_of_record || pushes, ..marks };
        let count =
            world.stack.tcp_mut().write_marked(world.now, id, piece, pushed).map_err(
                |error| match error {
                    WriteError::WouldBlock => Errno::EAGAIN,
                    WriteError::NotConnected | WriteError::Shutdown => Errno::EPIPE,
                    WriteError::Failed(failure) => errno(failure),
                },
            )?;
        if let Some(room) = room {
            world.descriptors.get_mut(number)?.send_memory.wrote(room, marks.end_of_record);
        }
        done.set(done.get() + count);
        if done.get() >= data.len() {
            note_end(world, number, flags)?;
            return Ok(done.get());
        }
        // What can leave makes room for more.
        world.settle();
    }
}

/// A write has ended: its last byte may be watched.
pub(crate) fn note_end(world: &mut World, number: RawFd, flags: i32) -> Result<(), Errno> {
    let socket = world.descriptors.get_mut(number)?;
    let without_copy = socket.sends_without_copy(flags);
    if flags & libc::MSG_MORE == 0 {
        socket.send_memory.finish();
    }
    socket.notices.wrote(socket.send_memory.written(), without_copy);
    Ok(())
}
