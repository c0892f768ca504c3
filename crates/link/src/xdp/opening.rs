//! An XDP socket with the program that gives it its frames.

use super::program;
use super::socket::{LONGEST, XdpSocket};
use crate::bpf;
use crate::interface;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, OwnedFd};
use wire::ethernet::{HEADER_LENGTH, MacAddress};

/// The queue whose frames are ours. Those of other queues come by way of the kernel.
const QUEUE: u32 = 0;
/// A tag of a VLAN may come on top.
const TAG: usize = 4;

/// A socket that is ready, and what keeps the program in its place.
pub(super) struct Opened {
    pub(super) socket: XdpSocket,
    /// Closed, the program is gone.
    pub(super) attachment: OwnedFd,
}

/// Opens the socket on an interface whose packets have up to `mtu` bytes, of which a packet socket has found that a station can join it.
pub(super) fn open(name: &str, station: MacAddress, mtu: usize) -> io::Result<Opened> {
    let longest = mtu + HEADER_LENGTH + TAG;
    if longest > LONGEST {
        let most = LONGEST - HEADER_LENGTH - TAG;
        let text = format!(
            "cannot open an XDP socket on {name}: its MTU is {mtu}, and {most} is the most; `ip link set {name} mtu {most}`, or use \
             packet:{name}"
        );
        return Err(io::Error::new(ErrorKind::InvalidInput, text));
    }
    prepare(name, station, longest).map_err(|error| explained(name, &error))
}

fn prepare(name: &str, station: MacAddress, longest: usize) -> io::Result<Opened> {
    let index = interface::index(name)?;
    let map = bpf::socket_map(QUEUE + 1)?;
    let program = bpf::load(&program::frames_for(station, &map))?;
    let socket = XdpSocket::open(index, QUEUE, longest)?;
    bpf::enter(map.as_fd(), QUEUE, socket.as_fd())?;
    // The program keeps the map, and the attachment the program.
    let attachment = bpf::attach(program.as_fd(), index)?;
    Ok(Opened { socket, attachment })
}

/// Why no socket could be had on the interface `name`, and what to do about it.
fn explained(name: &str, error: &io::Error) -> io::Error {
    let remedy = match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => "it needs root, or CAP_NET_RAW, CAP_NET_ADMIN and CAP_BPF",
        Some(libc::EAFNOSUPPORT | libc::ENOSYS) => "this kernel has no XDP sockets; use packet:",
        Some(libc::EBUSY) => "another XDP program or socket is on it; end that one, or use packet:",
        Some(libc::ENOBUFS) => "too little memory may be locked; raise `ulimit -l`",
        Some(libc::ERANGE) => "its MTU, or that of a veth's other end, is too long for XDP; make it 1500",
        Some(libc::EOPNOTSUPP) => "its driver has no XDP; use packet:",
        _ => return io::Error::new(error.kind(), format!("cannot open an XDP socket on {name}: {error}")),
    };
    // A remedy that names the other link.
    let its_name = if remedy.ends_with("packet:") { name } else { "" };
    io::Error::new(error.kind(), format!("cannot open an XDP socket on {name}: {remedy}{its_name}"))
}
