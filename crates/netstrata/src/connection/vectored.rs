//! Several slices at once.

use super::Connection;
use crate::budget;
use crate::error::{self, or_would_block};
use basis::Instant;
use runtime::Awaited;
use stack::Stack;
use std::io::{self, IoSlice, IoSliceMut};
use std::task::{Context, Poll};
use tcp::{ConnectionId, Readiness};

impl Connection {
    pub(crate) fn write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let id = self.id;
        self.run(Awaited::Write(id), &self.write_patience, |stack, now| write_slices(stack, now, id, slices))
    }

    pub(crate) fn read_vectored(&self, slices: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let id = self.id;
        self.run(Awaited::Read(id), &self.read_patience, |stack, now| read_slices(stack, now, id, slices))
    }

    pub(crate) fn try_write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        or_would_block(self.host.attempt(|stack, now| write_slices(stack, now, self.id, slices)))
    }

    pub(crate) fn try_read_vectored(&self, slices: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        or_would_block(self.host.attempt(|stack, now| read_slices(stack, now, self.id, slices)))
    }

    pub(crate) fn poll_write_vectored(
        &self,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        budget::poll(&self.host, Awaited::Write(self.id), context, |stack, now| {
            write_slices(stack, now, self.id, slices)
        })
    }
}

/// Writes slice after slice as long as each is taken whole.
fn write_slices(
    stack: &mut Stack,
    now: Instant,
    id: ConnectionId,
    slices: &[IoSlice<'_>],
) -> Poll<io::Result<usize>> {
    let mut total = 0;
    for slice in slices.iter().filter(|slice| !slice.is_empty()) {
        match stack.tcp_mut().write(now, id, slice) {
            Ok(written) if written < slice.len() => {
                total += written;
                break;
            }
            Ok(written) => total += written,
            Err(_) if total > 0 => break,
            result @ Err(_) => return error::poll_write(result),
        }
    }
    Poll::Ready(Ok(total))
}

/// Reads into slice after slice as long as each is filled.
fn read_slices(
    stack: &mut Stack,
    now: Instant,
    id: ConnectionId,
    slices: &mut [IoSliceMut<'_>],
) -> Poll<io::Result<usize>> {
    let mut total = 0;
    for slice in slices.iter_mut().filter(|slice| !slice.is_empty()) {
        // A failure is told once: by the next call, not by one that has bytes to tell of.
        let ready = stack.tcp().readiness(id);
        if total > 0 && (!ready.contains(Readiness::READABLE) || ready.contains(Readiness::FAILED)) {
            break;
        }
        match stack.tcp_mut().read(now, id, slice) {
            Ok(0) => break,
            Ok(read) if read < slice.len() => {
                total += read;
                break;
            }
            Ok(read) => total += read,
            result @ Err(_) => return error::poll_read(result),
        }
    }
    Poll::Ready(Ok(total))
}
