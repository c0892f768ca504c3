//! What every TCP socket of the facade stands on, whether threads or tasks use it.

mod vectored;

use crate::address::seen;
use crate::budget;
use crate::error::{self, not_connected, or_would_block};
use crate::patience::Patience;
use basis::Instant;
use runtime::{Awaited, Host};
use stack::{ConnectError, Stack};
use std::future::Future;
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tcp::congestion::Algorithm;
use tcp::{ConnectionId, FastOpenClient, Info, Readiness, SocketOptions, WriteMarks};

/// One end of a TCP connection. Clones of a stream and its halves share it; the last one's drop closes it.
pub(crate) struct Connection {
    pub(crate) host: Host,
    pub(crate) id: ConnectionId,
    /// Whether its owner speaks IPv6, so that IPv4 addresses are told as mapped ones.
    by_v6: bool,
    nonblocking: AtomicBool,
    pub(crate) read_patience: Patience,
    pub(crate) write_patience: Patience,
}

impl Connection {
    pub(crate) fn new(host: Host, id: ConnectionId, by_v6: bool, nonblocking: bool) -> Connection {
        Connection {
            host,
            id,
            by_v6,
            nonblocking: AtomicBool::new(nonblocking),
            read_patience: Patience::default(),
            write_patience: Patience::default(),
        }
    }

    /// Begins a connection to `remote`.
    pub(crate) fn begin(
        host: &Host,
        local: Option<SocketAddr>,
        remote: SocketAddr,
        options: Option<SocketOptions>,
        nonblocking: bool,
    ) -> io::Result<Connection> {
        let options = options.unwrap_or_default();
        let (host, id) = at_some_shard(host, |stack, now| stack.tcp_connect(now, local, remote, options))?;
        Ok(Connection::new(host, id, remote.is_ipv6(), nonblocking))
    }

    /// As [`Connection::begin`], with as much of `data` as the SYN can carry; returns also how much that is.
    pub(crate) fn begin_with_data(
        host: &Host,
        remote: SocketAddr,
        data: &[u8],
        nonblocking: bool,
    ) -> io::Result<(Connection, usize)> {
        let (options, fast_open) = (SocketOptions::default(), FastOpenClient::default());
        let (host, (id, taken)) = at_some_shard(host, |stack, now| {
            stack.tcp_connect_with_data(now, None, remote, options, fast_open, data)
        })?;
        Ok((Connection::new(host, id, remote.is_ipv6(), nonblocking), taken))
    }

    /// Whether the handshake is done, has failed, or goes on.
    pub(crate) fn poll_connected(stack: &mut Stack, id: ConnectionId) -> Poll<io::Result<()>> {
        let readiness = stack.tcp().readiness(id);
        if readiness.contains(Readiness::FAILED) {
            let reason = stack.tcp_mut().take_failure(id);
            return Poll::Ready(Err(reason.map_or_else(not_connected, error::failure)));
        }
        if readiness.contains(Readiness::CONNECTED) { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    /// Blocks until the handshake is done, for up to `patience`.
    pub(crate) fn wait_connected(&self, patience: Option<Duration>) -> io::Result<()> {
        let id = self.id;
        match self.host.wait(Awaited::Write(id), patience, |stack, _| Self::poll_connected(stack, id)) {
            Poll::Ready(result) => result,
            Poll::Pending => {
                // Whoever gave up does not want the connection any more.
                self.host.with(|stack, now| stack.tcp_mut().abort(now, id));
                Err(io::Error::new(io::ErrorKind::TimedOut, "connection timed out"))
            }
        }
    }

    /// Waits for the end of the handshake as a task.
    pub(crate) async fn connected(&self) -> io::Result<()> {
        let id = self.id;
        self.host.until(Awaited::Write(id), |stack, _| Self::poll_connected(stack, id)).await
    }

    pub(crate) fn set_nonblocking(&self, nonblocking: bool) {
        self.nonblocking.store(nonblocking, Ordering::Relaxed);
    }

    /// Runs `attempt` as the socket's mode wants it: once, or until it is ready or the patience is at its end.
    #[inline]
    pub(crate) fn run<T>(
        &self,
        awaited: Awaited,
        patience: &Patience,
        attempt: impl FnMut(&mut Stack, Instant) -> Poll<io::Result<T>>,
    ) -> io::Result<T> {
        or_would_block(if self.nonblocking.load(Ordering::Relaxed) {
            self.host.attempt(attempt)
        } else {
            // A read that took too long says "would block", as recv(2) with SO_RCVTIMEO does.
            self.host.wait(awaited, patience.get(), attempt)
        })
    }

    #[inline]
    pub(crate) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let id = self.id;
        self.run(Awaited::Read(id), &self.read_patience, |stack, now| {
            error::poll_read(stack.tcp_mut().read(now, id, buffer))
        })
    }

    pub(crate) fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let id = self.id;
        self.run(Awaited::Read(id), &self.read_patience, |stack, _| {
            error::poll_read(stack.tcp_mut().peek(id, buffer))
        })
    }

    #[inline]
    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let id = self.id;
        self.run(Awaited::Write(id), &self.write_patience, |stack, now| {
            error::poll_write(stack.tcp_mut().write(now, id, bytes))
        })
    }

    /// Writes, and says whether more follows and whether a record ends.
    pub(crate) fn write_marked(&self, bytes: &[u8], marks: WriteMarks) -> io::Result<usize> {
        let id = self.id;
        self.run(Awaited::Write(id), &self.write_patience, |stack, now| {
            error::poll_write(stack.tcp_mut().write_marked(now, id, bytes, marks))
        })
    }

    pub(crate) fn try_write_marked(&self, bytes: &[u8], marks: WriteMarks) -> io::Result<usize> {
        let id = self.id;
        or_would_block(
            self.host
                .attempt(|stack, now| error::poll_write(stack.tcp_mut().write_marked(now, id, bytes, marks))),
        )
    }

    pub(crate) fn quick_acknowledgments(&self) -> io::Result<bool> {
        let quick = self.host.with(|stack, _| stack.tcp().quick_acknowledgments(self.id));
        quick.ok_or_else(not_connected)
    }

    pub(crate) fn set_quick_acknowledgments(&self, on: bool) -> io::Result<()> {
        let found = self.host.with(|stack, _| stack.tcp_mut().set_quick_acknowledgments(self.id, on));
        if found { Ok(()) } else { Err(not_connected()) }
    }

    #[inline]
    pub(crate) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let id = self.id;
        or_would_block(
            self.host.attempt(|stack, now| error::poll_read(stack.tcp_mut().read(now, id, buffer))),
        )
    }

    #[inline]
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        let id = self.id;
        or_would_block(
            self.host.attempt(|stack, now| error::poll_write(stack.tcp_mut().write(now, id, bytes))),
        )
    }

    #[inline]
    pub(crate) fn poll_read(&self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let id = self.id;
        budget::poll(&self.host, Awaited::Read(id), context, |stack, now| {
            error::poll_read(stack.tcp_mut().read(now, id, buffer))
        })
    }

    pub(crate) fn poll_peek(&self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let id = self.id;
        budget::poll(&self.host, Awaited::Read(id), context, |stack, _| {
            error::poll_read(stack.tcp_mut().peek(id, buffer))
        })
    }

    #[inline]
    pub(crate) fn poll_write(&self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let id = self.id;
        budget::poll(&self.host, Awaited::Write(id), context, |stack, now| {
            error::poll_write(stack.tcp_mut().write(now, id, bytes))
        })
    }

    /// Waits until the peek is ready.
    pub(crate) async fn peeked(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let id = self.id;
        budget::until(&self.host, Awaited::Read(id), |stack, _| {
            error::poll_read(stack.tcp_mut().peek(id, buffer))
        })
        .await
    }

    /// A future of any of `wanted`; it gives all that holds of `wanted` then.
    pub(crate) fn ready(
        &self,
        awaited: Awaited,
        wanted: Readiness,
    ) -> impl Future<Output = io::Result<Readiness>> {
        let id = self.id;
        budget::until(&self.host, awaited, move |stack, _| ready_now(stack, id, wanted))
    }

    /// The same for a `poll_*` function.
    pub(crate) fn poll_ready(
        &self,
        awaited: Awaited,
        wanted: Readiness,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<Readiness>> {
        let id = self.id;
        budget::poll(&self.host, awaited, context, |stack, _| ready_now(stack, id, wanted))
    }

    pub(crate) fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        let how = match how {
            Shutdown::Read => tcp::Shutdown::Read,
            Shutdown::Write => tcp::Shutdown::Write,
            Shutdown::Both => tcp::Shutdown::Both,
        };
        let id = self.id;
        // Another thread may be waiting in a read or a write that will now end.
        self.host
            .with_waking(&[Awaited::Read(id), Awaited::Write(id)], |stack, now| {
                stack.tcp_mut().shutdown(now, id, how)
            })
            .map_err(error::shutdown)
    }

    /// Ends the connection with a RST.
    pub(crate) fn abort(&self) {
        let id = self.id;
        self.host.with_waking(&[Awaited::Read(id), Awaited::Write(id)], |stack, now| {
            stack.tcp_mut().abort(now, id)
        });
    }

    pub(crate) fn local_address(&self) -> io::Result<SocketAddr> {
        let tuple = self.host.with(|stack, _| stack.tcp().tuple(self.id));
        tuple.map(|tuple| seen(tuple.local_address(), self.by_v6)).ok_or_else(not_connected)
    }

    pub(crate) fn remote_address(&self) -> io::Result<SocketAddr> {
        let tuple = self.host.with(|stack, _| stack.tcp().tuple(self.id));
        tuple.map(|tuple| seen(tuple.remote_address(), self.by_v6)).ok_or_else(not_connected)
    }

    pub(crate) fn options(&self) -> io::Result<SocketOptions> {
        self.host.with(|stack, _| stack.tcp().options(self.id)).ok_or_else(not_connected)
    }

    /// Changes options; the closure gets the present ones.
    pub(crate) fn change_options(&self, change: impl FnOnce(&mut SocketOptions)) -> io::Result<()> {
        let id = self.id;
        self.host.with(|stack, now| {
            let mut options = stack.tcp().options(id).ok_or_else(not_connected)?;
            change(&mut options);
            stack.tcp_mut().set_options(now, id, options);
            Ok(())
        })
    }

    pub(crate) fn congestion(&self) -> io::Result<Algorithm> {
        self.info()?.congestion.ok_or_else(not_connected)
    }

    pub(crate) fn set_time_to_live(&self, ttl: u32) -> io::Result<()> {
        let time_to_live = crate::ttl::from_u32(ttl)?;
        self.change_options(|options| options.time_to_live = time_to_live)
    }

    pub(crate) fn take_error(&self) -> io::Result<Option<io::Error>> {
        Ok(self.host.with(|stack, _| stack.tcp_mut().take_failure(self.id)).map(error::failure))
    }

    pub(crate) fn info(&self) -> io::Result<Info> {
        self.host.with(|stack, _| stack.tcp().info(self.id)).ok_or_else(not_connected)
    }

    /// Waits, for up to the linger time, until everything is acknowledged.
    fn linger(&self, patience: Duration) {
        let id = self.id;
        // A connection that is not connected, or shut down already, has nothing to begin with.
        let _ = self.host.with(|stack, now| stack.tcp_mut().shutdown(now, id, tcp::Shutdown::Write));
        let _ = self.host.wait(Awaited::Write(id), Some(patience), |stack, _| {
            let drained = stack.tcp().readiness(id).contains(Readiness::DRAINED);
            if drained { Poll::Ready(Ok(())) } else { Poll::Pending }
        });
    }
}

/// Begins a connection at the shard whose turn it is: at another if a wanted port leads there, or if all ports are taken here. Returns also
/// that shard.
fn at_some_shard<T>(
    host: &Host,
    begin: impl Fn(&mut Stack, Instant) -> Result<T, ConnectError>,
) -> io::Result<(Host, T)> {
    let mut shard = host.next_shard();
    let mut others = host.shard_count();
    loop {
        let begun = or_would_block(shard.attempt(|stack, now| Poll::Ready(Ok(begin(stack, now)))))?;
        others -= 1;
        shard = match begun {
            Ok(begun) => return Ok((shard, begun)),
            Err(ConnectError::OtherShard(right)) if others > 0 => shard.shard(right),
            Err(ConnectError::NoFreePort) if others > 0 => {
                host.shard((shard.shard_number() + 1) % host.shard_count())
            }
            Err(error) => return Err(error::connect(error)),
        };
    }
}

fn ready_now(stack: &mut Stack, id: ConnectionId, wanted: Readiness) -> Poll<io::Result<Readiness>> {
    let readiness = stack.tcp().readiness(id);
    if readiness.intersects(wanted | Readiness::FAILED) || stack.tcp().tuple(id).is_none() {
        Poll::Ready(Ok(readiness))
    } else {
        Poll::Pending
    }
}

impl Drop for Connection {
    /// What a write has accepted is still delivered, unless a linger time of zero says that it is to be thrown away. A
    /// blocking socket waits here for as long as its linger time says; a non-blocking one never does.
    fn drop(&mut self) {
        let id = self.id;
        if !*self.nonblocking.get_mut()
            && let Some(patience) = self.options().ok().and_then(|options| options.linger)
            && !patience.is_zero()
        {
            self.linger(patience);
        }
        // A waker of a `poll_*` function may be left; it goes with the socket.
        self.host.with_waking(&[Awaited::Read(id), Awaited::Write(id)], |stack, now| {
            stack.tcp_mut().close(now, id)
        });
    }
}
