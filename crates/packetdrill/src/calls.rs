//! The socket calls that begin, use and end sockets.

use crate::address::{Family, Named, unspecified};
use crate::early;
use crate::machine::Machine;
use crate::patience::Patience;
use crate::send_memory::SendMemory;
use crate::socket::{Received, Role, Socket};
use crate::streams::{accept_now, begin, connected, disconnect, errno, shut, write};
use crate::world::World;
use nix::errno::Errno;
use std::cell::Cell;
use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::time::Duration;
use tcp::{Readiness, Shutdown};

/// When a connection was begun.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Begun {
    /// Nothing had to be begun.
    Done,
    Now,
    Before,
}

impl Machine {
    /// Makes a socket.
    pub(crate) fn socket(&self, domain: i32, kind: i32, protocol: i32) -> Result<RawFd, Errno> {
        let family = match domain {
            libc::AF_INET => Family::Ipv4,
            libc::AF_INET6 => Family::Ipv6,
            _ => return Err(Errno::EAFNOSUPPORT),
        };
        let modes = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
        let role = match (kind & !modes, protocol) {
            (libc::SOCK_STREAM, 0 | libc::IPPROTO_TCP) => Role::Fresh,
            (libc::SOCK_DGRAM, 0 | libc::IPPROTO_UDP) => Role::Datagrams(None),
            (libc::SOCK_STREAM | libc::SOCK_DGRAM, _) => return Err(Errno::EPROTONOSUPPORT),
            _ => return Err(Errno::ESOCKTNOSUPPORT),
        };
        let defaults = crate::sysctl::read();
        self.call(|world| {
            world.stack.tcp_mut().set_config(defaults.host);
            world.descriptors.add(Socket {
                role,
                family,
                bound: None,
                options: defaults.options,
                keepalive: defaults.keepalive,
                non_blocking: kind & libc::SOCK_NONBLOCK != 0,
                connect_told: false,
                receive_timeout: Duration::ZERO,
                send_timeout: Duration::ZERO,
                tells_rest: false,
                read_shut: false,
                shutdowns: 0,
                failure: None,
                remembered: Default::default(),
                activity: Default::default(),
                history: Default::default(),
                notices: Default::default(),
                fast_open: None,
                fast_open_key: None,
                early: Default::default(),
                send_memory: SendMemory::new(
                    defaults.send_buffers.0,
                    defaults.send_buffers.1,
                    defaults.unsent_limit,
                ),
            })
        })
    }

    /// The family that a socket tells addresses in.
    pub(crate) fn family(&self, number: RawFd) -> Result<Family, Errno> {
        self.call(|world| Ok(world.descriptors.get(number)?.family))
    }

    /// Binds a socket to an address.
    pub(crate) fn bind(&self, number: RawFd, named: Named) -> Result<(), Errno> {
        let Named::Address(address) = named else { return Err(Errno::EAFNOSUPPORT) };
        self.call(|world| {
            let socket = world.descriptors.get(number)?;
            if socket.bound.is_some() || !matches!(socket.role, Role::Fresh | Role::Datagrams(None)) {
                return Err(Errno::EINVAL);
            }
            let ip = address.ip();
            let datagrams = socket.role == Role::Datagrams(None);
            if !ip.is_unspecified() && !ip.is_loopback() {
                world.own(ip)?;
            }
            if datagrams {
                crate::datagrams::open(world, number, address)?;
            }
            world.descriptors.get_mut(number)?.bound = Some(address);
            Ok(())
        })
    }

    /// Lets a socket listen.
    pub(crate) fn listen(&self, number: RawFd, backlog: i32) -> Result<(), Errno> {
        let defaults = crate::sysctl::read();
        self.call(|world| {
            let socket = world.descriptors.get(number)?;
            match socket.role {
                Role::Fresh => {}
                Role::Listener(_) => return Ok(()),
                Role::Connection(_) => return Err(Errno::EINVAL),
                Role::Datagrams(_) => return Err(Errno::EOPNOTSUPP),
            }
            let local = socket.bound.unwrap_or(unspecified(socket.family));
            // Other hosts let one more wait than asked for, so that a backlog of zero is of use.
            let backlog = u32::try_from(backlog).unwrap_or(0).min(4096) + 1;
            let only =
                socket.remembered.get(&(libc::IPPROTO_IPV6, libc::IPV6_V6ONLY)).is_some_and(|on| *on != 0);
            let options = socket.options;
            let result = match only {
                true => world.stack.tcp_listen_v6_only(local, backlog, options),
                false => world.stack.tcp_listen(local, backlog, options),
            };
            let (id, local) = result.map_err(|error| match error {
                stack::BindError::AddressNotAvailable => Errno::EADDRNOTAVAIL,
                stack::BindError::TooManySockets => Errno::ENOBUFS,
                stack::BindError::AddressInUse | stack::BindError::NoFreePort => Errno::EADDRINUSE,
            })?;
            let socket = world.descriptors.get_mut(number)?;
            socket.role = Role::Listener(id);
            socket.bound = Some(local);
            if socket.fast_open.is_none() && defaults.fast_open.all_listeners {
                socket.fast_open = Some(backlog);
            }
            crate::options::apply_fast_open(world, number, &defaults)
        })
    }

    /// Takes a connection whose handshake is done. Returns its descriptor, the peer and the family to tell it in.
    pub(crate) fn accept(&self, number: RawFd) -> Result<(RawFd, SocketAddr, Family), Errno> {
        let patience = self.call(|world| {
            let socket = world.descriptors.get(number)?;
            Ok(socket.patience(socket.receive_timeout, false))
        })?;
        let attempt = |world: &mut World| match accept_now(world, number) {
            Err(Errno::EAGAIN) => None,
            result => Some(result),
        };
        self.wait(patience, attempt, |_| Err(Errno::EAGAIN))
    }

    /// Connects a socket to a peer, or a connected one to nobody.
    pub(crate) fn connect(&self, number: RawFd, named: Named) -> Result<(), Errno> {
        let patience = self.call(|world| {
            let socket = world.descriptors.get(number)?;
            Ok(socket.patience(socket.send_timeout, false))
        })?;
        let begun = self.call(|world| {
            let socket = world.descriptors.get(number)?;
            let socket_waits = socket.early.waits;
            match (socket.role, named) {
                (Role::Datagrams(_), named) => {
                    crate::datagrams::connect(world, number, named).map(|()| Begun::Done)
                }
                (_, Named::Nobody) => disconnect(world, number).map(|()| Begun::Done),
                (Role::Listener(_), _) => Err(Errno::EISCONN),
                (Role::Connection(_), _) => Ok(Begun::Before),
                (Role::Fresh, Named::Address(_)) if socket.early.remote.is_some() => Err(Errno::EISCONN),
                (Role::Fresh, Named::Address(remote)) => match early::defer(world, number, remote)? {
                    true => Ok(Begun::Done),
                    false if socket_waits => {
                        early::begin(world, number, Some(&[]), libc::MSG_FASTOPEN, Some(remote))
                            .map(|_| Begun::Now)
                    }
                    false => begin(world, number, remote).map(|()| Begun::Now),
                },
            }
        })?;
        if begun == Begun::Done {
            return Ok(());
        }
        let attempt = |world: &mut World| connected(world, number).transpose();
        let goes_on = if begun == Begun::Now { Errno::EINPROGRESS } else { Errno::EALREADY };
        self.wait(patience, attempt, |_| Err(goes_on))
    }

    /// Receives into `buffer`; `None` is a buffer that is not there.
    pub(crate) fn receive(
        &self,
        number: RawFd,
        mut buffer: Option<&mut [u8]>,
        flags: i32,
    ) -> Result<Received, Errno> {
        if flags & libc::MSG_ERRQUEUE != 0 {
            return self.call(|world| {
                let notice = world.descriptors.get_mut(number)?.notices.take().ok_or(Errno::EAGAIN)?;
                Ok(Received { notice: Some(notice), ..Received::default() })
            });
        }
        let patience = self.call(|world| {
            let socket = world.descriptors.get(number)?;
            Ok(socket.patience(socket.receive_timeout, flags & libc::MSG_DONTWAIT != 0))
        })?;
        let got = Cell::new(Received::default());
        let attempt = |world: &mut World| {
            let result = match world.descriptors.get(number).map(|socket| socket.role) {
                Ok(Role::Datagrams(id)) => crate::datagrams::receive(world, id, &mut buffer, flags),
                Ok(_) => crate::streams::gather(world, number, &mut buffer, flags, &got),
                Err(error) => Err(error),
            };
            match result {
                Err(Errno::EAGAIN) => None,
                result => Some(result),
            }
        };
        let otherwise = |_: &mut World| match got.get() {
            nothing if nothing.count == 0 => Err(Errno::EAGAIN),
            some => Ok(some),
        };
        self.wait(patience, attempt, otherwise)
    }

    /// Whether a call with `flags` sends without a copy (MSG_ZEROCOPY on a socket with SO_ZEROCOPY).
    pub(crate) fn sends_without_copy(&self, number: RawFd, flags: i32) -> Result<bool, Errno> {
        self.call(|world| Ok(world.descriptors.get(number)?.sends_without_copy(flags)))
    }

    /// Sends `data`; `None` is a buffer that is not there.
    pub(crate) fn send(
        &self,
        number: RawFd,
        data: Option<&[u8]>,
        flags: i32,
        to: Option<SocketAddr>,
    ) -> Result<usize, Errno> {
        let patience = self.call(|world| {
            let socket = world.descriptors.get(number)?;
            Ok(socket.patience(socket.send_timeout, flags & libc::MSG_DONTWAIT != 0))
        })?;
        let done = Cell::new(0);
        let begun = self.call(|world| early::begin(world, number, data, flags, to))?;
        // What the SYN carries is sent even if the call does not wait.
        let carried = begun.unwrap_or(0);
        done.set(carried);
        let in_vain = if begun.is_some() { Errno::EINPROGRESS } else { Errno::EAGAIN };
        if patience != Patience::None {
            // What waits for the end of the handshake carries its acknowledgment.
            self.call(|world| {
                if world.is_opening(number) && !world.openers.contains(&number) {
                    world.openers.push(number);
                }
                Ok(())
            })?;
        }
        let mut again = false;
        let attempt = |world: &mut World| {
            let result = match world.descriptors.get(number).map(|socket| socket.role) {
                Ok(Role::Datagrams(_)) => crate::datagrams::send(world, number, data, to),
                Ok(_) if begun.is_some() && world.is_opening(number) => Err(Errno::EAGAIN),
                Ok(_) if carried > 0 && data.is_some_and(|data| data.len() == carried) => {
                    crate::streams::take_failure(world, number)
                        .and_then(|failure| failure.map_or(Ok(carried), |failure| Err(errno(failure))))
                }
                Ok(_) => write(world, number, data, flags, &done, again),
                Err(error) => Err(error),
            };
            again = true;
            match result {
                Err(Errno::EAGAIN) => None,
                Err(error) if done.get() > carried => {
                    // The error is told by the next call.
                    if let Ok(socket) = world.descriptors.get_mut(number) {
                        socket.failure = crate::streams::failure(error);
                    }
                    Some(Ok(done.get()))
                }
                result => Some(result),
            }
        };
        self.wait(patience, attempt, |_| if done.get() > 0 { Ok(done.get()) } else { Err(in_vain) })
    }

    /// Closes one direction of a connection or both.
    pub(crate) fn shutdown(&self, number: RawFd, how: i32) -> Result<(), Errno> {
        let how = match how {
            libc::SHUT_RD => Shutdown::Read,
            libc::SHUT_WR => Shutdown::Write,
            libc::SHUT_RDWR => Shutdown::Both,
            _ => return Err(Errno::EINVAL),
        };
        self.call(|world| {
            let socket = world.descriptors.get_mut(number)?;
            match socket.role {
                Role::Fresh | Role::Datagrams(_) => Err(Errno::ENOTCONN),
                Role::Listener(_) if how == Shutdown::Write => Ok(()),
                Role::Listener(id) => {
                    socket.role = Role::Fresh;
                    world.stack.tcp_mut().close_listener(world.now, id);
                    Ok(())
                }
                Role::Connection(id) => shut(world, number, id, how),
            }
        })
    }

    /// Closes a descriptor. A socket that lingers waits for its data to be delivered.
    pub(crate) fn close(&self, number: RawFd) -> Result<(), Errno> {
        let linger = self.call(|world| {
            let Ok(socket) = world.descriptors.get(number) else { return Ok(None) };
            let Role::Connection(id) = socket.role else { return Ok(None) };
            let linger = socket.options.linger.filter(|time| !time.is_zero() && !socket.non_blocking);
            let unread = world.stack.tcp().info(id).is_some_and(|info| info.receive_queue > 0);
            if linger.is_some() && !unread {
                // What cannot be shut down has nothing to deliver.
                let _ = world.stack.tcp_mut().shutdown(world.now, id, Shutdown::Write);
            }
            Ok(linger.map(|time| (id, time)))
        })?;
        if let Some((id, time)) = linger {
            let drained = |world: &mut World| {
                let ready = world.stack.tcp().readiness(id);
                ready.contains(Readiness::DRAINED).then_some(Ok(()))
            };
            self.wait(Patience::For(time), drained, |_| Ok(()))?;
        }
        self.call(|world| {
            let Some(socket) = world.descriptors.remove(number)? else { return Ok(()) };
            match socket.role {
                Role::Fresh | Role::Datagrams(None) => {}
                Role::Datagrams(Some(id)) => world.stack.udp_close(id),
                Role::Listener(id) => world.stack.tcp_mut().close_listener(world.now, id),
                Role::Connection(id) => {
                    // As on Linux: unread bytes end it at once, whatever of what was written is still under way.
                    let unread = world.stack.tcp().info(id).is_some_and(|info| info.receive_queue > 0);
                    if unread {
                        world.stack.tcp_mut().abort(world.now, id);
                    }
                    world.stack.tcp_mut().close(world.now, id);
                }
            }
            Ok(())
        })
    }
}
