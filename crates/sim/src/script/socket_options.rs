//! `setsockopt`, `getsockopt` and `ioctl`.

use super::arguments::{Returned, names};
use super::machine::Machine;
use super::notation::Argument;
use super::sockets::{Role, Socket, error_name};
use std::time::Duration;
use tcp::FastOpenServer;
use tcp::congestion::Algorithm;

/// Sets an option.
pub(super) fn set(
    socket: &mut Socket,
    machine: &mut Machine,
    arguments: &[Argument],
) -> Result<Returned, String> {
    let name = option_name(arguments)?;
    if name == "SO_LINGER" {
        socket.options.linger = linger(arguments.get(3))?;
    } else if name == "TCP_CONGESTION" {
        match Algorithm::from_name(text(arguments.get(3))?) {
            None => return Ok(Returned::Error("ENOENT")),
            algorithm => socket.options.congestion = algorithm,
        }
    } else {
        set_number(socket, name, number(arguments.get(3))?)?;
    }
    match socket.role {
        Role::Connection(id) if name == "TCP_QUICKACK" => {
            let on = number(arguments.get(3))? != 0;
            machine.stack.tcp_mut().set_quick_acknowledgments(id, on);
        }
        Role::Connection(id) => {
            machine.stack.tcp_mut().set_options(machine.now, id, socket.options);
        }
        Role::Listener(id) => {
            machine.stack.tcp_mut().set_listener_options(id, socket.options);
            if let Some(require_cookie) = requires_cookie(name) {
                let pending = u32::try_from(number(arguments.get(3))?).unwrap_or(0);
                let server = FastOpenServer { pending, key: None, require_cookie };
                machine.stack.tcp_mut().set_fast_open(id, Some(server));
            }
        }
        Role::Fresh => {}
    }
    Ok(Returned::Value(0))
}

/// Whether a listener that takes in data on SYNs wants cookies; `None` for any other option. Both say how many may wait.
fn requires_cookie(name: &str) -> Option<bool> {
    match name {
        "TCP_FASTOPEN" => Some(true),
        "TCP_FASTOPEN_NO_COOKIE" => Some(false),
        _ => None,
    }
}

fn set_number(socket: &mut Socket, name: &str, value: i64) -> Result<(), String> {
    let seconds = || Duration::from_secs(value.max(0) as u64);
    let options = &mut socket.options;
    match name {
        "TCP_NODELAY" => options.no_delay = value != 0,
        "TCP_CORK" => options.cork = value != 0,
        "TCP_LINGER2" => options.fin_wait_2 = (value > 0).then(seconds),
        "TCP_USER_TIMEOUT" => {
            options.user_timeout = (value > 0).then(|| Duration::from_millis(value as u64));
        }
        "TCP_MAXSEG" => options.max_segment_size = u16::try_from(value).ok().filter(|size| *size > 0),
        "SO_RCVBUF" => options.receive_buffer = Some(value.max(0) as u32),
        "SO_SNDBUF" => options.send_buffer = Some(value.max(0) as u32),
        "SO_MAX_PACING_RATE" => options.max_pacing_rate = u64::try_from(value).ok(),
        "IP_TTL" => options.time_to_live = value.clamp(1, 255) as u8,
        "IP_TOS" | "IPV6_TCLASS" => options.traffic_class = value as u8,
        "TCP_WINDOW_CLAMP" => options.window_clamp = u32::try_from(value).ok().filter(|size| *size > 0),
        "TCP_DEFER_ACCEPT" => options.defer_accept = (value > 0).then(seconds),
        "SO_KEEPALIVE" => options.keepalive = (value != 0).then_some(socket.keepalive),
        "TCP_KEEPIDLE" => socket.keepalive.idle = seconds(),
        "TCP_KEEPINTVL" => socket.keepalive.interval = seconds(),
        "TCP_KEEPCNT" => socket.keepalive.probes = value.clamp(1, 255) as u8,
        // A port is never in use twice here, and TIME-WAIT never keeps a listener from it.
        "SO_REUSEADDR" => {}
        // No option that stays.
        "TCP_QUICKACK" | "TCP_FASTOPEN" => {}
        "TCP_FASTOPEN_NO_COOKIE" => socket.without_cookie = value != 0,
        _ => return Err(format!("unknown option `{name}`")),
    }
    if socket.options.keepalive.is_some() {
        socket.options.keepalive = Some(socket.keepalive);
    }
    Ok(())
}

/// Reads an option and compares it with the script's.
pub(super) fn get(
    socket: &mut Socket,
    machine: &mut Machine,
    arguments: &[Argument],
) -> Result<Returned, String> {
    let name = option_name(arguments)?;
    if name == "SO_ERROR" {
        let Role::Connection(id) = socket.role else { return Ok(Returned::Value(0)) };
        let found = machine.stack.tcp_mut().take_failure(id).map_or("0", error_name);
        let Some(Argument::List(list)) = arguments.get(3) else { return Err("expected `[error]`".into()) };
        let wanted = match list.first() {
            Some(Argument::Number(0)) => "0",
            other => names(other).first().copied().unwrap_or("?"),
        };
        return equal(name, found, wanted);
    }
    if name == "TCP_CONGESTION" {
        let algorithm = match socket.role {
            Role::Connection(id) => machine.stack.tcp().info(id).and_then(|info| info.congestion),
            _ => socket.options.congestion,
        };
        return equal(name, algorithm.unwrap_or_default().name(), text(arguments.get(3))?);
    }
    let options = socket.options;
    let found = match name {
        "TCP_NODELAY" => options.no_delay as i64,
        "SO_KEEPALIVE" => options.keepalive.is_some() as i64,
        "TCP_MAXSEG" => match socket.role {
            Role::Connection(id) => machine.stack.tcp().info(id).map_or(0, |info| info.segment_size as i64),
            _ => options.max_segment_size.map_or(536, i64::from),
        },
        "IP_TOS" | "IPV6_TCLASS" => i64::from(options.traffic_class),
        "TCP_WINDOW_CLAMP" => options.window_clamp.map_or(0, i64::from),
        "TCP_DEFER_ACCEPT" => options.defer_accept.map_or(0, |time| time.as_secs() as i64),
        "SO_RCVBUF" => buffer(socket, machine).0 as i64,
        "SO_SNDBUF" => buffer(socket, machine).1 as i64,
        "SO_MAX_PACING_RATE" => options.max_pacing_rate.map_or(-1, |rate| rate as i64),
        _ => return Err(format!("unknown option `{name}`")),
    };
    equal(name, found, number(arguments.get(3))?)
}

/// What both buffers may hold now.
fn buffer(socket: &Socket, machine: &Machine) -> (u32, u32) {
    if let Role::Connection(id) = socket.role
        && let Some(info) = machine.stack.tcp().info(id)
        && info.receive_buffer > 0
    {
        return (info.receive_buffer, info.send_buffer);
    }
    (socket.options.receive_buffer.unwrap_or(0), socket.options.send_buffer.unwrap_or(0))
}

/// Asks how much waits.
pub(super) fn ioctl(
    socket: &mut Socket,
    machine: &mut Machine,
    arguments: &[Argument],
) -> Result<Returned, String> {
    let Role::Connection(id) = socket.role else { return Ok(Returned::Error("ENOTCONN")) };
    let Some(info) = machine.stack.tcp().info(id) else { return Ok(Returned::Error("ENOTCONN")) };
    let name = names(arguments.get(1));
    let found = match name[..] {
        ["FIONREAD" | "SIOCINQ"] => info.receive_queue,
        ["SIOCOUTQ"] => info.send_queue,
        _ => return Err(format!("unknown request {name:?}")),
    };
    equal(name[0], found as i64, number(arguments.get(2))?)
}

fn equal<T: PartialEq + std::fmt::Display>(name: &str, found: T, wanted: T) -> Result<Returned, String> {
    if found == wanted { Ok(Returned::Value(0)) } else { Err(format!("{name} is {found}, not {wanted}")) }
}

fn option_name(arguments: &[Argument]) -> Result<&str, String> {
    names(arguments.get(2)).first().copied().ok_or_else(|| "which option?".into())
}

/// `"cubic"`
fn text(argument: Option<&Argument>) -> Result<&str, String> {
    match argument {
        Some(Argument::Text(text)) => Ok(text),
        other => Err(format!("expected a text, not {other:?}")),
    }
}

/// `[5]`
fn number(argument: Option<&Argument>) -> Result<i64, String> {
    match argument {
        Some(Argument::List(list)) => match list.first() {
            Some(Argument::Number(number)) => Ok(*number),
            other => Err(format!("no number: {other:?}")),
        },
        other => Err(format!("expected `[number]`, not {other:?}")),
    }
}

/// `{onoff=1, linger=0}`
fn linger(argument: Option<&Argument>) -> Result<Option<Duration>, String> {
    let Some(Argument::Fields(fields)) = argument else {
        return Err("expected `{onoff=1, linger=0}`".into());
    };
    let field = |name: &str| match fields.iter().find(|(known, _)| known.trim_start_matches("l_") == name) {
        Some((_, Argument::Number(number))) => Ok(*number),
        _ => Err(format!("`{name}` is missing")),
    };
    let seconds = field("linger")?.max(0) as u64;
    Ok((field("onoff")? != 0).then(|| Duration::from_secs(seconds)))
}
