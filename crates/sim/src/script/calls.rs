//! What the socket calls of a script do on the stack.

use super::arguments::{Returned, integer, names};
use super::machine::Machine;
use super::notation::Argument;
use super::peer::stream;
use super::sockets::{Role, Socket, error_name};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use tcp::{
    AcceptError, ConnectionId, FastOpenClient, ReadError, Readiness, Shutdown, ShutdownError, SocketOptions,
    WriteError, WriteMarks,
};

/// The port that scripts listen on and connect to; further peers of `connect` have the next ones.
pub(crate) const PORT: u16 = 8080;

use Returned::{Blocks, Error, Value};

/// The sockets of a script, and what it needs to make more of them.
#[derive(Clone, Default)]
pub(crate) struct Sockets {
    pub(crate) open: BTreeMap<i64, Socket>,
    /// Connections that `connect` has begun, for the runner to know their peers.
    pub(crate) begun: Vec<ConnectionId>,
    connects: u16,
}

type Result<T> = std::result::Result<T, String>;

impl Sockets {
    /// Makes a call. `number` is the one that the script expects of a call which makes a socket.
    pub(crate) fn call(
        &mut self,
        machine: &mut Machine,
        name: &str,
        arguments: &[Argument],
        number: Option<i64>,
    ) -> Result<Returned> {
        if name == "socket" {
            return self.socket(number);
        }
        if name == "poll" {
            return super::poll::poll(&self.open, machine, arguments);
        }
        let descriptor = integer(arguments, 0)?;
        let Some(socket) = self.open.get_mut(&descriptor) else { return Ok(Error("EBADF")) };
        match name {
            "bind" => {
                socket.bound = true;
                Ok(Value(0))
            }
            "listen" => listen(socket, machine, integer(arguments, 1)?),
            "accept" | "accept4" => self.accept(machine, descriptor, number),
            "connect" => self.connect(machine, descriptor),
            "read" | "recv" | "recvfrom" => read(socket, machine, arguments),
            "sendto" if socket.role == Role::Fresh && names(arguments.get(3)).contains(&"MSG_FASTOPEN") => {
                self.open_with_data(machine, descriptor, integer(arguments, 2)?)
            }
            "write" | "send" | "sendto" => write(socket, machine, arguments),
            "shutdown" => shutdown(socket, machine, arguments),
            "close" => {
                let role = socket.role;
                self.open.remove(&descriptor);
                match role {
                    Role::Fresh => {}
                    Role::Listener(id) => machine.stack.tcp_mut().close_listener(machine.now, id),
                    Role::Connection(id) => machine.stack.tcp_mut().close(machine.now, id),
                }
                Ok(Value(0))
            }
            "fcntl" => fcntl(socket, arguments),
            "setsockopt" => super::socket_options::set(socket, machine, arguments),
            "getsockopt" => super::socket_options::get(socket, machine, arguments),
            "ioctl" => super::socket_options::ioctl(socket, machine, arguments),
            _ => Err(format!("unknown call `{name}`")),
        }
    }

    fn socket(&mut self, number: Option<i64>) -> Result<Returned> {
        let number = number.ok_or("`socket` returns a number")?;
        self.open.insert(number, Socket::new(Role::Fresh, SocketOptions::default()));
        Ok(Value(number))
    }

    fn accept(&mut self, machine: &mut Machine, descriptor: i64, number: Option<i64>) -> Result<Returned> {
        let Some(socket) = self.open.get(&descriptor) else { return Ok(Error("EBADF")) };
        let Role::Listener(listener) = socket.role else { return Ok(Error("EINVAL")) };
        match machine.stack.tcp_mut().accept(listener) {
            Ok(id) => {
                let options = machine.stack.tcp().options(id).unwrap_or_default();
                // A script that expected an error is told of the connection by its number.
                let number = number.unwrap_or(descriptor + 1);
                self.open.insert(number, Socket::new(Role::Connection(id), options));
                Ok(Value(number))
            }
            Err(AcceptError::WouldBlock) => Ok(would_block(socket)),
            Err(AcceptError::NotListening) => Ok(Error("EINVAL")),
        }
    }

    /// Begins a connection whose SYN carries what it can of `count` bytes; without a cookie of the peer it asks for one.
    fn open_with_data(&mut self, machine: &mut Machine, descriptor: i64, count: i64) -> Result<Returned> {
        let Some(socket) = self.open.get_mut(&descriptor) else { return Ok(Error("EBADF")) };
        let (local, remote) = ends(machine, socket, self.connects);
        let data = stream(socket.written, count.clamp(0, 1 << 20) as usize);
        let fast_open = FastOpenClient { require_cookie: !socket.without_cookie };
        let (now, options) = (machine.now, socket.options);
        let begun = machine.stack.tcp_connect_with_data(now, local, remote, options, fast_open, &data);
        let (id, taken) = begun.map_err(|error| format!("sendto: {error}"))?;
        self.connects += 1;
        self.begun.push(id);
        socket.role = Role::Connection(id);
        socket.written = socket.written.wrapping_add(taken as u32);
        Ok(if taken == 0 { Error("EINPROGRESS") } else { Value(taken as i64) })
    }

    fn connect(&mut self, machine: &mut Machine, descriptor: i64) -> Result<Returned> {
        let Some(socket) = self.open.get_mut(&descriptor) else { return Ok(Error("EBADF")) };
        let id = match socket.role {
            Role::Listener(_) => return Ok(Error("EISCONN")),
            Role::Connection(id) => id,
            Role::Fresh => {
                let (local, remote) = ends(machine, socket, self.connects);
                let id = match machine.stack.tcp_connect(machine.now, local, remote, socket.options) {
                    Ok(id) => id,
                    Err(stack::ConnectError::AddressInUse) => return Ok(Error("EADDRNOTAVAIL")),
                    Err(error) => return Err(format!("connect: {error}")),
                };
                self.connects += 1;
                self.begun.push(id);
                socket.role = Role::Connection(id);
                if socket.non_blocking {
                    return Ok(Error("EINPROGRESS"));
                }
                id
            }
        };
        let ready = machine.stack.tcp().readiness(id);
        if ready.contains(Readiness::FAILED) {
            let failure = machine.stack.tcp_mut().take_failure(id);
            return Ok(failure.map_or(Value(0), |failure| Error(error_name(failure))));
        }
        if !ready.contains(Readiness::CONNECTED) {
            return Ok(if socket.non_blocking { Error("EALREADY") } else { Blocks });
        }
        Ok(if std::mem::replace(&mut socket.connect_told, true) { Error("EISCONN") } else { Value(0) })
    }
}

/// Both ends of a connection that `socket` begins after `connects` others.
fn ends(machine: &Machine, socket: &Socket, connects: u16) -> (Option<SocketAddr>, SocketAddr) {
    let family = machine.family;
    let named = |address| family.as_socket_has(address);
    let local = socket.bound.then_some(SocketAddr::new(named(family.local()), PORT));
    (local, SocketAddr::new(named(family.remote()), PORT + connects))
}

fn would_block(socket: &Socket) -> Returned {
    if socket.non_blocking { Error("EAGAIN") } else { Blocks }
}

fn listen(socket: &mut Socket, machine: &mut Machine, backlog: i64) -> Result<Returned> {
    let local = SocketAddr::new(machine.family.everywhere(), PORT);
    match machine.stack.tcp_listen(local, backlog.clamp(0, 1 << 20) as u32, socket.options) {
        Ok((id, _)) => {
            socket.role = Role::Listener(id);
            Ok(Value(0))
        }
        Err(stack::BindError::AddressInUse) => Ok(Error("EADDRINUSE")),
        Err(error) => Err(format!("listen: {error}")),
    }
}

fn read(socket: &mut Socket, machine: &mut Machine, arguments: &[Argument]) -> Result<Returned> {
    let Role::Connection(id) = socket.role else { return Ok(Error("ENOTCONN")) };
    let mut out = vec![0; integer(arguments, 2)?.clamp(0, 1 << 26) as usize];
    let flags = names(arguments.get(3));
    let peek = flags.contains(&"MSG_PEEK");
    let tcp = machine.stack.tcp_mut();
    let result = if peek { tcp.peek(id, &mut out) } else { tcp.read(machine.now, id, &mut out) };
    match result {
        Ok(count) => {
            if out[..count] != stream(socket.read, count)[..] {
                return Err(format!(
                    "the {count} bytes read from {} on are not those that were sent",
                    socket.read
                ));
            }
            socket.read = socket.read.wrapping_add(if peek { 0 } else { count as u32 });
            Ok(Value(count as i64))
        }
        Err(ReadError::WouldBlock) if flags.contains(&"MSG_DONTWAIT") => Ok(Error("EAGAIN")),
        Err(ReadError::WouldBlock) => Ok(would_block(socket)),
        Err(ReadError::NotConnected) => Ok(Error("ENOTCONN")),
        Err(ReadError::Failed(failure)) => Ok(Error(error_name(failure))),
    }
}

fn write(socket: &mut Socket, machine: &mut Machine, arguments: &[Argument]) -> Result<Returned> {
    let Role::Connection(id) = socket.role else { return Ok(Error("ENOTCONN")) };
    let wanted = integer(arguments, 2)?.clamp(0, 1 << 26) as usize;
    let flags = names(arguments.get(3));
    let non_blocking = socket.non_blocking || flags.contains(&"MSG_DONTWAIT");
    let marks = WriteMarks { more: flags.contains(&"MSG_MORE"), end_of_record: flags.contains(&"MSG_EOR") };
    loop {
        let data = stream(socket.written, wanted - socket.partial);
        match machine.stack.tcp_mut().write_marked(machine.now, id, &data, marks) {
            Ok(count) => {
                socket.written = socket.written.wrapping_add(count as u32);
                socket.partial += count;
                if socket.partial == wanted || non_blocking {
                    return Ok(Value(std::mem::take(&mut socket.partial) as i64));
                }
            }
            Err(WriteError::WouldBlock) if non_blocking => return Ok(Error("EAGAIN")),
            Err(WriteError::WouldBlock) => return Ok(Blocks),
            Err(WriteError::NotConnected) => return Ok(Error("ENOTCONN")),
            Err(WriteError::Shutdown) => return Ok(Error("EPIPE")),
            Err(WriteError::Failed(failure)) => return Ok(Error(error_name(failure))),
        }
    }
}

fn shutdown(socket: &Socket, machine: &mut Machine, arguments: &[Argument]) -> Result<Returned> {
    let Role::Connection(id) = socket.role else { return Ok(Error("ENOTCONN")) };
    let how = match names(arguments.get(1))[..] {
        ["SHUT_RD"] => Shutdown::Read,
        ["SHUT_WR"] => Shutdown::Write,
        ["SHUT_RDWR"] => Shutdown::Both,
        _ => return Err("how to shut down?".into()),
    };
    match machine.stack.tcp_mut().shutdown(machine.now, id, how) {
        Ok(()) => Ok(Value(0)),
        Err(ShutdownError::NotConnected) => Ok(Error("ENOTCONN")),
    }
}

fn fcntl(socket: &mut Socket, arguments: &[Argument]) -> Result<Returned> {
    /// O_RDWR and O_NONBLOCK of Linux.
    const MODES: (i64, i64) = (2, 0x800);
    match names(arguments.get(1))[..] {
        ["F_GETFL"] => Ok(Value(MODES.0 | if socket.non_blocking { MODES.1 } else { 0 })),
        ["F_SETFL"] => {
            socket.non_blocking = names(arguments.get(2)).contains(&"O_NONBLOCK");
            Ok(Value(0))
        }
        _ => Err("fcntl: only F_GETFL and F_SETFL are understood".into()),
    }
}
