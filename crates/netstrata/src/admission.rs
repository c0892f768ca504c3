//! Calls that are decided on before they are answered.

use crate::error;
use runtime::Host;
use stack::Unreachable;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use tcp::Decision;

/// A call that waits for a decision: its SYN was not answered yet. Made by `request` of a listener that
/// [asks](crate::TcpListener::set_admission). One that is dropped undecided is ignored.
///
/// ```
/// use netstrata::{Host, TcpListener, TcpStream};
/// let host = Host::builder().start()?;
/// let listener = TcpListener::bind(&host, "127.0.0.1:80")?;
/// listener.set_admission(true)?;
/// let caller = std::thread::spawn({
///     let host = host.clone();
///     move || TcpStream::connect(&host, "127.0.0.1:80")
/// });
/// let request = listener.request()?;
/// assert_eq!(request.local_addr(), "127.0.0.1:80".parse().unwrap());
/// request.accept()?;
/// let (stream, peer) = listener.accept()?;
/// assert_eq!(stream.peer_addr()?, peer);
/// # caller.join().unwrap()?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use = "a request that is dropped is ignored"]
pub struct Request {
    host: Host,
    request: tcp::Request,
    decided: bool,
}

impl Request {
    pub(crate) fn new(host: Host, request: tcp::Request) -> Request {
        Request { host, request, decided: false }
    }

    /// Who calls.
    pub fn peer_addr(&self) -> SocketAddr {
        self.request.tuple.remote_address()
    }

    /// Whom it calls.
    pub fn local_addr(&self) -> SocketAddr {
        self.request.tuple.local_address()
    }

    /// Lets the handshake go on; once it is done, the listener's `accept` gives the connection.
    ///
    /// # Errors
    /// [`ConnectionAborted`](io::ErrorKind::ConnectionAborted) if the caller has given up or waited for too long, or the listener
    /// is gone.
    pub fn accept(self) -> io::Result<()> {
        self.decide(Decision::Accept)
    }

    /// Answers with a RST: to the caller, nobody listens there.
    ///
    /// # Errors
    /// Those of [`Request::accept`].
    pub fn refuse(self) -> io::Result<()> {
        self.decide(Decision::Refuse)
    }

    /// Answers with an ICMP error that says why the call does not get there, as a router would, so far as such errors may be sent just
    /// now: the caller learns of it at once, or else when it repeats its SYN.
    ///
    /// # Errors
    /// Those of [`Request::accept`].
    pub fn unreachable(mut self, why: Unreachable) -> io::Result<()> {
        self.decided = true;
        let request = self.request;
        self.host.with(|stack, now| stack.tcp_decide_unreachable(now, &request, why)).map_err(error::decide)
    }

    /// Answers nothing. When the caller repeats its SYN, that is a request of its own.
    ///
    /// # Errors
    /// Those of [`Request::accept`].
    pub fn ignore(self) -> io::Result<()> {
        self.decide(Decision::Ignore)
    }

    fn decide(mut self, decision: Decision) -> io::Result<()> {
        self.decided = true;
        let id = self.request.id;
        self.host.with(|stack, now| stack.tcp_mut().decide(now, id, decision)).map_err(error::decide)
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        if !self.decided {
            let id = self.request.id;
            // Whether it still waits does not matter any more.
            let _ = self.host.with(|stack, now| stack.tcp_mut().decide(now, id, Decision::Ignore));
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("addr", &self.local_addr()).field("peer", &self.peer_addr()).finish()
    }
}
