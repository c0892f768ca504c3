//! Sockets of the operating system's for flows of datagrams, each for one guest and one destination, until they are silent for too long.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use services::Stop;
use services::gateway::Flow;
use socket2::SockRef;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

/// Bytes of the longest datagram.
const LONGEST: usize = 65_535;

/// One flow's socket.
pub(crate) struct Way {
    socket: UdpSocket,
    flow: Flow,
    used: Mutex<Instant>,
}

/// What came of waiting.
pub(crate) enum Arrival {
    /// A datagram, in the buffer.
    Datagram,
    /// Word that an earlier one failed.
    Failed(io::Error),
    /// The flow is over.
    Over,
}

impl Way {
    /// A flow over a connected socket.
    pub(crate) fn new(socket: UdpSocket, flow: Flow) -> Way {
        Way { socket, flow, used: Mutex::new(Instant::now()) }
    }

    /// Sends what the guest sent. An error that waits at the socket is of an earlier datagram, and this one is sent all the same.
    pub(crate) fn send(&self, bytes: &[u8], counted: usize) -> io::Result<()> {
        self.touch();
        self.flow.tally().count_received(counted);
        let socket = SockRef::from(&self.socket);
        match socket.send(bytes) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => socket.send(bytes).map(drop),
            sent => sent.map(drop),
        }
    }

    /// Waits for a datagram for the guest; `buffer` is empty, and has room only while one is there.
    pub(crate) async fn receive(&self, buffer: &mut Vec<u8>, idle: Duration, stop: &mut Stop) -> Arrival {
        loop {
            buffer.reserve_exact(LONGEST);
            match self.socket.try_recv_buf(buffer) {
                Ok(length) => {
                    self.touch();
                    self.flow.tally().count_sent(length);
                    return Arrival::Datagram;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Arrival::Failed(error),
            }
            // A thousand flows that wait hold no buffers.
            *buffer = Vec::new();
            let until = *self.used() + idle;
            tokio::select! {
                ready = timeout_at(until, self.socket.readable()) => match ready {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => return Arrival::Failed(error),
                    // The guest may have sent meanwhile.
                    Err(_) if *self.used() + idle > Instant::now() => {}
                    Err(_) => return Arrival::Over,
                },
                () = stop.cut() => return Arrival::Over,
            }
        }
    }

    fn touch(&self) {
        *self.used() = Instant::now();
    }

    fn used(&self) -> MutexGuard<'_, Instant> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The ways by what tells them apart. As many as there are flows.
pub(crate) struct Ways<K>(Mutex<BTreeMap<K, Arc<Way>>>);

impl<K: Ord> Ways<K> {
    pub(crate) fn new() -> Arc<Ways<K>> {
        Arc::new(Ways(Mutex::default()))
    }

    /// The way of `key`; if there is none, the one that `open` makes, for which `back` carries until it is over.
    ///
    /// # Errors
    /// Those of `open`.
    pub(crate) async fn enter<E, B>(
        self: &Arc<Self>,
        key: K,
        open: impl Future<Output = Result<Way, E>>,
        back: impl FnOnce(Arc<Way>) -> B,
        running: &mut JoinSet<()>,
    ) -> Result<Arc<Way>, E>
    where
        K: Copy + Send + 'static,
        B: Future<Output = ()> + Send + 'static,
    {
        if let Some(way) = self.table().get(&key) {
            return Ok(Arc::clone(way));
        }
        let way = Arc::new(open.await?);
        self.table().insert(key, Arc::clone(&way));
        let (ways, back) = (Arc::clone(self), back(Arc::clone(&way)));
        running.spawn(async move {
            back.await;
            ways.table().remove(&key);
        });
        Ok(way)
    }

    fn table(&self) -> MutexGuard<'_, BTreeMap<K, Arc<Way>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use services::Stopper;
    use services::gateway::{Flows, Holder, Limits, Protocol};
    use std::net::SocketAddr;
    use tokio::time::sleep;

    #[tokio::test(start_paused = true)]
    async fn a_flow_ends_when_nobody_has_used_it_for_so_long() {
        const IDLE: Duration = Duration::from_secs(60);
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let there = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        socket.connect(there).await.unwrap();
        let guest = SocketAddr::from(([10, 7, 0, 2], 4000));
        let flows = Flows::new(Limits::default(), Arc::default());
        let began = Instant::now();
        let holder = Holder::Station([2, 0, 0, 0, 0, 2]);
        let flow = flows.enter(Protocol::Udp, holder, guest, there, began.into_std()).unwrap();
        let way = Arc::new(Way::new(socket, flow));
        let (_stopper, mut stop) = Stopper::new();
        // What the guest sends counts as use until the last moment, though nothing comes back.
        let used = Arc::clone(&way);
        tokio::spawn(async move {
            sleep(IDLE - Duration::from_millis(1)).await;
            used.touch();
        });
        assert!(matches!(way.receive(&mut Vec::new(), IDLE, &mut stop).await, Arrival::Over));
        assert_eq!(began.elapsed(), 2 * IDLE - Duration::from_millis(1));
    }
}
