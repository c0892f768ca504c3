//! Sets of sockets that are watched, as `epoll` has them.

use crate::readiness::{ERR, HUP, bits};
use crate::socket::Socket;
use nix::errno::Errno;
use stack::Stack;
use std::collections::BTreeMap;
use std::os::fd::RawFd;

const EDGE: u32 = libc::EPOLLET as u32;
const ONE_SHOT: u32 = libc::EPOLLONESHOT as u32;
const FLAGS: u32 = EDGE | ONE_SHOT | libc::EPOLLWAKEUP as u32 | libc::EPOLLEXCLUSIVE as u32;

/// What is watched for at one socket.
#[derive(Clone, Copy, Debug)]
struct Interest {
    events: u32,
    data: u64,
    /// Something has happened that was not reported yet.
    pending: bool,
}

/// A set.
#[derive(Debug, Default)]
pub(crate) struct Epoll {
    watched: BTreeMap<RawFd, Interest>,
}

/// What `epoll_ctl` does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Change {
    Add { events: u32, data: u64 },
    Modify { events: u32, data: u64 },
    Delete,
}

impl Epoll {
    pub(crate) fn forget(&mut self, number: RawFd) {
        self.watched.remove(&number);
    }

    /// Something has happened to these bits of a socket.
    pub(crate) fn on_news(&mut self, number: RawFd, fresh: u32) {
        if let Some(interest) = self.watched.get_mut(&number) {
            interest.pending |= fresh & (interest.events | ERR | HUP) != 0;
        }
    }

    pub(crate) fn change(&mut self, number: RawFd, change: Change) -> Result<(), Errno> {
        match change {
            Change::Add { .. } if self.watched.contains_key(&number) => Err(Errno::EEXIST),
            Change::Add { events, data } => {
                self.watched.insert(number, Interest { events, data, pending: true });
                Ok(())
            }
            Change::Modify { events, data } => {
                let interest = self.watched.get_mut(&number).ok_or(Errno::ENOENT)?;
                *interest = Interest { events, data, pending: true };
                Ok(())
            }
            Change::Delete => self.watched.remove(&number).map(|_| ()).ok_or(Errno::ENOENT),
        }
    }

    /// Up to `most` reports: events and data.
    pub(crate) fn collect(
        &mut self,
        sockets: &BTreeMap<RawFd, Socket>,
        stack: &Stack,
        most: usize,
    ) -> Vec<(u32, u64)> {
        let mut reports = Vec::new();
        for (number, interest) in &mut self.watched {
            let Some(socket) = sockets.get(number) else { continue };
            if reports.len() == most || !interest.pending && interest.events & EDGE != 0 {
                continue;
            }
            // A disarmed one-shot watches for nothing at all.
            if interest.events & !FLAGS == 0 {
                continue;
            }
            interest.pending = false;
            let found = bits(socket, stack) & (interest.events | ERR | HUP);
            if found == 0 {
                continue;
            }
            if interest.events & ONE_SHOT != 0 {
                interest.events &= FLAGS;
            }
            reports.push((found, interest.data));
        }
        reports
    }
}
