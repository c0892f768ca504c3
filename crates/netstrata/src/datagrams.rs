//! What every UDP socket of the facade stands on.

use crate::address::seen;
use crate::budget;
use crate::error::{self, not_connected, or_would_block};
use crate::patience::Patience;
use runtime::{Awaited, Host};
use stack::{GroupError, InterfaceId, Received, Stack, UdpId, UdpReadiness};
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

/// A bound UDP socket. Its clones share it; the last one's drop closes it.
pub(crate) struct Datagrams {
    pub(crate) host: Host,
    id: UdpId,
    /// Whether its owner speaks IPv6, so that IPv4 addresses are told as mapped ones.
    by_v6: bool,
    nonblocking: AtomicBool,
    pub(crate) read_patience: Patience,
    pub(crate) write_patience: Patience,
}

/// What a socket has of its address and port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Binding {
    Usual,
    /// At `[::]`, addresses of IPv6 alone.
    V6Only,
    /// Others that want so have it, too.
    Shared,
}

/// Whether a datagram is taken out of the queue or stays there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Take {
    Out,
    Peek,
}

impl Datagrams {
    pub(crate) fn bind(
        host: &Host,
        address: SocketAddr,
        nonblocking: bool,
        binding: Binding,
    ) -> io::Result<Datagrams> {
        let bind = |stack: &mut Stack| match binding {
            Binding::Usual => stack.udp_bind(address),
            Binding::V6Only => stack.udp_bind_v6_only(address),
            Binding::Shared => stack.udp_bind_shared(address),
        };
        let host = host.shard(0);
        let id = host.with(|stack, _| bind(stack)).map_err(error::bind)?;
        Ok(Datagrams {
            host,
            id,
            by_v6: address.is_ipv6(),
            nonblocking: AtomicBool::new(nonblocking),
            read_patience: Patience::default(),
            write_patience: Patience::default(),
        })
    }

    /// Bound to every address and every port that nobody else has.
    pub(crate) fn bind_any(host: &Host, nonblocking: bool) -> io::Result<Datagrams> {
        let host = host.shard(0);
        let id = host.with(|stack, _| stack.udp_bind_any()).map_err(error::bind)?;
        Ok(Datagrams {
            host,
            id,
            by_v6: false,
            nonblocking: AtomicBool::new(nonblocking),
            read_patience: Patience::default(),
            write_patience: Patience::default(),
        })
    }

    pub(crate) fn connect(&self, remote: SocketAddr) -> io::Result<()> {
        self.host.with(|stack, _| stack.udp_connect(self.id, remote)).map_err(error::udp_connect)
    }

    fn run<T>(
        &self,
        awaited: Awaited,
        patience: &Patience,
        attempt: impl FnMut(&mut Stack, basis::Instant) -> Poll<io::Result<T>>,
    ) -> io::Result<T> {
        or_would_block(if self.nonblocking.load(Ordering::Relaxed) {
            self.host.attempt(attempt)
        } else {
            self.host.wait(awaited, patience.get(), attempt)
        })
    }

    fn receive_now(
        &self,
        stack: &mut Stack,
        buffer: &mut [u8],
        take: Take,
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        let received = match take {
            Take::Out => stack.udp_receive(self.id, buffer),
            Take::Peek => stack.udp_peek(self.id, buffer),
        };
        // What does not fit is lost, as recvfrom(2) has it.
        error::poll_receive(received).map_ok(|(copied, _, from)| (copied, seen(from, self.by_v6)))
    }

    pub(crate) fn receive(&self, buffer: &mut [u8], take: Take) -> io::Result<(usize, SocketAddr)> {
        self.run(Awaited::Receive(self.id), &self.read_patience, |stack, _| {
            self.receive_now(stack, buffer, take)
        })
    }

    pub(crate) fn try_receive(&self, buffer: &mut [u8], take: Take) -> io::Result<(usize, SocketAddr)> {
        or_would_block(self.host.attempt(|stack, _| self.receive_now(stack, buffer, take)))
    }

    pub(crate) async fn received(&self, buffer: &mut [u8], take: Take) -> io::Result<(usize, SocketAddr)> {
        budget::until(&self.host, Awaited::Receive(self.id), |stack, _| self.receive_now(stack, buffer, take))
            .await
    }

    pub(crate) fn poll_receive(
        &self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
        take: Take,
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        budget::poll(&self.host, Awaited::Receive(self.id), context, |stack, _| {
            self.receive_now(stack, buffer, take)
        })
    }

    fn receive_all_now(&self, stack: &mut Stack, buffer: &mut [u8]) -> Poll<io::Result<Received>> {
        let received = error::poll_receive(stack.udp_receive_to(self.id, buffer));
        received.map_ok(|datagram| Received {
            from: seen(datagram.from, self.by_v6),
            to: seen(datagram.to, self.by_v6),
            ..datagram
        })
    }

    /// Receives, and tells all that is known of the datagram.
    pub(crate) fn receive_all(&self, buffer: &mut [u8]) -> io::Result<Received> {
        let attempt = |stack: &mut Stack, _| self.receive_all_now(stack, buffer);
        self.run(Awaited::Receive(self.id), &self.read_patience, attempt)
    }

    /// The same as a task.
    pub(crate) async fn received_all(&self, buffer: &mut [u8]) -> io::Result<Received> {
        budget::until(&self.host, Awaited::Receive(self.id), |stack, _| self.receive_all_now(stack, buffer))
            .await
    }

    /// Sends from an address of the caller's choice.
    pub(crate) fn send_from(&self, bytes: &[u8], from: SocketAddr, to: SocketAddr) -> io::Result<usize> {
        let attempt =
            |stack: &mut Stack, now| error::poll_send(stack.udp_send_from(now, self.id, bytes, from, to));
        self.run(Awaited::Send(self.id), &self.write_patience, attempt)
    }

    /// The same as a task.
    pub(crate) async fn sent_from(
        &self,
        bytes: &[u8],
        from: SocketAddr,
        to: SocketAddr,
    ) -> io::Result<usize> {
        let attempt =
            |stack: &mut Stack, now| error::poll_send(stack.udp_send_from(now, self.id, bytes, from, to));
        budget::until(&self.host, Awaited::Send(self.id), attempt).await
    }

    fn send_now(
        &self,
        stack: &mut Stack,
        now: basis::Instant,
        bytes: &[u8],
        to: Option<SocketAddr>,
    ) -> Poll<io::Result<usize>> {
        error::poll_send(stack.udp_send(now, self.id, bytes, to))
    }

    pub(crate) fn send(&self, bytes: &[u8], to: Option<SocketAddr>) -> io::Result<usize> {
        let attempt = |stack: &mut Stack, now| self.send_now(stack, now, bytes, to);
        self.run(Awaited::Send(self.id), &self.write_patience, attempt)
    }

    pub(crate) fn try_send(&self, bytes: &[u8], to: Option<SocketAddr>) -> io::Result<usize> {
        or_would_block(self.host.attempt(|stack, now| self.send_now(stack, now, bytes, to)))
    }

    pub(crate) async fn sent(&self, bytes: &[u8], to: Option<SocketAddr>) -> io::Result<usize> {
        budget::until(&self.host, Awaited::Send(self.id), |stack, now| self.send_now(stack, now, bytes, to))
            .await
    }

    pub(crate) fn poll_send(
        &self,
        context: &mut Context<'_>,
        bytes: &[u8],
        to: Option<SocketAddr>,
    ) -> Poll<io::Result<usize>> {
        budget::poll(&self.host, Awaited::Send(self.id), context, |stack, now| {
            self.send_now(stack, now, bytes, to)
        })
    }

    fn ready_now(&self, stack: &Stack, wanted: UdpReadiness) -> Poll<io::Result<UdpReadiness>> {
        let readiness = stack.udp_readiness(self.id);
        let wanted = wanted | UdpReadiness::FAILED;
        if readiness.intersects(wanted) { Poll::Ready(Ok(readiness)) } else { Poll::Pending }
    }

    /// A future of any of `wanted`; it gives all that holds then.
    pub(crate) fn ready(
        &self,
        awaited: fn(UdpId) -> Awaited,
        wanted: UdpReadiness,
    ) -> impl Future<Output = io::Result<UdpReadiness>> {
        budget::until(&self.host, awaited(self.id), move |stack, _| self.ready_now(stack, wanted))
    }

    pub(crate) fn poll_ready(
        &self,
        awaited: fn(UdpId) -> Awaited,
        wanted: UdpReadiness,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<UdpReadiness>> {
        budget::poll(&self.host, awaited(self.id), context, |stack, _| self.ready_now(stack, wanted))
    }

    pub(crate) fn local_address(&self) -> io::Result<SocketAddr> {
        let local = self.host.with(|stack, _| stack.udp_local(self.id));
        local.map(|local| seen(local, self.by_v6)).ok_or_else(not_connected)
    }

    pub(crate) fn remote_address(&self) -> io::Result<SocketAddr> {
        let remote = self.host.with(|stack, _| stack.udp_remote(self.id));
        remote.map(|remote| seen(remote, self.by_v6)).ok_or_else(not_connected)
    }

    pub(crate) fn set_nonblocking(&self, nonblocking: bool) {
        self.nonblocking.store(nonblocking, Ordering::Relaxed);
    }

    /// What the socket is ready for now.
    pub(crate) fn readiness(&self) -> UdpReadiness {
        self.host.with(|stack, _| stack.udp_readiness(self.id))
    }

    pub(crate) fn set_broadcast(&self, allowed: bool) -> io::Result<()> {
        let known = self.host.with(|stack, _| stack.udp_set_broadcast(self.id, allowed));
        if known { Ok(()) } else { Err(not_connected()) }
    }

    pub(crate) fn broadcast(&self) -> io::Result<bool> {
        self.host.with(|stack, _| stack.udp_broadcast(self.id)).ok_or_else(not_connected)
    }

    pub(crate) fn set_time_to_live(&self, ttl: u32) -> io::Result<()> {
        let hops = crate::ttl::from_u32(ttl)?;
        let known = self.host.with(|stack, _| stack.udp_set_ttl(self.id, hops));
        if known { Ok(()) } else { Err(not_connected()) }
    }

    pub(crate) fn time_to_live(&self) -> io::Result<u32> {
        self.host.with(|stack, _| stack.udp_ttl(self.id)).map(u32::from).ok_or_else(not_connected)
    }

    /// Joins or leaves a group on an interface, or on the first that can reach it.
    fn group(&self, group: IpAddr, interface: Option<InterfaceId>, join: bool) -> io::Result<()> {
        let act = |stack: &mut Stack, now| match join {
            true => stack.udp_join(now, self.id, group, interface),
            false => stack.udp_leave(now, self.id, group, interface),
        };
        self.host.with(act).map_err(error::group)
    }

    /// The same by the address of the interface, or by none.
    pub(crate) fn group_v4(&self, group: Ipv4Addr, interface: Ipv4Addr, join: bool) -> io::Result<()> {
        let of_address = |stack: &mut Stack, _| {
            let own = stack.addresses().find(|own| own.address.addr() == IpAddr::V4(interface));
            own.map(|own| own.interface)
        };
        let id = if interface.is_unspecified() {
            None
        } else {
            Some(self.host.with(of_address).ok_or_else(|| error::group(GroupError::NoSuchInterface))?)
        };
        self.group(IpAddr::V4(group), id, join)
    }

    /// The same by the scope id of the interface, or by 0 for none.
    pub(crate) fn group_v6(&self, group: Ipv6Addr, interface: u32, join: bool) -> io::Result<()> {
        self.group(IpAddr::V6(group), InterfaceId::from_scope(interface), join)
    }

    pub(crate) fn set_multicast_loop(&self, six: bool, comes_back: bool) -> io::Result<()> {
        let known = self.host.with(|stack, _| stack.udp_set_multicast_loop(self.id, six, comes_back));
        if known { Ok(()) } else { Err(not_connected()) }
    }

    pub(crate) fn multicast_loop(&self, six: bool) -> io::Result<bool> {
        self.host.with(|stack, _| stack.udp_multicast_loop(self.id, six)).ok_or_else(not_connected)
    }

    pub(crate) fn set_multicast_time_to_live(&self, ttl: u32) -> io::Result<()> {
        let hops = u8::try_from(ttl).map_err(|_| error::invalid_input("a time to live is 0 to 255"))?;
        let known = self.host.with(|stack, _| stack.udp_set_multicast_ttl(self.id, hops));
        if known { Ok(()) } else { Err(not_connected()) }
    }

    pub(crate) fn multicast_time_to_live(&self) -> io::Result<u32> {
        self.host.with(|stack, _| stack.udp_multicast_ttl(self.id)).map(u32::from).ok_or_else(not_connected)
    }

    pub(crate) fn take_error(&self) -> io::Result<Option<io::Error>> {
        Ok(self.host.with(|stack, _| stack.udp_take_error(self.id)).map(error::icmp))
    }
}

impl Drop for Datagrams {
    fn drop(&mut self) {
        let id = self.id;
        self.host.with_waking(&[Awaited::Receive(id), Awaited::Send(id)], |stack, _| stack.udp_close(id));
    }
}
