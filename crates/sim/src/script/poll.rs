//! `poll`: what a socket can do without waiting.

use super::arguments::{Returned, integer, names};
use super::machine::Machine;
use super::notation::Argument;
use super::sockets::{Role, Socket};
use std::collections::BTreeMap;
use tcp::Readiness;

/// Asks several sockets, and compares `revents` with the script's.
pub(super) fn poll(
    sockets: &BTreeMap<i64, Socket>,
    machine: &Machine,
    arguments: &[Argument],
) -> Result<Returned, String> {
    let Some(Argument::List(entries)) = arguments.first() else { return Err("expected `[{fd=...}]`".into()) };
    let (mut ready, mut wrong) = (0, None);
    for entry in entries {
        let Argument::Fields(fields) = entry else { return Err("expected `{fd=...}`".into()) };
        let field = |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value);
        let Some(Argument::Number(number)) = field("fd") else { return Err("`fd` is missing".into()) };
        let socket = sockets.get(number).ok_or_else(|| format!("no socket {number}"))?;
        let asked = names(field("events"));
        let always = ["POLLERR", "POLLHUP"];
        let found: Vec<&str> =
            state(socket, machine).into_iter().filter(|e| asked.contains(e) || always.contains(e)).collect();
        let mut wanted = names(field("revents"));
        wanted.sort_unstable();
        ready += !found.is_empty() as i64;
        if found != wanted {
            wrong = Some(format!("poll of {number} gives {found:?}, not {wanted:?}"));
        }
    }
    if ready == 0 && integer(arguments, 2)? != 0 {
        return Ok(Returned::Blocks);
    }
    wrong.map_or(Ok(Returned::Value(ready)), Err)
}

/// What is so, in order of names.
fn state(socket: &Socket, machine: &Machine) -> Vec<&'static str> {
    let ready = match socket.role {
        Role::Fresh => Readiness::NONE,
        Role::Listener(id) => {
            let can = machine.stack.tcp().can_accept(id);
            if can { Readiness::READABLE } else { Readiness::NONE }
        }
        Role::Connection(id) => machine.stack.tcp().readiness(id),
    };
    let over = ready.contains(Readiness::READ_CLOSED | Readiness::DRAINED) && {
        let Role::Connection(id) = socket.role else { return Vec::new() };
        machine
            .stack
            .tcp()
            .info(id)
            .is_some_and(|info| matches!(info.state, tcp::State::Closed | tcp::State::TimeWait))
    };
    let bits = [
        ("POLLERR", ready.contains(Readiness::FAILED)),
        ("POLLHUP", over),
        ("POLLIN", ready.contains(Readiness::READABLE)),
        ("POLLOUT", ready.contains(Readiness::WRITABLE)),
        ("POLLRDHUP", ready.contains(Readiness::READ_CLOSED)),
    ];
    bits.into_iter().filter(|(_, set)| *set).map(|(name, _)| name).collect()
}
