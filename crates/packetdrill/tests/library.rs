//! The shared library as a foreign program sees it: loaded by name, driven through its table alone, in virtual time.
#![cfg(target_os = "linux")]
#![allow(unsafe_code, reason = "the test is a C program in all but its language")]
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test, outside of the core")]

use basis::Frame;
use libc::{c_int, c_void, sockaddr, sockaddr_in, socklen_t};
use netstrata_packetdrill::Interface;
use std::ffi::CString;
use std::mem::{MaybeUninit, size_of, zeroed};
use std::net::{IpAddr, Ipv4Addr};
use std::thread;
use wire::ipv4;
use wire::tcp::{Flags, Header, Options, Seq};

const LOCAL: Ipv4Addr = Ipv4Addr::new(192, 168, 0, 1);
const REMOTE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const PORT: u16 = 8080;
const THEIRS: u16 = 40_000;

/// The loaded library and a machine of it.
#[derive(Clone, Copy)]
struct Library(Interface);

// SAFETY: the table's calls may come from any thread; that is what packetdrill does.
unsafe impl Send for Library {}

impl Library {
    fn load() -> Library {
        let path = std::env::current_exe().unwrap().with_file_name("libnetstrata_packetdrill.so");
        let path = CString::new(path.into_os_string().into_encoded_bytes()).unwrap();
        let flags = c"family=4,local=192.168.0.1/16,remote=192.0.2.0/24,mtu=1500";
        type Init = unsafe extern "C" fn(*const libc::c_char, *mut Interface);
        // SAFETY: the library of this very build, whose function has this type.
        unsafe {
            let handle = libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL);
            assert!(!handle.is_null(), "{path:?} cannot be loaded");
            let symbol = libc::dlsym(handle, c"packetdrill_interface_init".as_ptr());
            assert!(!symbol.is_null());
            let init = std::mem::transmute::<*mut c_void, Init>(symbol);
            let mut table = MaybeUninit::uninit();
            init(flags.as_ptr(), table.as_mut_ptr());
            let table = table.assume_init();
            assert!(!table.userdata.is_null());
            Library(table)
        }
    }

    fn user(self) -> *mut c_void {
        self.0.userdata
    }

    /// Microseconds of the script's clock.
    fn now(self) -> i64 {
        // SAFETY: a plain structure; the call writes it.
        unsafe {
            let mut time: libc::timeval = zeroed();
            assert_eq!((self.0.gettimeofday)(self.user(), &mut time, std::ptr::null_mut()), 0);
            time.tv_sec * 1_000_000 + time.tv_usec
        }
    }

    fn sleep(self, microseconds: u32) {
        // SAFETY: no pointers.
        assert_eq!(unsafe { (self.0.usleep)(self.user(), microseconds) }, 0);
    }

    fn socket(self) -> c_int {
        // SAFETY: no pointers.
        unsafe { (self.0.socket)(self.user(), libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_TCP) }
    }

    fn listening(self) -> c_int {
        let listener = self.socket();
        // SAFETY: the address lives through the call.
        unsafe {
            let mut address: sockaddr_in = zeroed();
            address.sin_family = libc::AF_INET as u16;
            address.sin_port = PORT.to_be();
            address.sin_addr.s_addr = u32::from_ne_bytes(LOCAL.octets());
            let at = (&raw const address).cast::<sockaddr>();
            assert_eq!((self.0.bind)(self.user(), listener, at, size_of::<sockaddr_in>() as u32), 0);
            assert_eq!((self.0.listen)(self.user(), listener, 1), 0);
        }
        listener
    }

    fn accept(self, listener: c_int) -> (c_int, u16) {
        // SAFETY: the address lives through the call.
        unsafe {
            let mut peer: sockaddr_in = zeroed();
            let mut length = size_of::<sockaddr_in>() as socklen_t;
            let accepted =
                (self.0.accept)(self.user(), listener, (&raw mut peer).cast::<sockaddr>(), &mut length);
            (accepted, u16::from_be(peer.sin_port))
        }
    }

    fn read(self, socket: c_int, length: usize) -> Result<Vec<u8>, i32> {
        let mut data = vec![0; length];
        // SAFETY: the buffer lives through the call.
        let count = unsafe { (self.0.read)(self.user(), socket, data.as_mut_ptr().cast(), length) };
        data.truncate(usize::try_from(count).map_err(|_| errno())?);
        Ok(data)
    }

    fn write(self, socket: c_int, data: &[u8]) -> isize {
        // SAFETY: the buffer lives through the call.
        unsafe { (self.0.write)(self.user(), socket, data.as_ptr().cast(), data.len()) }
    }

    fn close(self, socket: c_int) -> c_int {
        // SAFETY: no pointers.
        unsafe { (self.0.close)(self.user(), socket) }
    }

    /// A segment from the peer.
    fn send(self, flags: Flags, sequence: u32, acknowledgment: u32, data: &[u8]) {
        let mut frame = Frame::new();
        frame.append(data);
        let header = Header {
            source_port: THEIRS,
            destination_port: PORT,
            sequence: Seq(sequence),
            acknowledgment: Seq(acknowledgment),
            flags,
            window: 10_000,
            urgent: 0,
            options: Options::NONE,
        };
        header.prepend_to(&mut frame, IpAddr::V4(REMOTE), IpAddr::V4(LOCAL));
        ipv4::Header::new(REMOTE, LOCAL, wire::protocol::TCP).prepend_to(&mut frame);
        let bytes = frame.to_vec();
        // SAFETY: the packet lives through the call.
        let result = unsafe { (self.0.netdev_send)(self.user(), bytes.as_ptr().cast(), bytes.len()) };
        assert_eq!(result, 0);
    }

    /// The next segment that leaves, and when; `None` if none will.
    fn receive(self) -> Option<(Segment, i64)> {
        let (mut bytes, mut count, mut time) = ([0u8; 2_000], 2_000, 0);
        // SAFETY: the buffer lives through the call.
        let result =
            unsafe { (self.0.netdev_receive)(self.user(), bytes.as_mut_ptr().cast(), &mut count, &mut time) };
        assert_eq!(result, 0);
        if count == 0 {
            return None;
        }
        let tcp = &bytes[20..count];
        let number = |at: usize| u32::from_be_bytes(tcp[at..at + 4].try_into().unwrap());
        let header = usize::from(tcp[12] >> 4) * 4;
        let segment = Segment {
            flags: Flags(tcp[13]),
            sequence: number(4),
            acknowledgment: number(8),
            data: tcp[header..].to_vec(),
        };
        Some((segment, time))
    }

    fn free(self) {
        // SAFETY: the last use of this machine.
        unsafe { (self.0.free)(self.user()) };
    }
}

#[derive(Debug)]
struct Segment {
    flags: Flags,
    sequence: u32,
    acknowledgment: u32,
    data: Vec<u8>,
}

fn errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap()
}

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
