//! Netstrata: a host with its own thread, and blocking sockets.

use crate::case::{Case, Device};
use crate::namespace::{INTERFACE, STACK};
use crate::traffic::{ECHO, PIECE, Pattern, SINK, SOURCE, Sink};
use netstrata::link::tuntap::{self, Offload};
use netstrata::{Host, InterfaceSetup, LinkSpec, Network, TcpListener, TcpStream};
use std::io::{Read, Write};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread;

pub fn start(case: Case, received: &Arc<AtomicU64>, verify: bool) -> anyhow::Result<()> {
    let offload = if case.device == Device::Offload { Offload::On } else { Offload::Gathered };
    let link = tuntap::Device::tun(INTERFACE, offload)?;
    let setup = InterfaceSetup::new(INTERFACE).address(STACK.into(), 24);
    let host = Host::builder().interface(Box::new(link), setup).start()?;
    offer(&host, received, verify)
}

/// The same with a thread for each of two queues.
pub fn start_two_shards(received: &Arc<AtomicU64>, verify: bool) -> anyhow::Result<()> {
    let network = Network::new(LinkSpec::Tun(INTERFACE.to_owned())).address(Ipv4Addr::from(STACK).into(), 24);
    offer(&network.shards(2).start()?, received, verify)
}

fn offer(host: &Host, received: &Arc<AtomicU64>, verify: bool) -> anyhow::Result<()> {
    let sink = Sink::new(received, verify);
    serve(host, SINK, move |stream| {
        let mut sink = sink.clone();
        // As smoltcp's subject reads: where the bytes lie.
        while let Ok(bytes) = stream.read_bytes(PIECE)
            && !bytes.is_empty()
        {
            sink.take(&bytes);
        }
    })?;
    serve(host, SOURCE, |mut stream| {
        let (pattern, mut position) = (Pattern::new(), 0);
        while let Ok(count) = stream.write(pattern.at(position)) {
            position += count as u64;
        }
    })?;
    serve(host, ECHO, |mut stream| {
        let mut piece = vec![0; PIECE];
        // A stream that cannot be told is slower, not wrong.
        let _ = stream.set_nodelay(true);
        while let Ok(count @ 1..) = stream.read(&mut piece) {
            if stream.write_all(&piece[..count]).is_err() {
                return;
            }
        }
    })
}

fn serve(host: &Host, port: u16, hold: impl Fn(TcpStream) + Clone + Send + 'static) -> anyhow::Result<()> {
    let listener = TcpListener::bind(host, (Ipv4Addr::from(STACK), port))?;
    thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let hold = hold.clone();
            thread::spawn(move || hold(stream));
        }
    });
    Ok(())
}
