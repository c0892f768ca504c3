//! A socket as an application sees it.

use crate::address::Family;
use crate::history::History;
use crate::notices::{Notice, Notices};
use crate::patience::Patience;
use crate::send_memory::SendMemory;
use stack::UdpId;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;
use tcp::{ConnectionId, Failure, Keepalive, ListenerId, SocketOptions, State};

/// What a socket is by now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    /// For a stream, and neither listening nor connected.
    Fresh,
    Listener(ListenerId),
    Connection(ConnectionId),
    /// For datagrams; bound at its first use at the latest.
    Datagrams(Option<UdpId>),
}

/// A socket.
#[derive(Clone, Debug)]
pub(crate) struct Socket {
    pub(crate) role: Role,
    pub(crate) family: Family,
    /// Where it is bound to, if it is.
    pub(crate) bound: Option<SocketAddr>,
    pub(crate) options: SocketOptions,
    /// Kept also while keepalive is off.
    pub(crate) keepalive: Keepalive,
    pub(crate) non_blocking: bool,
    /// `connect` has told how it went.
    pub(crate) connect_told: bool,
    /// How long a call to receive or to send waits; zero for ever.
    pub(crate) receive_timeout: Duration,
    pub(crate) send_timeout: Duration,
    /// A read tells how many bytes are left (TCP_INQ).
    pub(crate) tells_rest: bool,
    /// Reading was shut down: an end of stream that the peer did not send.
    pub(crate) read_shut: bool,
    /// How often a direction was shut down.
    pub(crate) shutdowns: u32,
    /// Why it failed, taken from the stack and not told yet.
    pub(crate) failure: Option<Failure>,
    /// Options that are kept and given back, and have no effect on what leaves.
    pub(crate) remembered: BTreeMap<(i32, i32), i32>,
    pub(crate) activity: Activity,
    pub(crate) history: History,
    pub(crate) send_memory: SendMemory,
    pub(crate) notices: Notices,
    /// TCP_FASTOPEN and TCP_FASTOPEN_KEY, if they were set.
    pub(crate) fast_open: Option<u32>,
    pub(crate) fast_open_key: Option<[u8; 16]>,
    pub(crate) early: Early,
}

/// How a connection that is begun sends data with its SYN (RFC 7413).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Early {
    /// `connect` waits for the first write, where the SYN can carry its data (TCP_FASTOPEN_CONNECT).
    pub(crate) waits: bool,
    /// No cookie is needed (TCP_FASTOPEN_NO_COOKIE).
    pub(crate) without_cookie: bool,
    /// Where to, once `connect` has said so and waits.
    pub(crate) remote: Option<SocketAddr>,
    /// How often the SYN may be sent again (TCP_SYNCNT).
    pub(crate) retries: Option<u8>,
}

/// What was seen of a socket when somebody last looked for news.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Activity {
    pub(crate) bits: u32,
    /// The state of the connection: whatever changes it wakes all who watch, whether or not any bit changes.
    pub(crate) state: Option<State>,
    /// How often a direction was shut down, which wakes them as well.
    pub(crate) shutdowns: u32,
    pub(crate) received: u64,
    pub(crate) waiting: u32,
    pub(crate) notices: u64,
}

impl Socket {
    /// Whether a call with `flags` sends without a copy.
    pub(crate) fn sends_without_copy(&self, flags: i32) -> bool {
        let asked = self.remembered.get(&(libc::SOL_SOCKET, libc::SO_ZEROCOPY)).is_some_and(|on| *on != 0);
        asked && flags & libc::MSG_ZEROCOPY != 0
    }

    /// Bytes that make it readable (SO_RCVLOWAT).
    pub(crate) fn least_to_read(&self) -> usize {
        let chosen = self.remembered.get(&(libc::SOL_SOCKET, libc::SO_RCVLOWAT));
        chosen.and_then(|least| usize::try_from(*least).ok()).unwrap_or(1).max(1)
    }

    /// Where a connection begins, as far as that was chosen.
    pub(crate) fn local(&self) -> Option<SocketAddr> {
        self.bound.filter(|bound| !bound.ip().is_unspecified() || bound.port() != 0)
    }

    /// How long a call waits; `at_once` when it was asked not to.
    pub(crate) fn patience(&self, timeout: Duration, at_once: bool) -> Patience {
        match timeout {
            _ if self.non_blocking || at_once => Patience::None,
            Duration::ZERO => Patience::Endless,
            timeout => Patience::For(timeout),
        }
    }
}

/// What a call to receive has got.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Received {
    /// Bytes laid into the buffer.
    pub(crate) count: usize,
    /// Bytes that the datagram had; as `count` for a stream.
    pub(crate) whole: usize,
    /// Who sent it, for a datagram.
    pub(crate) source: Option<SocketAddr>,
    /// Bytes still to be read, if the socket is to tell.
    pub(crate) rest: Option<i32>,
    /// Not data but a notice.
    pub(crate) notice: Option<Notice>,
}
