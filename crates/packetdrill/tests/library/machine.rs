//! The library, loaded as a foreign program loads it, and its calls in Rust's terms.

use basis::Frame;
use libc::{c_int, c_void, sockaddr, sockaddr_in, socklen_t};
use netstrata_packetdrill::Interface;
use std::ffi::CString;
use std::mem::{MaybeUninit, size_of, zeroed};
use std::net::{IpAddr, Ipv4Addr};
use wire::ipv4;
use wire::tcp::{Flags, Header, Options, Seq};

const LOCAL: Ipv4Addr = Ipv4Addr::new(192, 168, 0, 1);
const REMOTE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const PORT: u16 = 8080;
pub(crate) const THEIRS: u16 = 40_000;

/// The loaded library and a machine of it.
#[derive(Clone, Copy)]
pub(crate) struct Library(pub(crate) Interface);

// SAFETY: the table's calls may come from any thread; that is what packetdrill does.
unsafe impl Send for Library {}

impl Library {
    pub(crate) fn load() -> Library {
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

    pub(crate) fn user(self) -> *mut c_void {
        self.0.userdata
    }

    /// Microseconds of the script's clock.
    pub(crate) fn now(self) -> i64 {
        // SAFETY: a plain structure; the call writes it.
        unsafe {
            let mut time: libc::timeval = zeroed();
            assert_eq!((self.0.gettimeofday)(self.user(), &mut time, std::ptr::null_mut()), 0);
            time.tv_sec * 1_000_000 + time.tv_usec
        }
    }

    pub(crate) fn sleep(self, microseconds: u32) {
        // SAFETY: no pointers.
        assert_eq!(unsafe { (self.0.usleep)(self.user(), microseconds) }, 0);
    }

    pub(crate) fn socket(self) -> c_int {
        // SAFETY: no pointers.
        unsafe { (self.0.socket)(self.user(), libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_TCP) }
    }

    pub(crate) fn listening(self) -> c_int {
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

    pub(crate) fn accept(self, listener: c_int) -> (c_int, u16) {
        // SAFETY: the address lives through the call.
        unsafe {
            let mut peer: sockaddr_in = zeroed();
            let mut length = size_of::<sockaddr_in>() as socklen_t;
            let accepted =
                (self.0.accept)(self.user(), listener, (&raw mut peer).cast::<sockaddr>(), &mut length);
            (accepted, u16::from_be(peer.sin_port))
        }
    }

    pub(crate) fn read(self, socket: c_int, length: usize) -> Result<Vec<u8>, i32> {
        let mut data = vec![0; length];
        // SAFETY: the buffer lives through the call.
        let count = unsafe { (self.0.read)(self.user(), socket, data.as_mut_ptr().cast(), length) };
        data.truncate(usize::try_from(count).map_err(|_| errno())?);
        Ok(data)
    }

    pub(crate) fn write(self, socket: c_int, data: &[u8]) -> isize {
        // SAFETY: the buffer lives through the call.
        unsafe { (self.0.write)(self.user(), socket, data.as_ptr().cast(), data.len()) }
    }

    pub(crate) fn close(self, socket: c_int) -> c_int {
        // SAFETY: no pointers.
        unsafe { (self.0.close)(self.user(), socket) }
    }

    /// A segment from the peer.
    pub(crate) fn send(self, flags: Flags, sequence: u32, acknowledgment: u32, data: &[u8]) {
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
    pub(crate) fn receive(self) -> Option<(Segment, i64)> {
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

    pub(crate) fn free(self) {
        // SAFETY: the last use of this machine.
        unsafe { (self.0.free)(self.user()) };
    }
}

#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) flags: Flags,
    pub(crate) sequence: u32,
    pub(crate) acknowledgment: u32,
    pub(crate) data: Vec<u8>,
}

pub(crate) fn errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap()
}
