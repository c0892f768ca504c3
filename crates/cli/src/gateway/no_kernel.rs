//! Where there is no error queue, guests learn nothing of datagrams that got lost outside, and all leave as the system's own do.

use std::io::{self, ErrorKind};

use super::notice::{Hop, Notice};

pub(crate) const NOTICES: bool = false;

pub(crate) fn ask_for_notices<S>(_socket: &S, _v4: bool) -> io::Result<()> {
    Ok(())
}

pub(crate) fn leave_by<S>(_socket: &S, _v4: bool, _hop: Hop) -> io::Result<()> {
    Ok(())
}

pub(crate) fn is_too_long(error: &io::Error) -> bool {
    error.raw_os_error() == Some(nix::libc::EMSGSIZE)
}

pub(crate) fn next<S>(_socket: &S) -> io::Result<Notice> {
    Err(ErrorKind::WouldBlock.into())
}
