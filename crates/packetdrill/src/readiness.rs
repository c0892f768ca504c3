//! What a socket can do without waiting, in the bits of `poll` and `epoll`.

use crate::socket::{Activity, Role, Socket};
use stack::Stack;
use tcp::{Readiness, State};

pub(crate) const IN: u32 = libc::EPOLLIN as u32;
pub(crate) const OUT: u32 = libc::EPOLLOUT as u32;
pub(crate) const ERR: u32 = libc::EPOLLERR as u32;
pub(crate) const HUP: u32 = libc::EPOLLHUP as u32;
pub(crate) const RDHUP: u32 = libc::EPOLLRDHUP as u32;
const RDNORM: u32 = libc::EPOLLRDNORM as u32;
const WRNORM: u32 = libc::EPOLLWRNORM as u32;

/// The bits that are set now.
pub(crate) fn bits(socket: &Socket, stack: &Stack) -> u32 {
    match socket.role {
        Role::Fresh if socket.early.remote.is_some() => OUT | WRNORM,
        Role::Fresh => OUT | WRNORM | HUP | when(socket.failure.is_some(), ERR),
        Role::Listener(id) => {
            if stack.tcp().can_accept(id) {
                IN | RDNORM
            } else {
                0
            }
        }
        Role::Datagrams(id) => {
            let ready = id.map(|id| stack.udp_readiness(id));
            let readable = ready.is_some_and(|ready| ready.contains(stack::UdpReadiness::READABLE));
            let writable = ready.is_none_or(|ready| ready.contains(stack::UdpReadiness::WRITABLE));
            when(readable, IN | RDNORM) | when(writable, OUT | WRNORM)
        }
        Role::Connection(id) => {
            let ready = stack.tcp().readiness(id);
            let info = stack.tcp().info(id);
            let state = info.as_ref().map_or(State::Closed, |info| info.state);
            let read_over = ready.contains(Readiness::READ_CLOSED) || socket.read_shut;
            let over = matches!(state, State::Closed | State::TimeWait)
                || read_over
                    && !matches!(
                        state,
                        State::Established | State::CloseWait | State::SynSent | State::SynReceived
                    );
            let room =
                !matches!(state, State::Established | State::CloseWait) || socket.send_memory.is_writable();
            let failed =
                ready.contains(Readiness::FAILED) || socket.failure.is_some() || !socket.notices.is_empty();
            let waiting = info.map_or(0, |info| info.receive_queue as usize);
            let worth_reading = waiting >= socket.least_to_read() || read_over || failed;
            let readable = ready.contains(Readiness::READABLE) && worth_reading;
            when(readable || socket.read_shut, IN | RDNORM)
                | when(ready.contains(Readiness::WRITABLE) && room, OUT | WRNORM)
                | when(read_over, RDHUP)
                | when(over, HUP)
                | when(failed, ERR)
        }
    }
}

/// The bits that something has happened to since the last call: those that were set, and all input when more has come.
pub(crate) fn news(socket: &mut Socket, stack: &Stack) -> u32 {
    let bits = bits(socket, stack);
    let (received, waiting) = match socket.role {
        Role::Connection(id) => stack.tcp().info(id).map_or((0, 0), |info| (info.bytes_received, 0)),
        Role::Listener(id) => {
            let row = stack.tcp().listeners().find(|row| row.id == id);
            (0, row.map_or(0, |row| row.waiting))
        }
        _ => (0, 0),
    };
    let state = match socket.role {
        Role::Connection(id) => stack.tcp().info(id).map(|info| info.state),
        _ => None,
    };
    let before = std::mem::replace(
        &mut socket.activity,
        Activity {
            bits,
            state,
            shutdowns: socket.shutdowns,
            received,
            waiting,
            notices: socket.notices.count,
        },
    );
    if state != before.state || socket.shutdowns > before.shutdowns {
        return bits;
    }
    let more = received > before.received || waiting > before.waiting;
    let noticed = socket.notices.count > before.notices;
    bits & !before.bits | when(more, bits & (IN | RDNORM)) | when(noticed, bits & ERR)
}

fn when(condition: bool, bits: u32) -> u32 {
    if condition { bits } else { 0 }
}
