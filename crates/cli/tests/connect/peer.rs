//! Whom the command calls: a peer in this process, on our stack or on the operating system's sockets.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use crate::common::{Lan, Outcome, Process, netstrata, run};

/// A peer in this process, on either kind of socket.
pub(crate) enum Listener {
    System(std::net::TcpListener),
    Ours(netstrata::TcpListener),
}

pub(crate) trait Stream: Read + Write + Send {
    fn end(&self);
    fn reset(self: Box<Self>);
}

impl Stream for std::net::TcpStream {
    fn end(&self) {
        self.shutdown(Shutdown::Write).unwrap();
    }

    fn reset(self: Box<Self>) {
        socket2::SockRef::from(&*self).set_linger(Some(Duration::ZERO)).unwrap();
    }
}

impl Stream for netstrata::TcpStream {
    fn end(&self) {
        self.shutdown(Shutdown::Write).unwrap();
    }

    fn reset(self: Box<Self>) {
        self.set_linger(Some(Duration::ZERO)).unwrap();
    }
}

impl Listener {
    pub(crate) fn accept(&self) -> Box<dyn Stream> {
        match self {
            Listener::System(listener) => Box::new(listener.accept().unwrap().0),
            Listener::Ours(listener) => Box::new(listener.accept().unwrap().0),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        match self {
            Listener::System(listener) => listener.local_addr().unwrap(),
            Listener::Ours(listener) => listener.local_addr().unwrap(),
        }
    }
}

/// One of the two networks: how to get there, and a peer on it.
pub(crate) struct Network {
    pub(crate) link: String,
    pub(crate) listener: Listener,
    pub(crate) address: String,
    _lan: Lan,
}

pub(crate) fn networks() -> [Network; 2] {
    let (lan, other) = (Lan::new(), Lan::new());
    let ours = Listener::Ours(netstrata::TcpListener::bind(&lan.host(9), "10.7.0.9:7777").unwrap());
    let system = Listener::System(std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let network = |lan: Lan, link: String, listener: Listener| {
        let address = listener.address().to_string();
        Network { link, listener, address, _lan: lan }
    };
    let link = lan.link();
    [network(lan, link, ours), network(other, "host".to_owned(), system)]
}

impl Network {
    /// Runs `connect` with this input while `peer` is at the other end.
    pub(crate) fn hold<T: Send>(
        &self,
        flags: &[&str],
        input: &[u8],
        peer: impl FnOnce(Box<dyn Stream>) -> T + Send,
    ) -> (Outcome, T) {
        thread::scope(|scope| {
            let peer = scope.spawn(|| peer(self.listener.accept()));
            let outcome = run(&[&["connect", &self.address, "--link", &self.link], flags].concat(), input);
            (outcome, peer.join().unwrap())
        })
    }

    /// The same with a standard input that never ends.
    pub(crate) fn hold_open(&self, flags: &[&str], peer: impl FnOnce(Box<dyn Stream>) + Send) -> Outcome {
        thread::scope(|scope| {
            let peer = scope.spawn(|| peer(self.listener.accept()));
            let mut command = netstrata();
            command.args(["connect", &self.address, "--link", &self.link]).args(flags);
            let mut process = Process::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()));
            let _open = process.child.stdin.take();
            let mut stdout = Vec::new();
            process.child.stdout.take().unwrap().read_to_end(&mut stdout).unwrap();
            let code = process.wait().code();
            peer.join().unwrap();
            Outcome { code, stdout, stderr: process.stderr() }
        })
    }
}

pub(crate) fn read_all(stream: &mut dyn Stream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    bytes
}
