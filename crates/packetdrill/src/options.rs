//! `setsockopt` and `getsockopt`.

use crate::machine::Machine;
use crate::option_values::{algorithm, algorithm_name, integer, pacing_rate, timeval};
use crate::socket::{Role, Socket};
use crate::streams::{errno, take_failure};
use crate::world::World;
use nix::errno::Errno;
use std::os::fd::RawFd;
use std::time::Duration;
use tcp::FastOpenServer;

/// The level of TCP's own options.
const TCP: i32 = libc::IPPROTO_TCP;
const SOCKET: i32 = libc::SOL_SOCKET;
const IP: i32 = libc::IPPROTO_IP;
const IPV6: i32 = libc::IPPROTO_IPV6;
/// An option of Linux.
const TCP_FASTOPEN_NO_COOKIE: i32 = 34;
/// The smallest receive and send buffers, in bytes, as `getsockopt` tells them.
const LEAST_BUFFERS: (u32, u32) = (2_304, 4_608);
/// Options that other hosts have, and that change nothing here: they are kept and given back.
const REMEMBERED: &[(i32, i32)] = &[
    (SOCKET, libc::SO_PRIORITY),
    (SOCKET, libc::SO_MARK),
    (SOCKET, libc::SO_ZEROCOPY),
    (IP, libc::IP_RECVERR),
    (IP, libc::IP_MTU_DISCOVER),
    (IP, libc::IP_FREEBIND),
    (IPV6, libc::IPV6_RECVERR),
    (IPV6, libc::IPV6_V6ONLY),
    (TCP, libc::TCP_NOTSENT_LOWAT),
    (TCP, libc::TCP_WINDOW_CLAMP),
];
/// Those of them that are on or off.
const SWITCHES: &[(i32, i32)] = &[
    (SOCKET, libc::SO_REUSEADDR),
    (SOCKET, libc::SO_REUSEPORT),
    (SOCKET, libc::SO_BROADCAST),
    (SOCKET, libc::SO_OOBINLINE),
    (SOCKET, libc::SO_DONTROUTE),
];
/// Seconds that FIN-WAIT-2 lasts at most.
const LONGEST_FIN_WAIT_2: u64 = 120;

impl Machine {
    /// Sets an option to the value that `bytes` hold.
    pub(crate) fn set_option(&self, number: RawFd, level: i32, name: i32, bytes: &[u8]) -> Result<(), Errno> {
        self.call(|world| {
            let defaults = crate::sysctl::read();
            let socket = world.descriptors.get_mut(number)?;
            match (level, name) {
                (SOCKET, libc::SO_LINGER) => {
                    let (on, seconds) = (integer(bytes)?, integer(bytes.get(4..).unwrap_or_default())?);
                    let seconds = u64::try_from(seconds).unwrap_or(0);
                    socket.options.linger = (on != 0).then(|| Duration::from_secs(seconds));
                }
                (SOCKET, libc::SO_RCVTIMEO) => socket.receive_timeout = timeval(bytes)?,
                (SOCKET, libc::SO_SNDTIMEO) => socket.send_timeout = timeval(bytes)?,
                (TCP, libc::TCP_QUICKACK) => {
                    if let Role::Connection(id) = socket.role {
                        world.stack.tcp_mut().set_quick_acknowledgments(id, integer(bytes)? != 0);
                    }
                }
                (TCP, libc::TCP_FASTOPEN) => {
                    if !matches!(socket.role, Role::Fresh | Role::Listener(_)) {
                        return Err(Errno::EINVAL);
                    }
                    socket.fast_open = Some(u32::try_from(integer(bytes)?).map_err(|_| Errno::EINVAL)?);
                    return apply_fast_open(world, number, &defaults);
                }
                (TCP, libc::TCP_FASTOPEN_KEY) => {
                    // A second key, for cookies of before, may follow.
                    let whole = matches!(bytes.len(), 16 | 32);
                    let key = bytes.first_chunk().filter(|_| whole).ok_or(Errno::EINVAL)?;
                    socket.fast_open_key = Some(*key);
                    return apply_fast_open(world, number, &defaults);
                }
                (TCP, libc::TCP_FASTOPEN_CONNECT | TCP_FASTOPEN_NO_COOKIE) => {
                    let value = match integer(bytes)? {
                        value @ (0 | 1) => value != 0,
                        _ => return Err(Errno::EINVAL),
                    };
                    if !defaults.fast_open.client && name == libc::TCP_FASTOPEN_CONNECT {
                        return Err(Errno::EOPNOTSUPP);
                    }
                    if !matches!(socket.role, Role::Fresh | Role::Listener(_)) {
                        return Err(Errno::EINVAL);
                    }
                    match name {
                        libc::TCP_FASTOPEN_CONNECT => socket.early.waits = value,
                        _ => socket.early.without_cookie = value,
                    }
                }
                (TCP, libc::TCP_SYNCNT) => {
                    let times = u8::try_from(integer(bytes)?).ok().filter(|times| (1..=127).contains(times));
                    let times = times.ok_or(Errno::EINVAL)?;
                    socket.early.retries = Some(times);
                    if let Role::Connection(id) = socket.role {
                        world.stack.tcp_mut().set_syn_retries(id, times);
                    }
                }
                (TCP, libc::TCP_CONGESTION) => socket.options.congestion = Some(algorithm(bytes)?),
                (SOCKET, libc::SO_MAX_PACING_RATE) => socket.options.max_pacing_rate = pacing_rate(bytes)?,
                _ => set_number(socket, (level, name), integer(bytes)?, &defaults)?,
            }
            apply(world, number)
        })
    }

    /// An option's value, as the bytes that C has for it.
    pub(crate) fn option(&self, number: RawFd, level: i32, name: i32) -> Result<Vec<u8>, Errno> {
        let defaults = crate::sysctl::read();
        self.call(|world| {
            if (level, name) == (SOCKET, libc::SO_ERROR) {
                let failure = take_failure(world, number)?;
                let mut code = failure.map_or(0, |failure| errno(failure) as i32);
                if let Role::Datagrams(Some(id)) = world.descriptors.get(number)?.role
                    && let Some(error) = world.stack.udp_take_error(id)
                {
                    code = crate::datagrams::errno(error) as i32;
                }
                return Ok(code.to_ne_bytes().to_vec());
            }
            let socket = world.descriptors.get(number)?;
            let timeval = |time: Duration| {
                let (seconds, micros) = (time.as_secs() as i64, i64::from(time.subsec_micros()));
                [seconds.to_ne_bytes(), micros.to_ne_bytes()].concat()
            };
            match (level, name) {
                (SOCKET, libc::SO_LINGER) => {
                    let time = socket.options.linger;
                    let seconds = time.map_or(0, |time| time.as_secs() as i32);
                    Ok([(time.is_some() as i32).to_ne_bytes(), seconds.to_ne_bytes()].concat())
                }
                (SOCKET, libc::SO_RCVTIMEO) => Ok(timeval(socket.receive_timeout)),
                (SOCKET, libc::SO_SNDTIMEO) => Ok(timeval(socket.send_timeout)),
                (TCP, libc::TCP_CONGESTION) => {
                    Ok(algorithm_name(socket.options.congestion.unwrap_or(defaults.host.congestion)))
                }
                (SOCKET, libc::SO_MAX_PACING_RATE) => {
                    Ok(socket.options.max_pacing_rate.unwrap_or(u64::MAX).to_ne_bytes().to_vec())
                }
                (TCP, libc::TCP_INFO) => crate::tcp_info::of(world, number),
                // No congestion control here has more to tell.
                (TCP, libc::TCP_CC_INFO) => Ok(Vec::new()),
                (SOCKET, libc::SO_MEMINFO) => memory(world, socket, &defaults),
                _ => number_of(world, socket, (level, name), &defaults)
                    .map(|value| value.to_ne_bytes().to_vec()),
            }
        })
    }
}

fn set_number(
    socket: &mut Socket,
    option: (i32, i32),
    value: i32,
    defaults: &crate::settings::Defaults,
) -> Result<(), Errno> {
    let seconds = || match u64::try_from(value) {
        Ok(seconds @ 1..=32_767) => Ok(Duration::from_secs(seconds)),
        _ => Err(Errno::EINVAL),
    };
    // A negative size counts as the largest.
    let doubled = |most: u32, least: u32| (value as u32).min(most).saturating_mul(2).max(least);
    let options = &mut socket.options;
    match option {
        (TCP, libc::TCP_NODELAY) => options.no_delay = value != 0,
        (TCP, libc::TCP_CORK) => options.cork = value != 0,
        (TCP, libc::TCP_LINGER2) => {
            // Nothing for a negative time; the usual one for zero.
            let time = u64::try_from(value).unwrap_or(0).min(LONGEST_FIN_WAIT_2);
            options.fin_wait_2 = (value != 0).then(|| Duration::from_secs(time));
            socket.remembered.insert(option, value.max(-1));
        }
        (TCP, libc::TCP_USER_TIMEOUT) => {
            let time = u64::try_from(value).map_err(|_| Errno::EINVAL)?;
            options.user_timeout = (time > 0).then(|| Duration::from_millis(time));
        }
        (TCP, libc::TCP_MAXSEG) => {
            let size = u16::try_from(value).ok().filter(|size| *size == 0 || (88..=32_767).contains(size));
            options.max_segment_size = Some(size.ok_or(Errno::EINVAL)?).filter(|size| *size > 0);
        }
        (SOCKET, libc::SO_KEEPALIVE) => options.keepalive = (value != 0).then_some(socket.keepalive),
        (TCP, libc::TCP_KEEPIDLE) => socket.keepalive.idle = seconds()?,
        (TCP, libc::TCP_KEEPINTVL) => socket.keepalive.interval = seconds()?,
        (TCP, libc::TCP_KEEPCNT) => {
            let times = u8::try_from(value).ok().filter(|times| (1..=127).contains(times));
            socket.keepalive.probes = times.ok_or(Errno::EINVAL)?;
        }
        (SOCKET, libc::SO_RCVBUF) => {
            let charged = doubled(defaults.largest_buffers.0, LEAST_BUFFERS.0);
            socket.remembered.insert(option, charged as i32);
            // Half of it is for what the bytes cost beside themselves; here that is charged otherwise.
            options.receive_buffer = Some(charged / 2);
        }
        (SOCKET, libc::SO_SNDBUF) => {
            socket.send_memory.limit = doubled(defaults.largest_buffers.1, LEAST_BUFFERS.1);
            socket.send_memory.chosen = true;
        }
        (IP, libc::IP_TTL) | (IPV6, libc::IPV6_UNICAST_HOPS) => {
            // -1 stands for the usual.
            let usual = (value == -1).then_some(defaults.options.time_to_live);
            let hops = usual.or(u8::try_from(value).ok()).filter(|hops| *hops > 0);
            options.time_to_live = hops.ok_or(Errno::EINVAL)?;
        }
        (IP, libc::IP_TOS) => options.traffic_class = value as u8 & !3,
        // -1 stands for the usual.
        (IPV6, libc::IPV6_TCLASS) => {
            options.traffic_class = u8::try_from(value.max(0)).map_err(|_| Errno::EINVAL)? & !3;
        }
        (TCP, libc::TCP_DEFER_ACCEPT) => {
            options.defer_accept =
                u64::try_from(value).ok().filter(|time| *time > 0).map(Duration::from_secs);
        }
        (TCP, libc::TCP_INQ) => match value {
            0 | 1 => socket.tells_rest = value != 0,
            _ => return Err(Errno::EINVAL),
        },
        (SOCKET, libc::SO_RCVLOWAT) => {
            let most = match socket.remembered.get(&(SOCKET, libc::SO_RCVBUF)) {
                Some(charged) => charged / 2,
                None => (defaults.receive_buffers.1 / 2) as i32,
            };
            let least = if value < 0 { i32::MAX } else { value.max(1) };
            socket.remembered.insert(option, least.min(most));
        }
        (TCP, libc::TCP_WINDOW_CLAMP) => {
            let chosen = (value != 0).then(|| (value as u32).max(LEAST_BUFFERS.0 / 2));
            socket.options.window_clamp = chosen;
            socket.remembered.insert(option, chosen.unwrap_or(0) as i32);
        }
        (SOCKET, libc::SO_TIMESTAMPING) => {
            socket.notices.set_stamps(value as u32, socket.send_memory.written());
        }
        (TCP, libc::TCP_NOTSENT_LOWAT) => {
            let chosen = (value != 0).then_some(value as u32);
            socket.send_memory.unsent_limit = chosen.unwrap_or(defaults.unsent_limit);
            socket.remembered.insert(option, value);
        }
        option if SWITCHES.contains(&option) => {
            socket.remembered.insert(option, (value != 0) as i32);
        }
        option if REMEMBERED.contains(&option) => {
            socket.remembered.insert(option, value);
        }
        _ => return Err(Errno::ENOPROTOOPT),
    }
    if socket.options.keepalive.is_some() {
        socket.options.keepalive = Some(socket.keepalive);
    }
    Ok(())
}

/// Lets the stack know how a listener treats data on SYNs; others are asked when they begin to listen.
pub(crate) fn apply_fast_open(
    world: &mut World,
    number: RawFd,
    defaults: &crate::settings::Defaults,
) -> Result<(), Errno> {
    let socket = world.descriptors.get(number)?;
    let Role::Listener(id) = socket.role else { return Ok(()) };
    let pending = socket.fast_open.filter(|pending| *pending > 0 && defaults.fast_open.server);
    let server = pending.map(|pending| FastOpenServer {
        pending,
        key: socket.fast_open_key.or(defaults.fast_open.key),
        require_cookie: !defaults.fast_open.without_cookie,
    });
    world.stack.tcp_mut().set_fast_open(id, server);
    Ok(())
}

/// Lets the stack know of a socket's options.
fn apply(world: &mut World, number: RawFd) -> Result<(), Errno> {
    let socket = world.descriptors.get(number)?;
    let (role, options) = (socket.role, socket.options);
    let broadcast = socket.remembered.get(&(SOCKET, libc::SO_BROADCAST)).copied();
    match role {
        Role::Connection(id) => {
            world.stack.tcp_mut().set_options(world.now, id, options);
        }
        Role::Datagrams(Some(id)) => {
            world.stack.udp_set_ttl(id, options.time_to_live);
            if let Some(allowed) = broadcast {
                world.stack.udp_set_broadcast(id, allowed != 0);
            }
        }
        Role::Listener(id) => {
            world.stack.tcp_mut().set_listener_options(id, options);
        }
        Role::Fresh | Role::Datagrams(None) => {}
    }
    Ok(())
}

fn number_of(
    world: &World,
    socket: &Socket,
    option: (i32, i32),
    defaults: &crate::settings::Defaults,
) -> Result<i32, Errno> {
    let options = &socket.options;
    let seconds = |time: Duration| time.as_secs() as i32;
    let stream = !matches!(socket.role, Role::Datagrams(_));
    Ok(match option {
        (SOCKET, libc::SO_TYPE) => {
            if stream {
                libc::SOCK_STREAM
            } else {
                libc::SOCK_DGRAM
            }
        }
        (SOCKET, libc::SO_PROTOCOL) => {
            if stream {
                TCP
            } else {
                libc::IPPROTO_UDP
            }
        }
        (SOCKET, libc::SO_DOMAIN) => match socket.family {
            crate::address::Family::Ipv4 => libc::AF_INET,
            crate::address::Family::Ipv6 => libc::AF_INET6,
        },
        (SOCKET, libc::SO_ACCEPTCONN) => matches!(socket.role, Role::Listener(_)) as i32,
        (SOCKET, libc::SO_KEEPALIVE) => options.keepalive.is_some() as i32,
        (SOCKET, libc::SO_RCVBUF) => {
            let chosen = socket.remembered.get(&option).copied();
            chosen.unwrap_or(defaults.receive_buffers.0 as i32)
        }
        (SOCKET, libc::SO_SNDLOWAT) => 1,
        (SOCKET, libc::SO_SNDBUF) => socket.send_memory.limit as i32,
        (TCP, libc::TCP_NODELAY) => options.no_delay as i32,
        (TCP, libc::TCP_CORK) => options.cork as i32,
        (TCP, libc::TCP_LINGER2) if socket.remembered.get(&option) == Some(&-1) => -1,
        (TCP, libc::TCP_LINGER2) => options.fin_wait_2.map_or(seconds(defaults.host.fin_wait_2), seconds),
        (TCP, libc::TCP_USER_TIMEOUT) => options.user_timeout.map_or(0, |time| time.as_millis() as i32),
        (TCP, libc::TCP_KEEPIDLE) => seconds(socket.keepalive.idle),
        (TCP, libc::TCP_KEEPINTVL) => seconds(socket.keepalive.interval),
        (TCP, libc::TCP_KEEPCNT) => i32::from(socket.keepalive.probes),
        (TCP, libc::TCP_MAXSEG) => match socket.role {
            Role::Connection(id) => world.stack.tcp().info(id).map_or(0, |info| info.segment_size as i32),
            _ => options.max_segment_size.map_or(536, i32::from),
        },
        (TCP, libc::TCP_INQ) => socket.tells_rest as i32,
        (TCP, libc::TCP_FASTOPEN_CONNECT) => socket.early.waits as i32,
        (TCP, TCP_FASTOPEN_NO_COOKIE) => socket.early.without_cookie as i32,
        (TCP, libc::TCP_SYNCNT) => i32::from(socket.early.retries.unwrap_or(defaults.host.syn_retries)),
        (TCP, libc::TCP_FASTOPEN) => socket.fast_open.unwrap_or(0) as i32,
        (SOCKET, libc::SO_TIMESTAMPING) => socket.notices.stamps as i32,
        (TCP, libc::TCP_QUICKACK) => match socket.role {
            Role::Connection(id) => world.stack.tcp().quick_acknowledgments(id).unwrap_or(false) as i32,
            _ => 1,
        },
        (IP, libc::IP_TTL) | (IPV6, libc::IPV6_UNICAST_HOPS) => i32::from(options.time_to_live),
        (IP, libc::IP_TOS) | (IPV6, libc::IPV6_TCLASS) => i32::from(options.traffic_class),
        (TCP, libc::TCP_DEFER_ACCEPT) => options.defer_accept.map_or(0, seconds),
        (SOCKET, libc::SO_RCVLOWAT) => socket.least_to_read() as i32,
        (IP, libc::IP_MTU_DISCOVER) => {
            socket.remembered.get(&option).copied().unwrap_or(libc::IP_PMTUDISC_WANT)
        }
        option if REMEMBERED.contains(&option) || SWITCHES.contains(&option) => {
            socket.remembered.get(&option).copied().unwrap_or(0)
        }
        _ => return Err(Errno::ENOPROTOOPT),
    })
}

/// SO_MEMINFO: nine numbers, of which received, sent and queued bytes and both bounds are known.
fn memory(world: &World, socket: &Socket, defaults: &crate::settings::Defaults) -> Result<Vec<u8>, Errno> {
    let info = match socket.role {
        Role::Connection(id) => world.stack.tcp().info(id),
        _ => None,
    };
    let (received, queued) = info.map_or((0, 0), |info| (info.receive_queue, info.send_queue));
    let bound = |name| number_of(world, socket, (SOCKET, name), defaults).map(|bytes| bytes as u32);
    let bounds = (bound(libc::SO_RCVBUF)?, bound(libc::SO_SNDBUF)?);
    let numbers = [received, bounds.0, queued, bounds.1, 0, queued, 0, 0, 0];
    Ok(numbers.map(u32::to_ne_bytes).concat())
}
