//! What is done with one datagram: handed out, handed in, and told of.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use netstrata::tokio::UdpSocket;
use netstrata::{Failed, Unreachable};
use services::gateway::{Cause, Protocol};

use super::engine::Engine;
use super::kernel;
use super::notice::{Hop, Notice};
use super::outcome;
use super::outside::Outside;

/// Sends a datagram; what its sender is told if that cannot be.
pub(crate) fn sent(
    engine: &Engine,
    outside: &Outside,
    (guest, meant): (SocketAddr, SocketAddr),
    target: SocketAddr,
    payload: &[u8],
    hop: Hop,
) -> Result<(), Unreachable> {
    match outside.send(payload, Some(target), hop) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            engine.count(Cause::Dropped, guest.ip(), Protocol::Udp, meant);
            Ok(())
        }
        Err(error) if kernel::is_too_long(&error) => {
            while let Some(notice) = outside.notice() {
                tell(engine, guest, meant, &notice, payload);
            }
            Ok(())
        }
        Err(error) => {
            let (cause, why) = outcome::of(&error);
            engine.count(cause, guest.ip(), Protocol::Udp, meant);
            Err(why)
        }
    }
}

/// Hands a datagram to a guest.
pub(crate) async fn hand_in(
    inside: &UdpSocket,
    bytes: &[u8],
    from: SocketAddr,
    guest: SocketAddr,
) -> io::Result<usize> {
    inside.send_from_to(bytes, from, guest).await
}

/// Tells a guest what became of a datagram of its, as which `sent` counts where the notice has none.
pub(crate) fn tell(engine: &Engine, guest: SocketAddr, meant: SocketAddr, notice: &Notice, sent: &[u8]) {
    engine.count(notice.cause, guest.ip(), Protocol::Udp, meant);
    let payload = if notice.payload.is_empty() { sent } else { &notice.payload };
    let teller = engine.teller(notice, meant.ip());
    engine.tell(Failed::Datagram { from: guest, to: meant, payload }, notice.why, teller);
}
