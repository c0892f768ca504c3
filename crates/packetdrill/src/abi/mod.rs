//! The boundary to C, and all unsafe code of this crate.
#![allow(unsafe_code, reason = "a table of C functions; what their callers promise is said at `Interface`")]

mod control;
mod device;
mod intercept;
mod interface;
mod memory;
mod messages;
mod sockets;

use crate::flags::Flags;
use crate::machine::Machine;
pub use interface::Interface;
use interface::User;
use libc::c_char;
use std::ffi::CStr;
use std::panic::catch_unwind;
use std::sync::Arc;

/// Fills in `out` with a new machine, set up by `so_flags` (`flags.rs`).
///
/// # Safety
/// `so_flags` is null or a C string; `out` leads to memory for an [`Interface`], or is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn packetdrill_interface_init(so_flags: *const c_char, out: *mut Interface) {
    // SAFETY: a C string, as the caller promises.
    let text = if so_flags.is_null() { c"" } else { unsafe { CStr::from_ptr(so_flags) } };
    let text = text.to_string_lossy();
    let machine = catch_unwind(|| Flags::parse(&text).and_then(|flags| Machine::new(&flags)));
    let userdata = match machine {
        Ok(Ok(machine)) => {
            let machine = Arc::new(machine);
            intercept::serve(&machine);
            Arc::into_raw(machine).cast_mut().cast()
        }
        Ok(Err(reason)) => {
            eprintln!("netstrata: {reason}");
            std::ptr::null_mut()
        }
        Err(_) => std::ptr::null_mut(),
    };
    if !out.is_null() {
        // SAFETY: memory for an `Interface`, as the caller promises; what was there is no value yet.
        unsafe { out.write(table(userdata)) };
    }
}

fn table(userdata: User) -> Interface {
    Interface {
        userdata,
        free: sockets::free,
        socket: sockets::socket,
        bind: sockets::bind,
        listen: sockets::listen,
        accept: sockets::accept,
        connect: sockets::connect,
        read: messages::read,
        readv: messages::readv,
        recv: messages::recv,
        recvfrom: messages::recvfrom,
        recvmsg: messages::recvmsg,
        write: messages::write,
        writev: messages::writev,
        send: messages::send,
        sendto: messages::sendto,
        sendmsg: messages::sendmsg,
        fcntl: sockets::fcntl,
        ioctl: sockets::ioctl,
        close: sockets::close,
        shutdown: sockets::shutdown,
        getsockopt: sockets::getsockopt,
        setsockopt: sockets::setsockopt,
        poll: sockets::poll,
        netdev_send: device::netdev_send,
        netdev_receive: device::netdev_receive,
        usleep: device::usleep,
        gettimeofday: device::gettimeofday,
        epoll_create: device::epoll_create,
        epoll_ctl: device::epoll_ctl,
        epoll_wait: device::epoll_wait,
        pipe: device::pipe,
        splice: device::splice,
    }
}
