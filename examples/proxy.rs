//! A proxy in the manner of tun2socks: whoever has this host for a router calls any address and port, and is answered once a connection
//! of the operating system's to there stands; else the call is refused as it was out there.

use netstrata::tokio::{TcpListener, TcpStream};
use netstrata::{Host, LinkSpec, Network, Request, Unreachable};
use std::{collections::BTreeMap, io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net;
use tokio::sync::{Mutex, oneshot};

type Handshakes = Arc<Mutex<BTreeMap<(SocketAddr, SocketAddr), oneshot::Sender<TcpStream>>>>;
type Outside = fn(SocketAddr) -> SocketAddr;

async fn proxy(host: Host, outside: Outside) -> io::Result<()> {
    let (listener, handshakes) = (TcpListener::bind_any(&host)?, Handshakes::default());
    listener.set_admission(true)?;
    loop {
        tokio::select! {
            request = listener.request() => drop(tokio::spawn(carry(request?, outside, handshakes.clone()))),
            accepted = listener.accept() => {
                let (stream, peer) = accepted?;
                handshakes.lock().await.remove(&(peer, stream.local_addr()?)).map(|waits| waits.send(stream));
            }
        }
    }
}

async fn carry(request: Request, outside: Outside, handshakes: Handshakes) -> io::Result<()> {
    let mut called = match net::TcpStream::connect(outside(request.local_addr())).await {
        Ok(called) => called,
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => return request.refuse(),
        Err(_) => return request.unreachable(Unreachable::Host),
    };
    let (sender, accepted) = oneshot::channel();
    handshakes.lock().await.insert((request.peer_addr(), request.local_addr()), sender);
    request.accept()?;
    if let Ok(Ok(mut caller)) = tokio::time::timeout(Duration::from_secs(70), accepted).await {
        return copy_bidirectional(&mut caller, &mut called).await.map(drop);
    }
    handshakes.lock().await.retain(|_, sender| !sender.is_closed());
    Ok(())
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let guest = Network::new(LinkSpec::Memory).address([10, 7, 0, 2].into(), 24);
    let router = Network::new(LinkSpec::Memory).address([10, 7, 0, 1].into(), 24).intercepts(true);
    let (guest, router) = guest.gateway(Some([10, 7, 0, 1].into())).pair(router)?;
    // All the world is on the loopback here; a real proxy calls whom its guest meant.
    tokio::spawn(proxy(router, |meant| SocketAddr::from(([127, 0, 0, 1], meant.port()))));

    let server = net::TcpListener::bind("127.0.0.1:0").await?;
    let port = server.local_addr()?.port();
    tokio::spawn(async move { server.accept().await?.0.write_all(b"welcome from outside").await });
    let mut text = String::new();
    TcpStream::connect(&guest, ("203.0.113.9", port)).await?.read_to_string(&mut text).await?;
    let Err(error) = TcpStream::connect(&guest, ("198.51.100.7", 1)).await else { return Ok(()) };
    println!("{text}\n{}", error.kind());
    Ok(())
}
