//! `epoll` and `poll`.

use crate::machine::Machine;
use crate::patience::Patience;
use crate::readiness::{ERR, HUP, bits};
use crate::watch::Change;
use crate::world::World;
use nix::errno::Errno;
use std::os::fd::RawFd;

impl Machine {
    pub(crate) fn epoll_create(&self) -> Result<RawFd, Errno> {
        self.call(|world| world.descriptors.add_epoll())
    }

    pub(crate) fn epoll_control(&self, set: RawFd, number: RawFd, change: Change) -> Result<(), Errno> {
        self.call(|world| {
            world.descriptors.get(number)?;
            world.descriptors.epoll(set)?.0.change(number, change)
        })
    }

    pub(crate) fn epoll_wait(
        &self,
        set: RawFd,
        most: usize,
        patience: Patience,
    ) -> Result<Vec<(u32, u64)>, Errno> {
        if most == 0 {
            return Err(Errno::EINVAL);
        }
        let attempt = |world: &mut World| {
            let (epoll, sockets) = match world.descriptors.epoll(set) {
                Ok(found) => found,
                Err(error) => return Some(Err(error)),
            };
            let reports = epoll.collect(sockets, &world.stack, most);
            (!reports.is_empty()).then_some(Ok(reports))
        };
        self.wait(patience, attempt, |_| Ok(Vec::new()))
    }

    /// Asks several sockets: pairs of a descriptor and the events asked for. Returns the events found at each.
    pub(crate) fn poll(&self, asked: &[(RawFd, u32)], patience: Patience) -> Result<Vec<u32>, Errno> {
        let look = |world: &World| -> Vec<u32> {
            let found = |(number, events): &(RawFd, u32)| match world.descriptors.get(*number) {
                // A negative number is passed over.
                _ if *number < 0 => 0,
                Ok(socket) => bits(socket, &world.stack) & (events | ERR | HUP),
                Err(_) => libc::POLLNVAL as u32,
            };
            asked.iter().map(found).collect()
        };
        let attempt = |world: &mut World| {
            let found = look(world);
            found.iter().any(|events| *events != 0).then_some(Ok(found))
        };
        self.wait(patience, attempt, |_| Ok(vec![0; asked.len()]))
    }
}
