//! `fcntl` and `ioctl`.

use crate::machine::Machine;
use crate::socket::Role;
use nix::errno::Errno;
use std::os::fd::RawFd;

impl Machine {
    /// `fcntl`: only the flags can be asked for and set.
    pub(crate) fn control(
        &self,
        number: RawFd,
        command: i32,
        argument: impl FnOnce() -> i32,
    ) -> Result<i32, Errno> {
        self.call(|world| {
            let socket = world.descriptors.get_mut(number)?;
            match command {
                libc::F_GETFL => Ok(libc::O_RDWR | if socket.non_blocking { libc::O_NONBLOCK } else { 0 }),
                libc::F_SETFL => {
                    socket.non_blocking = argument() & libc::O_NONBLOCK != 0;
                    Ok(0)
                }
                libc::F_GETFD => Ok(libc::FD_CLOEXEC),
                libc::F_SETFD => Ok(0),
                _ => Err(Errno::EINVAL),
            }
        })
    }

    /// `ioctl`: how many bytes wait.
    pub(crate) fn waiting(&self, number: RawFd, request: u64) -> Result<i32, Errno> {
        /// SIOCOUTQNSD of Linux.
        const NOT_SENT: u64 = 0x894b;
        /// SIOCATMARK: whether the next byte is an urgent one. They all stay in the stream.
        const AT_MARK: u64 = 0x8905;
        self.call(|world| {
            let socket = world.descriptors.get(number)?;
            let info = match socket.role {
                _ if request == AT_MARK => return Ok(0),
                Role::Connection(id) => world.stack.tcp().info(id),
                Role::Listener(_) if ![libc::FIONREAD, libc::TIOCOUTQ, NOT_SENT].contains(&request) => None,
                Role::Listener(_) => return Err(Errno::EINVAL),
                Role::Fresh | Role::Datagrams(_) => None,
            };
            let count = |field: fn(&tcp::Info) -> u32| info.as_ref().map_or(0, field);
            let count = match request {
                libc::FIONREAD => count(|info| info.receive_queue),
                libc::TIOCOUTQ => count(|info| info.send_queue),
                NOT_SENT => count(|info| info.send_queue.saturating_sub(info.in_flight)),
                _ => return Err(Errno::ENOTTY),
            };
            Ok(i32::try_from(count).unwrap_or(i32::MAX))
        })
    }
}
