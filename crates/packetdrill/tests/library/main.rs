//! The shared library as a foreign program sees it: loaded by name, driven through its table alone, in virtual time.
#![cfg(target_os = "linux")]
#![allow(unsafe_code, reason = "the test is a C program in all but its language")]
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test, outside of the core")]

mod machine;

use libc::{c_int, c_void};
use machine::{Library, THEIRS, errno};
use netstrata_packetdrill::Interface;
use std::mem::{MaybeUninit, size_of};
use std::thread;
use wire::tcp::Flags;

const ACK: Flags = Flags::ACK;

/// Opens a connection to `listener`, and returns this host's first number.
fn handshake(library: Library) -> u32 {
    library.send(Flags::SYN, 99, 0, b"");
    let (answer, _) = library.receive().unwrap();
    assert_eq!((answer.flags, answer.acknowledgment), (Flags::SYN | ACK, 100));
    library.send(ACK, 100, answer.sequence.wrapping_add(1), b"");
    answer.sequence.wrapping_add(1)
}

/// As packetdrill does: a call blocks when its thread sleeps.
fn wait_until_asleep(thread: i32) {
    let path = format!("/proc/self/task/{thread}/stat");
    let sleeps = || std::fs::read_to_string(&path).unwrap().contains(") S ");
    while !sleeps() {
        thread::yield_now();
    }
}

#[test]
fn a_blocked_accept_returns_when_the_handshake_is_done_and_its_caller_reads_that_very_time() {
    let library = Library::load();
    let listener = library.listening();
    let begin = library.now();
    let (tell, told) = std::sync::mpsc::channel();
    let accepting = thread::spawn(move || {
        // SAFETY: no pointers.
        tell.send(unsafe { libc::gettid() }).unwrap();
        (library.accept(listener), library.now())
    });
    wait_until_asleep(told.recv().unwrap());
    library.sleep(50_000);
    handshake(library);
    // Time would pass by, did it not wait for who has returned.
    library.sleep(1_000_000);
    let ((socket, port), returned) = accepting.join().unwrap();
    assert!(socket >= 0 && port == THEIRS);
    assert!((50_000..50_100).contains(&(returned - begin)), "{} us", returned - begin);
    assert!(library.now() - begin >= 1_050_000);
    assert_eq!((library.close(socket), library.close(listener)), (0, 0));
    library.free();
}

#[test]
fn bytes_go_both_ways_and_what_is_lost_goes_again_in_virtual_time() {
    let library = Library::load();
    let listener = library.listening();
    let first = handshake(library);
    let (socket, _) = library.accept(listener);
    library.send(ACK | Flags::PSH, 100, first, b"hello");
    assert_eq!(library.read(socket, 100), Ok(b"hello".to_vec()));
    assert_eq!(library.receive().unwrap().0.acknowledgment, 105);
    let begin = library.now();
    assert_eq!(library.write(socket, b"good day"), 8);
    let (sent, at) = library.receive().unwrap();
    assert_eq!((sent.sequence, &sent.data[..]), (first, &b"good day"[..]));
    assert!(at - begin < 100);
    // Nobody acknowledges it: it goes again, after 200 ms at least.
    let (again, later) = library.receive().unwrap();
    assert_eq!((again.sequence, &again.data[..]), (first, &b"good day"[..]));
    assert!((200_000..1_500_000).contains(&(later - at)), "{} us", later - at);
    library.send(ACK | Flags::FIN, 105, first + 8, b"");
    assert_eq!(library.read(socket, 100), Ok(Vec::new()));
    assert_eq!(library.receive().unwrap().0.acknowledgment, 106);
    assert_eq!(library.close(socket), 0);
    assert_eq!(library.receive().unwrap().0.flags, Flags::FIN | ACK);
    library.send(ACK, 106, first + 9, b"");
    assert_eq!(library.close(listener), 0);
    assert!(library.receive().is_none(), "nothing is left to be sent");
    library.free();
}

#[test]
fn hours_pass_at_once() {
    let library = Library::load();
    let (begin, real) = (library.now(), std::time::Instant::now());
    library.sleep(3_600_000_000);
    assert!(library.now() - begin >= 3_600_000_000);
    assert!(real.elapsed().as_secs() < 60);
    library.free();
}

#[test]
fn errors_are_told_in_errno() {
    let library = Library::load();
    assert_eq!(library.read(1_000_000, 1), Err(libc::EBADF));
    let socket = library.socket();
    assert_eq!(library.read(socket, 1), Err(libc::ENOTCONN));
    assert_eq!(library.write(socket, b"x"), -1);
    assert_eq!(errno(), libc::EPIPE);
    assert_eq!(library.close(socket), 0);
    let listener = library.listening();
    let first = handshake(library);
    let (socket, _) = library.accept(listener);
    // SAFETY: null is what is asked about.
    unsafe {
        let control = library.0.fcntl;
        assert_eq!(control(library.user(), socket, libc::F_SETFL, i64::from(libc::O_NONBLOCK)), 0);
        assert_eq!(library.read(socket, 1), Err(libc::EAGAIN));
        library.send(ACK, 100, first, b"x");
        assert_eq!((library.0.read)(library.user(), socket, std::ptr::null_mut(), 1), -1);
        assert_eq!(errno(), libc::EFAULT);
    }
    library.send(Flags::RST, 101, 0, b"");
    assert_eq!(library.read(socket, 9), Ok(b"x".to_vec()));
    assert_eq!(library.read(socket, 9), Err(libc::ECONNRESET));
    assert_eq!(library.read(socket, 9), Ok(Vec::new()));
    assert_eq!((library.close(socket), library.close(listener), library.close(listener)), (0, 0, -1));
    library.free();
}

#[test]
fn a_call_may_wait_for_all_that_it_asks_for_and_a_reset_after_the_peers_fin_breaks_the_pipe() {
    let library = Library::load();
    let listener = library.listening();
    let first = handshake(library);
    let (socket, _) = library.accept(listener);
    library.send(ACK, 100, first, b"hel");
    let reading = thread::spawn(move || {
        let mut data = [0; 8];
        // SAFETY: the buffer lives through the call.
        let count = unsafe {
            (library.0.recv)(library.user(), socket, data.as_mut_ptr().cast(), 8, libc::MSG_WAITALL)
        };
        (count, data)
    });
    library.sleep(1_000);
    library.send(ACK, 103, first, b"lo, me");
    assert_eq!(reading.join().unwrap(), (8, *b"hello, m"));
    assert_eq!(library.read(socket, 9), Ok(b"e".to_vec()));
    let least: c_int = 3;
    // SAFETY: the number lives through the call.
    let set = unsafe {
        let at = (&raw const least).cast();
        (library.0.setsockopt)(library.user(), socket, libc::SOL_SOCKET, libc::SO_RCVLOWAT, at, 4)
    };
    assert_eq!(set, 0);
    library.send(ACK, 109, first, b"ab");
    let reading = thread::spawn(move || library.read(socket, 9));
    library.sleep(1_000);
    library.send(ACK | Flags::FIN, 111, first, b"");
    assert_eq!(reading.join().unwrap(), Ok(b"ab".to_vec()), "nothing more can come");
    library.send(Flags::RST, 112, 0, b"");
    assert_eq!((library.write(socket, b"x"), errno()), (-1, libc::EPIPE));
    assert_eq!((library.close(socket), library.close(listener)), (0, 0));
    library.free();
}

#[test]
fn flags_that_cannot_be_read_leave_a_table_whose_calls_fail() {
    let library = Library::load();
    // SAFETY: a C string, and room for a table.
    let table = unsafe {
        let mut table = MaybeUninit::<Interface>::uninit();
        netstrata_packetdrill::packetdrill_interface_init(c"mtu=none".as_ptr(), table.as_mut_ptr());
        table.assume_init()
    };
    assert_eq!(size_of::<Interface>(), 264);
    assert_eq!(Library(table).socket(), -1);
    assert_eq!(errno(), libc::ENODEV);
    Library(table).free();
    library.free();
}

#[test]
fn system_calls_that_ask_the_kernel_about_a_socket_of_ours_are_answered_by_us() {
    let library = Library::load();
    let listener = library.listening();
    let first = handshake(library);
    let (socket, _) = library.accept(listener);
    let asked = |number: c_int, level: c_int, name: c_int| {
        let (mut value, mut length) = ([255u8; 256], 256);
        // SAFETY: the buffer lives through the call.
        let result = unsafe {
            libc::getsockopt(number, level, name, value.as_mut_ptr().cast::<c_void>(), &raw mut length)
        };
        if result == 0 { Ok(value[..length as usize].to_vec()) } else { Err(errno()) }
    };
    let info = asked(socket, libc::SOL_TCP, libc::TCP_INFO).unwrap();
    assert_eq!((info[0], info.len()), (1, 256), "established, and as long as was asked for");
    assert_eq!(asked(socket, libc::SOL_TCP, libc::TCP_CC_INFO), Ok(Vec::new()));
    assert_eq!(asked(socket, libc::SOL_SOCKET, libc::SO_MEMINFO).unwrap().len(), 36);
    // Null is told as the kernel would.
    // SAFETY: no memory to read or to write.
    let result = unsafe {
        let nothing = std::ptr::null_mut();
        libc::getsockopt(socket, libc::SOL_TCP, libc::TCP_INFO, nothing, nothing.cast())
    };
    assert_eq!((result, errno()), (-1, libc::EFAULT));
    // What is asked of the kernel otherwise, or about what is its own, goes there.
    assert_eq!(asked(socket, libc::SOL_SOCKET, libc::SO_TYPE), Err(libc::ENOTSOCK));
    assert_eq!(asked(9_999, libc::SOL_TCP, libc::TCP_INFO), Err(libc::EBADF));
    let theirs = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    // SAFETY: no pointers.
    let high = unsafe { libc::fcntl(std::os::fd::AsRawFd::as_raw_fd(&theirs), libc::F_DUPFD_CLOEXEC, 900) };
    assert_eq!(asked(high, libc::SOL_TCP, libc::TCP_INFO).unwrap()[0], 10, "the kernel's socket listens");
    // SAFETY: the duplicate is this test's own.
    unsafe { libc::close(high) };

    let path = std::env::temp_dir().join(format!("netstrata-{}.txt", std::process::id()));
    std::fs::write(&path, b"from a file").unwrap();
    let file = std::fs::File::open(&path).unwrap();
    let number = std::os::fd::AsRawFd::as_raw_fd(&file);
    let mut offset = 5;
    // SAFETY: the offset lives through the calls.
    let sent = unsafe {
        let sent = libc::sendfile(socket, number, &mut offset, 99);
        (sent, libc::sendfile(socket, number, std::ptr::null_mut(), 4))
    };
    std::fs::remove_file(&path).unwrap();
    assert_eq!((sent, offset), ((6, 4), 11));
    assert_eq!(library.receive().unwrap().0.data, b"a file");
    library.send(ACK, 100, first + 6, b"");
    assert_eq!(library.receive().unwrap().0.data, b"from");
    assert_eq!((library.close(socket), library.close(listener)), (0, 0));
    library.free();
}

#[test]
fn sockets_have_cubic_whatever_the_host_of_the_script_has() {
    let library = Library::load();
    let socket = library.socket();
    let (mut name, mut length) = ([0u8; 16], 16);
    // SAFETY: the buffer lives through the call.
    let result = unsafe {
        let (level, option) = (libc::SOL_TCP, libc::TCP_CONGESTION);
        (library.0.getsockopt)(library.user(), socket, level, option, name.as_mut_ptr().cast(), &mut length)
    };
    assert_eq!((result, &name[..6]), (0, &b"cubic\0"[..]));
    assert_eq!(library.close(socket), 0);
    library.free();
}
