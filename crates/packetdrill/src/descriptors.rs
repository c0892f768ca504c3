//! The descriptors that sockets and epoll sets are known by.
//!
//! Each is a real file descriptor, an eventfd, so that its number means nothing else in the process. packetdrill closes what a
//! script leaves open by itself.

use crate::readiness;
use crate::socket::{Role, Socket};
use crate::watch::Epoll;
use basis::Instant;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::eventfd::{EfdFlags, EventFd};
use stack::Stack;
use std::collections::BTreeMap;
use std::os::fd::RawFd;

/// The lowest number that a descriptor has: above what a process has otherwise, below the usual limit of 1024.
pub(crate) const LOWEST: RawFd = 512;

/// All descriptors.
#[derive(Debug, Default)]
pub(crate) struct Descriptors {
    sockets: BTreeMap<RawFd, Socket>,
    epolls: BTreeMap<RawFd, Epoll>,
}

impl Descriptors {
    /// A descriptor for a new socket.
    pub(crate) fn add(&mut self, socket: Socket) -> Result<RawFd, Errno> {
        let number = new_number()?;
        self.sockets.insert(number, socket);
        Ok(number)
    }

    /// A descriptor for a new epoll set.
    pub(crate) fn add_epoll(&mut self) -> Result<RawFd, Errno> {
        let number = new_number()?;
        self.epolls.insert(number, Epoll::default());
        Ok(number)
    }

    pub(crate) fn get(&self, number: RawFd) -> Result<&Socket, Errno> {
        self.sockets.get(&number).ok_or_else(|| self.not_a_socket(number))
    }

    pub(crate) fn get_mut(&mut self, number: RawFd) -> Result<&mut Socket, Errno> {
        let error = self.not_a_socket(number);
        self.sockets.get_mut(&number).ok_or(error)
    }

    fn not_a_socket(&self, number: RawFd) -> Errno {
        if self.epolls.contains_key(&number) { Errno::ENOTSOCK } else { Errno::EBADF }
    }

    /// The epoll set `number`, and all sockets.
    pub(crate) fn epoll(&mut self, number: RawFd) -> Result<(&mut Epoll, &BTreeMap<RawFd, Socket>), Errno> {
        let error = if self.sockets.contains_key(&number) { Errno::EINVAL } else { Errno::EBADF };
        Ok((self.epolls.get_mut(&number).ok_or(error)?, &self.sockets))
    }

    /// Closes a descriptor. Returns the socket it was of.
    pub(crate) fn remove(&mut self, number: RawFd) -> Result<Option<Socket>, Errno> {
        let socket = self.sockets.remove(&number);
        if socket.is_none() && self.epolls.remove(&number).is_none() {
            return Err(Errno::EBADF);
        }
        for epoll in self.epolls.values_mut() {
            epoll.forget(number);
        }
        nix::unistd::close(number)?;
        Ok(socket)
    }

    /// Looks at how far each connection has come.
    pub(crate) fn note(&mut self, stack: &Stack, now: Instant) {
        for socket in self.sockets.values_mut() {
            let Role::Connection(id) = socket.role else { continue };
            if let Some(info) = stack.tcp().info(id).filter(|info| info.segment_size > 0) {
                socket.send_memory.note(&info, now);
                let (sent, acknowledged) = socket.send_memory.progress();
                socket.notices.note(sent, acknowledged, now);
                socket.history.note(&info, socket.send_memory.is_starved(), now);
            }
        }
    }

    /// Tells the epoll sets what has happened to their sockets.
    pub(crate) fn watch(&mut self, stack: &Stack) {
        if self.epolls.is_empty() {
            return;
        }
        for (number, socket) in &mut self.sockets {
            let fresh = readiness::news(socket, stack);
            for epoll in self.epolls.values_mut() {
                epoll.on_news(*number, fresh);
            }
        }
    }
}

fn new_number() -> Result<RawFd, Errno> {
    let event = EventFd::from_flags(EfdFlags::EFD_CLOEXEC)?;
    // `EventFd` gives its descriptor away only as a copy.
    match fcntl(&event, FcntlArg::F_DUPFD_CLOEXEC(LOWEST)) {
        // The process may have none so high: then any.
        Err(Errno::EINVAL) => fcntl(&event, FcntlArg::F_DUPFD_CLOEXEC(0)),
        number => number,
    }
}
