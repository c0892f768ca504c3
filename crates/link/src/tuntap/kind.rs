//! Ethernet or IP: which of both kinds of interface, and what to do when one cannot be opened.

use std::io;

pub(super) const DEVICE: &str = "/dev/net/tun";

/// Which of both kinds of interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Frames begin with an Ethernet header.
    Tap,
    /// Frames begin with an IP header.
    Tun,
}

/// How many processes and threads an interface is open to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Queues {
    /// One opening has all frames.
    One,
    /// Each opening is one more queue.
    Several,
}

impl Kind {
    /// As `ip tuntap` and people call it.
    const fn names(self) -> (&'static str, &'static str) {
        match self {
            Kind::Tap => ("tap", "TAP"),
            Kind::Tun => ("tun", "TUN"),
        }
    }

    /// Why the interface `name` could not be opened, and what to do about it.
    pub(super) fn explained(self, name: &str, queues: Queues, error: &io::Error) -> io::Error {
        let (mode, called) = self.names();
        let remedy = match error.raw_os_error() {
            Some(libc::ENOENT | libc::ENODEV | libc::ENXIO) => {
                format!("this system has no {DEVICE}: load the module with `modprobe tun`")
            }
            Some(libc::EPERM | libc::EACCES) => format!(
                "opening it needs root (CAP_NET_ADMIN), or an interface that is yours: `ip tuntap add {name} mode {mode} user $USER`"
            ),
            Some(libc::EBUSY) => "another process has it open: stop that, or give another name".to_owned(),
            Some(libc::EINVAL) if queues == Queues::Several => format!(
                "there is an interface of that name that is no {called} with several queues: make it by `ip tuntap add {name} mode {mode} multi_queue`, or give another name"
            ),
            Some(libc::E2BIG) => "it has no more queues: ask for fewer".to_owned(),
            Some(libc::EINVAL) => {
                format!("there is an interface of that name that is no {called}: give another name")
            }
            _ => error.to_string(),
        };
        io::Error::new(error.kind(), format!("cannot open the {called} {name}: {remedy}"))
    }
}
