//! Memory that is shared with the kernel.
#![allow(
    unsafe_code,
    reason = "shared memory is read and written through pointers; each use is bounded here"
)]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;
use std::sync::atomic::AtomicU32;

/// A piece of memory that the kernel writes and reads as well. It is given back when this is dropped.
///
/// Nobody gets a reference to its bytes: they are copied in and out, and words that both sides change are atomic.
pub(crate) struct Mapping {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: the memory belongs to the process, not to a thread, and all access goes by copies and atomics.
unsafe impl Send for Mapping {}

impl Mapping {
    /// `length` bytes of what the descriptor has at `offset`.
    pub(crate) fn new(descriptor: BorrowedFd<'_>, length: usize, offset: u64) -> io::Result<Mapping> {
        Mapping::map(libc::MAP_SHARED | libc::MAP_POPULATE, descriptor.as_raw_fd(), length, offset)
    }

    /// `length` bytes of memory that nobody else has, to be lent to the kernel.
    pub(crate) fn anonymous(length: usize) -> io::Result<Mapping> {
        // Shared, so that a copy of this process would not take it away.
        Mapping::map(libc::MAP_SHARED | libc::MAP_ANONYMOUS | libc::MAP_POPULATE, -1, length, 0)
    }

    /// Where the memory is, for a call that lends it to the kernel.
    pub(crate) fn address(&self) -> u64 {
        self.start.as_ptr().expose_provenance() as u64
    }

    pub(crate) fn length(&self) -> usize {
        self.length
    }

    fn map(flags: libc::c_int, descriptor: libc::c_int, length: usize, offset: u64) -> io::Result<Mapping> {
        let offset = libc::off_t::try_from(offset).map_err(|_| io::ErrorKind::InvalidInput)?;
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: the kernel chooses a place where nothing else is; the arguments are plain numbers.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), length, access, flags, descriptor, offset) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Mapping { start, length })
    }

    /// Where `length` bytes from `at` on begin.
    ///
    /// # Panics
    /// When they are not all within the memory: places come from arithmetic of ours.
    fn place(&self, at: usize, length: usize) -> *mut u8 {
        assert!(at <= self.length && length <= self.length - at, "{length} bytes at {at} of {}", self.length);
        // SAFETY: just checked to lie within the memory.
        unsafe { self.start.as_ptr().add(at) }
    }

    /// A word that both sides change, at a multiple of four.
    pub(crate) fn word(&self, at: usize) -> &AtomicU32 {
        let place = self.place(at, 4).cast::<u32>();
        assert!(place.is_aligned(), "a word at {at}");
        // SAFETY: within the memory, aligned, and lent no longer than the memory is there; the kernel changes such words by
        // atomic instructions too.
        unsafe { AtomicU32::from_ptr(place) }
    }

    /// Copies from the memory.
    pub(crate) fn read(&self, at: usize, to: &mut [u8]) {
        let place = self.place(at, to.len());
        // SAFETY: within the memory; `to` is memory of Rust's, which does not overlap with it.
        unsafe { std::ptr::copy_nonoverlapping(place, to.as_mut_ptr(), to.len()) }
    }

    /// Copies into the memory.
    pub(crate) fn write(&self, at: usize, from: &[u8]) {
        let place = self.place(at, from.len());
        // SAFETY: within the memory; `from` is memory of Rust's, which does not overlap with it.
        unsafe { std::ptr::copy_nonoverlapping(from.as_ptr(), place, from.len()) }
    }

    /// Some bytes of the memory.
    pub(crate) fn array<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut bytes = [0; N];
        self.read(at, &mut bytes);
        bytes
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped with this length, and nothing borrowed from it is left. The result could only say that it was not.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.length) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_beyond_it_is_touched() {
        let memory = Mapping::anonymous(4096).unwrap();
        memory.write(4090, b"to end");
        assert_eq!((&memory.array(4090), memory.length()), (b"to end", 4096));
        for (at, length) in [(4096, 1), (4091, 6), (usize::MAX, 2), (0, 4097)] {
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| memory.place(at, length)));
            assert!(outcome.is_err(), "{length} at {at}");
        }
    }
}
