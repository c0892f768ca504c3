//! Answers to system calls that packetdrill makes of the kernel with a descriptor of ours: it asks for TCP_INFO, TCP_CC_INFO
//! and SO_MEMINFO, and for sendfile, past the table of functions.
//!
//! The descriptors of sockets have high numbers ([`LOWEST`]). A filter of system calls (seccomp(2)) stops exactly those calls with
//! such a number; instead of entering the kernel they raise SIGSYS in the thread that made them, whose handler answers as the
//! table would. A signal of this kind comes where a call is made and nowhere else, so its handler may do all that a function
//! may. A call that is about no socket of ours is made again, with a sixth argument that the filter knows and the kernel ignores.
//! Programs that the process starts inherit the filter, without the handler; they have no descriptors of such numbers.
#![allow(unsafe_code, reason = "a filter of system calls, and registers of a thread that made one")]

use super::sockets;
use crate::descriptors::LOWEST;
use crate::machine::Machine;
use libc::{c_int, c_long, c_ulong, c_void, siginfo_t, sock_filter, sock_fprog, ucontext_t};
use nix::errno::Errno;
use std::os::fd::RawFd;
use std::ptr::null_mut;
use std::sync::{Arc, Mutex, Once, PoisonError, Weak};

/// The sixth argument of a call that is to reach the kernel.
const PASS: u64 = 0x6e65_7473_7472_6174;
/// Bytes of a file that one call of sendfile sends at most.
const LONGEST_FILE: usize = 16 << 20;

/// The machines of this process, whose sockets are asked for.
static MACHINES: Mutex<Vec<Weak<Machine>>> = Mutex::new(Vec::new());
static INSTALL: Once = Once::new();

/// Lets the sockets of `machine` be found by what intercepts system calls, which begins with the first. Where it cannot, it says
/// so once and goes on without.
pub(super) fn serve(machine: &Arc<Machine>) {
    let mut machines = MACHINES.lock().unwrap_or_else(PoisonError::into_inner);
    machines.retain(|machine| machine.strong_count() > 0);
    machines.push(Arc::downgrade(machine));
    drop(machines);
    INSTALL.call_once(|| {
        if let Err(error) = install() {
            eprintln!(
                "netstrata: TCP_INFO cannot be read in scripts, for system calls cannot be filtered: {error}"
            );
        }
    });
}

/// The machine that the socket `number` is of.
fn owner(number: RawFd) -> Option<Arc<Machine>> {
    let machines = MACHINES.lock().unwrap_or_else(PoisonError::into_inner);
    let machines: Vec<_> = machines.iter().filter_map(Weak::upgrade).collect();
    machines.into_iter().find(|machine| machine.family(number).is_ok())
}

// ---- the filter ----

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xc000_003e; // AUDIT_ARCH_X86_64
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xc000_00b7; // AUDIT_ARCH_AARCH64

/// Where `struct seccomp_data` has the number of the call, the architecture, and the halves of an argument.
const NUMBER: u32 = 0;
const PLATFORM: u32 = 4;
const fn low(argument: u32) -> u32 {
    16 + 8 * argument
}
const fn high(argument: u32) -> u32 {
    low(argument) + 4
}

/// The options that are asked for, by level and name.
const OPTIONS: [(c_int, c_int); 3] = [
    (libc::SOL_TCP, libc::TCP_INFO),
    (libc::SOL_TCP, libc::TCP_CC_INFO),
    (libc::SOL_SOCKET, libc::SO_MEMINFO),
];

fn program() -> Vec<sock_filter> {
    let step = |code, k, jt, jf| sock_filter { code: code as u16, jt, jf, k };
    let load = |offset| step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, offset, 0, 0);
    let end = |verdict| step(libc::BPF_RET | libc::BPF_K, verdict, 0, 0);
    // Each condition, if it does not hold, goes over so many of the steps that follow.
    let equal = |value, over| step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, value, 0, over);
    let below = |value, over| step(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, value, over, 0);
    let unequal = |value, over| step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, value, over, 0);
    let (allow, trap) = (end(libc::SECCOMP_RET_ALLOW), end(libc::SECCOMP_RET_TRAP));
    let mut program = vec![load(PLATFORM), unequal(ARCHITECTURE, 1), allow];
    program.extend([
        load(low(5)),
        equal(PASS as u32, 3),
        load(high(5)),
        equal((PASS >> 32) as u32, 1),
        allow,
    ]);
    program.extend([load(low(0)), below(LOWEST as u32, 1), allow]);
    program.extend([load(NUMBER), equal(libc::SYS_sendfile as u32, 1), trap]);
    for (level, name) in OPTIONS {
        program.extend([load(NUMBER), equal(libc::SYS_getsockopt as u32, 5)]);
        program.extend([load(low(1)), equal(level as u32, 3)]);
        program.extend([load(low(2)), equal(name as u32, 1), trap]);
    }
    program.push(allow);
    program
}

/// Begins to intercept: the handler first, then the filter, for all threads of the process.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn install() -> Result<(), Errno> {
    let program = program();
    let filter = sock_fprog { len: program.len() as u16, filter: program.as_ptr().cast_mut() };
    // SAFETY: plain structures, valid through the calls that read them; the handler has the type that SA_SIGINFO asks for.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_stopped as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
        Errno::result(libc::sigaction(libc::SIGSYS, &action, null_mut()))?;
        let install = |flags: c_ulong| {
            let mode = libc::SECCOMP_SET_MODE_FILTER as c_ulong;
            Errno::result(libc::syscall(libc::SYS_seccomp, mode, flags, &raw const filter))
        };
        match install(libc::SECCOMP_FILTER_FLAG_TSYNC) {
            Ok(0) => return Ok(()),
            // A thread has a filter of its own: then this thread alone, and those that it starts.
            Ok(_) => {}
            Err(Errno::EACCES) => {
                // Without CAP_SYS_ADMIN a process must give up gaining privileges first.
                let (no_new, one, zero) = (libc::PR_SET_NO_NEW_PRIVS, 1 as c_ulong, 0 as c_ulong);
                Errno::result(libc::prctl(no_new, one, zero, zero, zero))?;
                if install(libc::SECCOMP_FILTER_FLAG_TSYNC)? == 0 {
                    return Ok(());
                }
            }
            Err(error) => return Err(error),
        }
        install(0).map(drop)
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn install() -> Result<(), Errno> {
    Err(Errno::ENOSYS)
}

// ---- the handler ----

/// Answers the call that was stopped: `context` has its registers, and takes the result.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
unsafe extern "C" fn on_stopped(_: c_int, information: *mut siginfo_t, context: *mut c_void) {
    const SYS_SECCOMP: c_int = 1;
    // SAFETY: the kernel gives both to a handler with SA_SIGINFO, for as long as it runs.
    let (code, context) = unsafe { ((*information).si_code, &mut *context.cast::<ucontext_t>()) };
    if code != SYS_SECCOMP {
        // Somebody sent the signal: it does what it would have done.
        // SAFETY: no pointers.
        unsafe {
            libc::signal(libc::SIGSYS, libc::SIG_DFL);
            libc::raise(libc::SIGSYS);
        }
        return;
    }
    let before = Errno::last_raw();
    let (number, arguments) = registers(context);
    // SAFETY: what the caller of the system call promised to the kernel.
    let result = unsafe { answer(number, arguments) };
    let result = result.unwrap_or_else(|error| -c_long::from(error as c_int));
    set_result(context, result);
    Errno::set_raw(before);
}

#[cfg(target_arch = "x86_64")]
fn registers(context: &ucontext_t) -> (c_long, [u64; 5]) {
    let registers = &context.uc_mcontext.gregs;
    let names = [libc::REG_RDI, libc::REG_RSI, libc::REG_RDX, libc::REG_R10, libc::REG_R8];
    (registers[libc::REG_RAX as usize], names.map(|name| registers[name as usize] as u64))
}

#[cfg(target_arch = "x86_64")]
fn set_result(context: &mut ucontext_t, result: c_long) {
    context.uc_mcontext.gregs[libc::REG_RAX as usize] = result;
}

#[cfg(target_arch = "aarch64")]
fn registers(context: &ucontext_t) -> (c_long, [u64; 5]) {
    let registers = &context.uc_mcontext.regs;
    (registers[8] as c_long, [0, 1, 2, 3, 4].map(|register: usize| registers[register]))
}

#[cfg(target_arch = "aarch64")]
fn set_result(context: &mut ucontext_t, result: c_long) {
    context.uc_mcontext.regs[0] = result as u64;
}

/// The result of a call, or its error.
///
/// # Safety
/// The arguments are such as the system call asks for.
unsafe fn answer(number: c_long, arguments: [u64; 5]) -> Result<c_long, Errno> {
    let descriptor = arguments[0] as RawFd;
    let Some(machine) = owner(descriptor) else {
        let [a, b, c, d, e] = arguments;
        // SAFETY: the same call once more.
        return Errno::result(unsafe { libc::syscall(number, a, b, c, d, e, PASS) });
    };
    let user = Arc::as_ptr(&machine).cast_mut().cast();
    // SAFETY: the machine lives, and the pointers are what the caller says.
    unsafe {
        match number {
            libc::SYS_getsockopt => {
                let (level, name) = (arguments[1] as c_int, arguments[2] as c_int);
                let (value, length) = (arguments[3] as *mut c_void, arguments[4] as *mut libc::socklen_t);
                Errno::result(sockets::getsockopt(user, descriptor, level, name, value, length))
                    .map(c_long::from)
            }
            libc::SYS_sendfile => {
                let (file, offset) = (arguments[1] as RawFd, arguments[2] as *mut libc::off_t);
                send_file(&machine, descriptor, file, offset.as_mut(), arguments[3] as usize)
            }
            _ => Err(Errno::ENOSYS),
        }
    }
}

/// Sends up to `count` bytes of a file from `offset` on, or from where the file stands; that is moved on by what was sent.
///
/// # Safety
/// None beyond what `file` is: any number.
unsafe fn send_file(
    machine: &Machine,
    socket: RawFd,
    file: RawFd,
    offset: Option<&mut libc::off_t>,
    count: usize,
) -> Result<c_long, Errno> {
    let mut data = vec![0; count.min(LONGEST_FILE)];
    // SAFETY: the buffer lives through the call; the rest are numbers.
    unsafe {
        let from = match &offset {
            Some(offset) => **offset,
            None => Errno::result(libc::lseek(file, 0, libc::SEEK_CUR))?,
        };
        let read = Errno::result(libc::pread(file, data.as_mut_ptr().cast(), data.len(), from))?;
        data.truncate(read as usize);
        let sent = if data.is_empty() { 0 } else { machine.send(socket, Some(&data), 0, None)? };
        let to = from + sent as libc::off_t;
        match offset {
            Some(offset) => *offset = to,
            None => drop(Errno::result(libc::lseek(file, to, libc::SEEK_SET))?),
        }
        Ok(sent as c_long)
    }
}
