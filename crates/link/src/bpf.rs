//! Programs that the kernel runs for us, and maps for them (bpf(2)).
#![allow(unsafe_code, reason = "no safe library offers these calls; each is bounded by its SAFETY comment")]

use std::io;
use std::mem::size_of;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// An instruction of eBPF, as the kernel has it (`struct bpf_insn`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub(crate) struct Instruction {
    pub(crate) code: u8,
    /// The destination's register in the lower half, the source's in the upper one.
    pub(crate) registers: u8,
    pub(crate) offset: i16,
    pub(crate) immediate: i32,
}

const MAP_CREATE: libc::c_int = 0;
const MAP_UPDATE: libc::c_int = 2;
const PROGRAM_LOAD: libc::c_int = 5;
const LINK_CREATE: libc::c_int = 28;

const SOCKET_MAP: u32 = 17; // BPF_MAP_TYPE_XSKMAP
const XDP_PROGRAM: u32 = 6; // BPF_PROG_TYPE_XDP
const XDP_ATTACHED: u32 = 37; // BPF_XDP

/// The members of `union bpf_attr` for one command each, up to the last one that is needed: of what is missing the kernel takes zeros.
#[repr(C)]
struct Map {
    kind: u32,
    key_size: u32,
    value_size: u32,
    entries: u32,
}

#[repr(C)]
struct Element {
    map: u32,
    padding: u32,
    key: u64,
    value: u64,
    flags: u64,
}

#[repr(C)]
struct Program {
    kind: u32,
    count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
    name: [u8; 16],
    interface: u32,
    attached: u32,
}

#[repr(C)]
struct Attachment {
    program: u32,
    interface: u32,
    kind: u32,
    flags: u32,
}

/// A map of XDP sockets by the numbers of the queues that they are bound to, with room for so many.
pub(crate) fn socket_map(entries: u32) -> io::Result<OwnedFd> {
    let map = Map { kind: SOCKET_MAP, key_size: 4, value_size: 4, entries };
    // SAFETY: the members of this command, none of which is a pointer.
    unsafe { made(MAP_CREATE, &map) }
}

/// Enters a socket.
pub(crate) fn enter(map: BorrowedFd<'_>, queue: u32, socket: BorrowedFd<'_>) -> io::Result<()> {
    let value = number(socket);
    let element = Element {
        map: number(map),
        padding: 0,
        key: std::ptr::from_ref(&queue).expose_provenance() as u64,
        value: std::ptr::from_ref(&value).expose_provenance() as u64,
        flags: 0,
    };
    // SAFETY: the members of this command; key and value have the four bytes each that the map was made for, and outlive the call.
    unsafe { call(MAP_UPDATE, &element) }.map(drop)
}

/// Has the kernel check a program that is to look at the frames of an interface.
pub(crate) fn load(instructions: &[Instruction]) -> io::Result<OwnedFd> {
    let count = u32::try_from(instructions.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut name = [0; 16];
    name[..9].copy_from_slice(b"netstrata");
    let program = Program {
        kind: XDP_PROGRAM,
        count,
        instructions: instructions.as_ptr().expose_provenance() as u64,
        license: c"MIT OR Apache-2.0".as_ptr().expose_provenance() as u64,
        log_level: 0,
        log_size: 0,
        log: 0,
        kernel_version: 0,
        flags: 0,
        name,
        interface: 0,
        attached: XDP_ATTACHED,
    };
    // SAFETY: the members of this command; there are as many instructions as it says, the licence ends with a zero, both outlive the
    // call, and the kernel copies them.
    unsafe { made(PROGRAM_LOAD, &program) }
}

/// Puts the program in the way of all frames that arrive by the interface of this number, until the descriptor is closed, be it by the
/// end of the process.
pub(crate) fn attach(program: BorrowedFd<'_>, interface: u32) -> io::Result<OwnedFd> {
    let attachment = Attachment { program: number(program), interface, kind: XDP_ATTACHED, flags: 0 };
    // SAFETY: the members of this command, none of which is a pointer.
    unsafe { made(LINK_CREATE, &attachment) }
}

fn number(descriptor: BorrowedFd<'_>) -> u32 {
    // An open one is never negative.
    descriptor.as_raw_fd() as u32
}

/// A call that makes a descriptor.
///
/// # Safety
/// As for [`call`], and the command must be one that makes a descriptor.
unsafe fn made<T>(command: libc::c_int, attributes: &T) -> io::Result<OwnedFd> {
    // SAFETY: the caller's promise.
    let descriptor = unsafe { call(command, attributes)? };
    // SAFETY: the kernel has just made it, so it is nobody else's. It closes itself when another program is started.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor as RawFd) })
}

/// # Safety
/// `T` must be the members of `union bpf_attr` for this command, without padding, and what it points to must be there for the call.
unsafe fn call<T>(command: libc::c_int, attributes: &T) -> io::Result<libc::c_long> {
    let attributes: *const T = attributes;
    // SAFETY: the kernel reads as many bytes as it is told; the rest is the caller's promise.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, attributes, size_of::<T>() as libc::c_uint) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// The instruction by which a program names a map: two, of which the second has the upper half of the number, zero.
pub(crate) fn map_to_register(register: u8, map: &impl AsFd) -> [Instruction; 2] {
    let descriptor = map.as_fd().as_raw_fd();
    // BPF_LD | BPF_DW | BPF_IMM, from BPF_PSEUDO_MAP_FD.
    let first = Instruction { code: 0x18, registers: register | 1 << 4, offset: 0, immediate: descriptor };
    [first, Instruction { code: 0, registers: 0, offset: 0, immediate: 0 }]
}
