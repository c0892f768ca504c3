//! A packet socket with all that is set before it carries anything.

use super::filter;
use super::ring::Ring;
use crate::interface;
use crate::socket;
use crate::vnet::Offload;
use libc::SOL_PACKET;
use socket2::{Domain, Socket, Type};
use std::io::{self, ErrorKind};
use wire::ethernet::MacAddress;

/// Mebibytes of memory of one socket's ring, and at least so many of each if there are several.
const BLOCKS: usize = 32;
const LEAST_BLOCKS: usize = 8;
/// Bytes that wait in the kernel to be sent at most, with what it needs to keep them.
const SEND_BUFFER: libc::c_int = 4 << 20;

/// How a packet socket is to be opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// Whether super-segments and unfinished checksums pass.
    pub offload: Offload,
    /// Whether frames go to the device past its queueing discipline (PACKET_QDISC_BYPASS): less work, but what the device does not
    /// take at once is lost, and nobody shapes it. Default: no.
    pub past_queues: bool,
}

/// A socket that is ready, and what was found out about its interface.
pub(super) struct Opened {
    pub(super) socket: Socket,
    pub(super) ring: Ring,
    pub(super) mtu: usize,
}

/// Which group of sockets shares the frames of an interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sharing {
    Alone,
    First,
    /// The group's number.
    Next(u16),
}

/// Opens one of `count` sockets that share the interface's frames.
pub(super) fn open(
    name: &str,
    station: MacAddress,
    options: Options,
    sharing: Sharing,
    count: usize,
) -> io::Result<Opened> {
    if !station.is_unicast() {
        let text = format!("{station} cannot be the address of one station");
        return Err(io::Error::new(ErrorKind::InvalidInput, text));
    }
    let index = interface::index(name).map_err(|error| explained(name, &error))?;
    if !interface::is_ethernet(name).map_err(|error| explained(name, &error))? {
        let text = format!("{name} is no Ethernet, so no station can join it: give an interface that is one");
        return Err(io::Error::new(ErrorKind::InvalidInput, text));
    }
    if !interface::is_up(name).map_err(|error| explained(name, &error))? {
        let text =
            format!("cannot open a packet socket on {name}: it is down; `ip link set {name} up` sets it up");
        return Err(io::Error::new(ErrorKind::NetworkDown, text));
    }
    prepare(name, index, station, options, sharing, count).map_err(|error| explained(name, &error))
}

fn prepare(
    name: &str,
    index: u32,
    station: MacAddress,
    options: Options,
    sharing: Sharing,
    count: usize,
) -> io::Result<Opened> {
    // Of no protocol yet: nothing arrives before all is set.
    let socket = Socket::new(Domain::from(libc::AF_PACKET), Type::from(libc::SOCK_RAW), None)?;
    socket.set_nonblocking(true)?;
    // The header must be chosen before the ring is made.
    socket::set(
        &socket,
        SOL_PACKET,
        libc::PACKET_VERSION,
        &(libc::tpacket_versions::TPACKET_V2 as libc::c_int),
    )?;
    socket::set(&socket, SOL_PACKET, libc::PACKET_VNET_HDR, &1)?;
    // Linux 4.20 knows this; what it does not hold back is left out later.
    let _ = socket::set(&socket, SOL_PACKET, libc::PACKET_IGNORE_OUTGOING, &1);
    if options.past_queues {
        socket::set(&socket, SOL_PACKET, libc::PACKET_QDISC_BYPASS, &1)?;
    }
    // Past the limit for all, if we may. What is there serves as well, only with more waiting.
    let forced = socket::set(&socket, libc::SOL_SOCKET, libc::SO_SNDBUFFORCE, &SEND_BUFFER);
    if forced.is_err() {
        let _ = socket.set_send_buffer_size(SEND_BUFFER as usize);
    }
    socket::filter(&socket, &mut filter::frames_for(station))?;
    let ring = Ring::new(&socket, (BLOCKS / count.max(1)).max(LEAST_BLOCKS))?;
    join(&socket, index, station)?;
    let mtu = interface::mtu(name)?;
    socket::bind(&socket, &address(index))?;
    share(&socket, sharing)?;
    Ok(Opened { socket, ring, mtu })
}

/// Has the interface take in frames for our station, and for all groups. A device that cannot filter by several stations
/// becomes promiscuous.
fn join(socket: &Socket, index: u32, station: MacAddress) -> io::Result<()> {
    let mut request = libc::packet_mreq {
        mr_ifindex: index as libc::c_int,
        mr_type: libc::PACKET_MR_UNICAST as u16,
        mr_alen: 6,
        mr_address: [0; 8],
    };
    request.mr_address[..6].copy_from_slice(&station.0);
    let added = socket::set(socket, SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &request);
    if added.is_err() {
        request.mr_type = libc::PACKET_MR_PROMISC as u16;
        socket::set(socket, SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &request)?;
    }
    request.mr_type = libc::PACKET_MR_ALLMULTI as u16;
    socket::set(socket, SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &request)
}

/// All protocols of the interface.
fn address(index: u32) -> libc::sockaddr_ll {
    libc::sockaddr_ll {
        sll_family: libc::AF_PACKET as u16,
        sll_protocol: (libc::ETH_P_ALL as u16).to_be(),
        sll_ifindex: index as libc::c_int,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    }
}

/// Shares the frames with other sockets by the hash of their flows.
fn share(socket: &Socket, sharing: Sharing) -> io::Result<()> {
    let flags = libc::PACKET_FANOUT_HASH | libc::PACKET_FANOUT_FLAG_IGNORE_OUTGOING;
    let request = match sharing {
        Sharing::Alone => return Ok(()),
        // The kernel chooses a number that no other group has.
        Sharing::First => (flags | libc::PACKET_FANOUT_FLAG_UNIQUEID) << 16,
        Sharing::Next(group) => flags << 16 | u32::from(group),
    };
    socket::set(socket, SOL_PACKET, libc::PACKET_FANOUT, &request)
}

/// The number of the group that the socket is in.
pub(super) fn group(socket: &Socket) -> io::Result<u16> {
    let mut group = 0_u32;
    socket::get(socket, SOL_PACKET, libc::PACKET_FANOUT, &mut group)?;
    Ok(group as u16)
}

/// Whether the socket's interface is still there.
pub(super) fn is_there(socket: &Socket) -> bool {
    let mut bound = address(0);
    // Once it has gone, the kernel gives no number any more.
    socket::name(socket, &mut bound).is_ok() && bound.sll_ifindex > 0
}

/// Why no socket could be had on the interface `name`, and what to do about it.
fn explained(name: &str, error: &io::Error) -> io::Error {
    let mut kind = error.kind();
    let remedy = match error.raw_os_error() {
        Some(libc::ENODEV | libc::ENXIO) => {
            kind = io::ErrorKind::NotFound;
            "there is no such interface: `ip link` lists those that there are".to_owned()
        }
        Some(libc::EPERM | libc::EACCES) => "it needs root, or CAP_NET_RAW".to_owned(),
        Some(libc::EAFNOSUPPORT) => {
            "this system has no packet sockets: load the module with `modprobe af_packet`".to_owned()
        }
        Some(libc::ENOMEM) => "there is too little memory for its ring".to_owned(),
        _ => return io::Error::new(error.kind(), format!("cannot open a packet socket on {name}: {error}")),
    };
    io::Error::new(kind, format!("cannot open a packet socket on {name}: {remedy}"))
}
