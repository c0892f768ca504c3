//! A host whose address comes from a DHCP server (RFC 2131), and who keeps it for the host.

use super::plug::{LAN_PROBING, Network};
use basis::Random;
use dhcp::{CLIENT_PORT, Client, Event, Lease, SERVER_PORT};
use ipnet::{IpNet, Ipv4Net};
use runtime::{Awaited, Host};
use stack::{AddressState, Defence, InterfaceId, Probing, ReceiveError, UdpId};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::thread;
use std::time::Duration;
use wire::ethernet::MacAddress;

/// How long the probing of an address takes at most.
const PROBING: Duration = Duration::from_secs(10);

/// The address of a host that a DHCP server gave it. A thread asks for more time when that is due, and for another address when this one is
/// over. The drop gives the address back.
pub struct Leased {
    holder: Arc<Holder>,
}

struct Holder {
    host: Host,
    interface: InterfaceId,
    socket: UdpId,
    client: Mutex<Client>,
    ended: AtomicBool,
}

/// Who is told what happens to a lease.
type Told = Box<dyn FnMut(&Event) + Send>;

impl Network {
    /// Starts the host with an address that a DHCP server of the link gives, for up to `patience`; its router is used too. `told` hears what
    /// happens to the lease from then on. The network's own addresses and gateway do not count. When somebody else claims the address again
    /// and again it is not defended for ever, since there are others (RFC 5227 2.4 b): it is declined, and another is asked for.
    ///
    /// ```no_run
    /// use netstrata::{LinkSpec, Network};
    /// use std::time::Duration;
    /// let network = Network::new(LinkSpec::default());
    /// let (host, leased) = network.start_leased(Duration::from_secs(30), |event| println!("{event:?}"))?;
    /// println!("{:?}", leased.lease());
    /// # drop(host);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Network::start`]; [`TimedOut`](ErrorKind::TimedOut) if no address was given in that time.
    pub fn start_leased(
        mut self,
        patience: Duration,
        told: impl FnMut(&Event) + Send + 'static,
    ) -> io::Result<(Host, Leased)> {
        self.config.defence = Defence::GiveUp;
        let seed = runtime::entropy()?;
        let mut random = Random::new(seed);
        let [a, b, c, d, e, f, ..] = random.next_u64().to_be_bytes();
        let (host, station) = self.start_bare(MacAddress([(a & 0xfc) | 0x02, b, c, d, e, f]))?;
        let result = Holder::new(&host, Client::new(host.now(), station.0, random))
            .and_then(|holder| hold(holder, patience, Box::new(told)));
        match result {
            Ok(leased) => Ok((host, leased)),
            Err(error) => {
                host.shutdown(Duration::ZERO);
                Err(error)
            }
        }
    }
}

/// Gets the first address, and a thread that keeps it.
fn hold(holder: Holder, patience: Duration, mut told: Told) -> io::Result<Leased> {
    let holder = Arc::new(holder);
    let leased = Leased { holder: Arc::clone(&holder) };
    let end = holder.host.now() + patience;
    loop {
        for event in holder.step(Some(end))? {
            if holder.obey(&event)? {
                told(&event);
                thread::Builder::new().name("dhcp".to_owned()).spawn(move || keep(&holder, told))?;
                return Ok(leased);
            }
        }
        if holder.host.now() >= end {
            return Err(io::Error::new(ErrorKind::TimedOut, "no DHCP server has given an address"));
        }
    }
}

/// Until the lease is given back or the host ends.
fn keep(holder: &Holder, mut told: Told) {
    while !holder.ended.load(Ordering::Acquire) {
        // The host has ended.
        let Ok(events) = holder.step(None) else { return };
        for event in events {
            match holder.obey(&event) {
                Ok(true) => told(&event),
                Ok(false) => {}
                // Its address could not be used: the client says so next, and looks for another.
                Err(_) => holder.client().give_up(holder.host.now()),
            }
        }
    }
}

impl Leased {
    /// What the host has at present. Nothing while a lost address is not yet replaced.
    pub fn lease(&self) -> Option<Lease> {
        self.holder.client().lease().cloned()
    }

    /// Gives the address back once all that was written is delivered, or `patience` is over. What still uses the address then is cut off
    /// by whom the server gives it to.
    pub fn release(self, patience: Duration) {
        let host = &self.holder.host;
        let end = host.now() + patience;
        while host.now() < end && host.with(|stack, _| stack.tcp().undelivered()) > 0 {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Leased {
    fn drop(&mut self) {
        let holder = &self.holder;
        holder.client().release();
        // A host that has ended says nothing any more.
        let _ = holder.say();
        holder.ended.store(true, Ordering::Release);
        holder.host.with_waking(&[Awaited::Receive(holder.socket), Awaited::Address], |_, _| {});
    }
}

impl Holder {
    fn new(host: &Host, client: Client) -> io::Result<Holder> {
        let first = host.shard(0);
        let interface = first.interfaces().first().copied();
        let interface =
            interface.ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "the host has no interface"))?;
        let local = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), CLIENT_PORT);
        let socket = first.with(|stack, _| {
            let socket = stack.udp_bind(local)?;
            stack.udp_set_broadcast(socket, true);
            Ok(socket)
        });
        let socket = socket.map_err(crate::error::bind)?;
        let (client, ended) = (Mutex::new(client), AtomicBool::new(false));
        Ok(Holder { host: first, interface, socket, client, ended })
    }

    fn client(&self) -> MutexGuard<'_, Client> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends what is due, and waits for a message or for what is due next, but not beyond `end`. Returns what has happened.
    fn step(&self, end: Option<basis::Instant>) -> io::Result<Vec<Event>> {
        self.say()?;
        let (due, listening) = {
            let client = self.client();
            (client.poll_timeout(), client.is_listening())
        };
        let until = due.into_iter().chain(end).min();
        let patience = until.map(|until| until.saturating_since(self.host.now()));
        match listening {
            true => self.listen(patience)?,
            false => self.watch(patience)?,
        }
        self.say()?;
        let mut client = self.client();
        Ok(std::iter::from_fn(|| client.poll_event()).collect())
    }

    /// Waits until somebody else has the address in use, which is declined then.
    fn watch(&self, patience: Option<Duration>) -> io::Result<()> {
        let in_use = self.client().lease().map(|lease| IpAddr::V4(lease.address));
        let lost = self.host.wait(Awaited::Address, patience, |stack, _| {
            let state = in_use.and_then(|address| stack.address_state(address));
            match state {
                Some(AddressState::Conflict(_)) => Poll::Ready(Ok(true)),
                _ if self.ended.load(Ordering::Acquire) => Poll::Ready(Ok(false)),
                _ => Poll::Pending,
            }
        });
        if let Poll::Ready(lost) = lost
            && lost?
        {
            self.client().decline(self.host.now());
        }
        Ok(())
    }

    /// Waits for a message.
    fn listen(&self, patience: Option<Duration>) -> io::Result<()> {
        let mut bytes = [0; dhcp::LONGEST + 1];
        let received = self.host.wait(Awaited::Receive(self.socket), patience, |stack, _| {
            if self.ended.load(Ordering::Acquire) {
                return Poll::Ready(Ok(None));
            }
            match stack.udp_receive(self.socket, &mut bytes) {
                Ok((copied, _, from)) => Poll::Ready(Ok(Some((copied, from)))),
                Err(ReceiveError::WouldBlock) => Poll::Pending,
                // What ICMP told of an earlier message: it is sent again in its time.
                Err(ReceiveError::Failed(_)) => Poll::Ready(Ok(None)),
                Err(ReceiveError::NoSuchSocket) => Poll::Ready(Err(crate::error::not_connected())),
            }
        });
        if let Poll::Ready(received) = received
            && let Some((length, from)) = received?
            && from.port() == SERVER_PORT
        {
            self.client().on_message(self.host.now(), bytes.get(..length).unwrap_or_default());
        }
        Ok(())
    }

    /// Sends what is due.
    fn say(&self) -> io::Result<()> {
        let now = self.host.now();
        loop {
            // Who asks for the lease meanwhile does not wait for the stack.
            let Some(sent) = self.client().poll_transmit(now) else { break };
            let to = SocketAddr::new(sent.to.into(), SERVER_PORT);
            // One that cannot leave, because the link is down or its queue full, is as good as lost: it is sent again in its time.
            self.host.with(|stack, now| stack.udp_send(now, self.socket, &sent.bytes, Some(to))).ok();
        }
        if self.host.is_stopped() { Err(crate::error::not_connected()) } else { Ok(()) }
    }

    /// Does what an event asks for. False if it came to nothing because somebody else has the address.
    fn obey(&self, event: &Event) -> io::Result<bool> {
        match event {
            Event::Given(lease) => self.take(lease),
            Event::Extended(lease) => {
                self.reach(lease);
                self.lead_by(lease.router);
                Ok(true)
            }
            Event::Unusable(lease) => {
                // It may not have come to be added.
                let _ = self.host.with(|stack, _| stack.remove_address(lease.address.into()));
                Ok(true)
            }
            Event::Lost(lease) => {
                self.lead_by(None);
                // It was added when it was given.
                let _ = self.host.with(|stack, _| stack.remove_address(lease.address.into()));
                Ok(true)
            }
        }
    }

    /// Uses an address unless somebody else does (RFC 2131 4.4.1, RFC 5227).
    fn take(&self, lease: &Lease) -> io::Result<bool> {
        let address = IpAddr::V4(lease.address);
        let added = self
            .host
            .with(|stack, now| stack.add_address(now, self.interface, address, lease.prefix, LAN_PROBING));
        added.map_err(|error| {
            io::Error::new(ErrorKind::InvalidInput, format!("address {address} of a lease: {error}"))
        })?;
        match self.host.wait_address(&[address], PROBING) {
            Ok(()) => {
                self.lead_by(lease.router);
                self.client().accept();
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                let _ = self.host.with(|stack, _| stack.remove_address(address));
                self.client().decline(self.host.now());
                self.say()?;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Has the address in use in the network that its lease says now. It has been this host's all the time, so it is not probed again.
    fn reach(&self, lease: &Lease) {
        let address = IpAddr::V4(lease.address);
        self.host.with(|stack, now| {
            let known = stack.addresses().find(|own| own.address.addr() == address);
            if known.is_none_or(|own| own.address.prefix_len() == lease.prefix) {
                return;
            }
            // There is room for what was there a moment ago.
            let _ = stack.remove_address(address);
            let _ = stack.add_address(now, self.interface, address, lease.prefix, Probing::Skip);
        });
    }

    /// Has this router, and no other, for the way to other networks.
    fn lead_by(&self, router: Option<Ipv4Addr>) {
        let everywhere = IpNet::V4(Ipv4Net::default());
        self.host.with(|stack, _| {
            let old: Vec<_> = stack
                .routes()
                .filter(|route| route.destination == everywhere && route.interface == self.interface)
                .collect();
            if old.iter().any(|route| route.gateway == router.map(IpAddr::V4)) {
                return;
            }
            for route in old {
                // It was there a moment ago.
                let _ = stack.remove_route(route.destination, route.gateway, route.interface);
            }
            if let Some(router) = router {
                // A full table leaves the host with its own network.
                let _ = stack.add_route(everywhere, Some(router.into()), self.interface);
            }
        });
    }
}
