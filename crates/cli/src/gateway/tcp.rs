//! Guests' TCP calls: each is answered once the connection that carries it on stands, and else refused as that was.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use netstrata::tokio::{TcpListener, TcpStream};
use netstrata::{Keepalive, Request, SocketOptions, Unreachable};
use services::gateway::{Cause, Flow, Protocol};
use services::{Stop, carry as carry_on};
use tokio::net;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::engine::Engine;
use super::outcome;
use crate::serve::carried::Connection;

/// How long a connection outside may take to come about.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a guest may take for its handshake: as long as the stack waits, and a little.
const HANDSHAKE: Duration = Duration::from_secs(70);
/// When silent guests are asked whether they are still there: one that is gone must not keep its flows.
const KEEPALIVE: Keepalive =
    Keepalive { idle: Duration::from_secs(600), interval: Duration::from_secs(60), probes: 5 };

/// Who waits for which guest's handshake.
#[derive(Default)]
struct Handshakes(Mutex<BTreeMap<(SocketAddr, SocketAddr), oneshot::Sender<TcpStream>>>);

impl Handshakes {
    fn table(
        &self,
    ) -> std::sync::MutexGuard<'_, BTreeMap<(SocketAddr, SocketAddr), oneshot::Sender<TcpStream>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn expect(&self, call: (SocketAddr, SocketAddr)) -> oneshot::Receiver<TcpStream> {
        let (sender, receiver) = oneshot::channel();
        self.table().insert(call, sender);
        receiver
    }

    /// The handshake is done. Whom nobody waits for any more is reset: then tells whom that one meant.
    fn complete(&self, stream: TcpStream, peer: SocketAddr) -> Option<SocketAddr> {
        let local = stream.local_addr().ok()?;
        let waits = self.table().remove(&(peer, local));
        let unwanted = match waits {
            Some(waits) => waits.send(stream).err(),
            None => Some(stream),
        };
        unwanted?.abort();
        Some(local)
    }

    /// Nobody waits for this one any more, unless the guest has begun anew.
    fn forget(&self, call: (SocketAddr, SocketAddr)) {
        let mut table = self.table();
        if table.get(&call).is_some_and(oneshot::Sender::is_closed) {
            table.remove(&call);
        }
    }
}

/// Opens the way for calls.
pub(crate) fn listen(engine: &Engine) -> io::Result<TcpListener> {
    let options = SocketOptions { no_delay: true, keepalive: Some(KEEPALIVE), ..SocketOptions::default() };
    let listener = TcpListener::bind_any_with(&engine.host, engine.backlog, options)?;
    listener.set_admission(true)?;
    Ok(listener)
}

/// Carries calls until told to stop, and until those that are carried have ended then.
pub(crate) async fn carry(engine: Arc<Engine>, listener: TcpListener) {
    let handshakes = Arc::new(Handshakes::default());
    let mut stop = engine.stop.clone();
    let mut calls = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = stop.draining() => break,
            Some(_) = calls.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    if let Some(meant) = handshakes.complete(stream, peer) {
                        engine.count(Cause::Unawaited, peer.ip(), Protocol::Tcp, meant);
                    }
                }
                Err(error) => tracing::debug!(%error, "a guest's call ended before it was taken"),
            },
            request = listener.request() => match request {
                Ok(request) => begin(&engine, request, &handshakes, &mut calls),
                // The host is gone, and with it all calls.
                Err(error) => {
                    tracing::error!(%error, "no more calls of guests are taken");
                    break;
                }
            }
        }
    }
    drop(listener);
    // Who still waits for a handshake waits in vain.
    handshakes.table().clear();
    while calls.join_next().await.is_some() {}
}

fn begin(engine: &Arc<Engine>, request: Request, handshakes: &Arc<Handshakes>, calls: &mut JoinSet<()>) {
    let (guest, meant) = (request.peer_addr(), request.local_addr());
    // Whether the caller is still there to hear the answer changes nothing.
    let _ = match engine.admit(Protocol::Tcp, guest, meant) {
        Ok((flow, target)) => {
            calls.spawn(one(Arc::clone(engine), request, flow, target, Arc::clone(handshakes)));
            return;
        }
        // It repeats its SYN in a second, when there may be room.
        // And who is no guest is not there to hear it.
        Err(Cause::GuestRate | Cause::Foreign) => request.ignore(),
        Err(_) => request.refuse(),
    };
}

async fn one(
    engine: Arc<Engine>,
    request: Request,
    flow: Flow,
    target: SocketAddr,
    handshakes: Arc<Handshakes>,
) {
    let (guest, meant) = (request.peer_addr(), request.local_addr());
    let mut stop = engine.stop.clone();
    let answered = before_the_end(answer(request, target, &handshakes), &mut stop).await;
    handshakes.forget((guest, meant));
    let (mut stream, mut called) = match answered {
        Ok(answered) => answered,
        Err(cause) => return engine.count(cause, guest.ip(), Protocol::Tcp, meant),
    };
    // It may have been reset meanwhile, which shows when it is carried.
    let _ = stream.0.set_recv_buffer_size(flow.buffer());
    let _ = stream.0.set_send_buffer_size(flow.buffer());
    let (cause, why) = tokio::select! {
        // Carrying first: once begun it resets both sides when it is dropped before its end.
        biased;
        carried = carry_on(&mut stream, &mut called, flow.tally()) => match carried {
            Ok(()) => return,
            Err(broken) => (outcome::of_broken(&broken), broken.error.to_string()),
        },
        () = stop.cut() => (Cause::Cut, "the gateway ends".to_owned()),
    };
    let (received, sent) = (flow.tally().received(), flow.tally().sent());
    tracing::debug!(%guest, %meant, cause = cause.name(), why, received, sent, "call broken off");
    engine.counters.count(cause, Some(guest.ip()), format_args!("tcp to {meant}: {why}"));
}

/// Answers a call once the connection outside stands; both of its sides.
async fn answer(
    request: Request,
    target: SocketAddr,
    handshakes: &Handshakes,
) -> Result<(Connection, net::TcpStream), Cause> {
    let called = match outside(net::TcpStream::connect(target)).await {
        Ok(called) => called,
        Err(error) => {
            let (cause, why) = outcome::of(&error);
            // Whether the caller is still there to hear it changes nothing.
            let _ = match why {
                Unreachable::Port => request.refuse(),
                why => request.unreachable(why),
            };
            return Err(cause);
        }
    };
    // Only a hint: it works without.
    let _ = called.set_nodelay(true);
    let handshake = handshakes.expect((request.peer_addr(), request.local_addr()));
    request.accept().map_err(|_| Cause::Abandoned)?;
    Ok((Connection(inside(handshake).await?), called))
}

/// What a call was answered, if it was before the end. Once no more calls are taken nobody waits for a handshake: that is not the guest's
/// doing.
async fn before_the_end<T>(
    answering: impl Future<Output = Result<T, Cause>>,
    stop: &mut Stop,
) -> Result<T, Cause> {
    let answered = tokio::select! {
        answered = answering => answered,
        () = stop.cut() => Err(Cause::Unanswered),
    };
    answered.map_err(|cause| match cause {
        Cause::Abandoned if stop.is_draining() => Cause::Unanswered,
        cause => cause,
    })
}

/// The connection outside, if it comes about in time.
async fn outside<T>(connecting: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(PATIENCE, connecting).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// The guest's connection, if its handshake is done in time.
async fn inside<T>(handshake: oneshot::Receiver<T>) -> Result<T, Cause> {
    match timeout(HANDSHAKE, handshake).await {
        Ok(Ok(stream)) => Ok(stream),
        _ => Err(Cause::Abandoned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use services::Stopper;
    use std::future::pending;
    use tokio::time::{Instant, sleep};

    #[tokio::test(start_paused = true)]
    async fn a_call_waits_so_long_for_the_outside_and_for_its_guest_and_no_longer() {
        let began = Instant::now();
        let late = outside(pending::<io::Result<()>>()).await.unwrap_err();
        assert_eq!((late.kind(), began.elapsed()), (io::ErrorKind::TimedOut, PATIENCE));
        let just = sleep(PATIENCE - Duration::from_millis(1));
        let just = async {
            just.await;
            Ok(())
        };
        assert!(outside(just).await.is_ok());

        let began = Instant::now();
        let (_guest, handshake) = oneshot::channel::<()>();
        assert!(matches!(inside(handshake).await, Err(Cause::Abandoned)));
        assert_eq!(began.elapsed(), HANDSHAKE);
        let (guest, handshake) = oneshot::channel();
        tokio::spawn(async {
            sleep(HANDSHAKE - Duration::from_millis(1)).await;
            guest.send(7)
        });
        assert!(matches!(inside(handshake).await, Ok(7)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_was_not_answered_before_the_end_was_not_broken_off() {
        let (stopper, mut stop) = Stopper::new();
        let abandoned = async { Err::<(), _>(Cause::Abandoned) };
        assert_eq!(before_the_end(abandoned, &mut stop).await, Err(Cause::Abandoned));
        stopper.drain(Duration::from_secs(10));
        // Its handshake is waited for no more.
        let abandoned = async { Err::<(), _>(Cause::Abandoned) };
        assert_eq!(before_the_end(abandoned, &mut stop).await, Err(Cause::Unanswered));
        let began = Instant::now();
        let cut = before_the_end(pending::<Result<(), Cause>>(), &mut stop).await;
        assert_eq!((cut, began.elapsed().as_secs()), (Err(Cause::Unanswered), 10));
        assert!(!Cause::Unanswered.breaks_off());
        assert_eq!(before_the_end(async { Ok(7) }, &mut Stopper::new().1).await, Ok(7));
    }
}
