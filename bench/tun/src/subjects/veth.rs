//! The kernel itself: its sockets in a second namespace, over a veth pair in place of the TUN device.

use crate::case::Case;
use crate::kernel;
use crate::namespace::{self, STACK};
use crate::traffic::{ECHO, PIECE, Pattern, SINK, SOURCE, Sink};
use anyhow::Context;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc;
use std::thread;

pub fn start(case: Case, received: &Arc<AtomicU64>, verify: bool) -> anyhow::Result<()> {
    let sink = Sink::new(received, verify);
    // A thread has a namespace of its own; those that it starts share it.
    let (inside, entered) = mpsc::channel();
    let (wired, peer) = mpsc::channel();
    let (done, ready) = mpsc::channel();
    thread::spawn(move || {
        let _ = done.send(namespace::leave().and_then(|()| {
            inside.send(nix::unistd::gettid())?;
            peer.recv().context("the pair could not be made")?;
            namespace::set_up_peer(case.device)?;
            serve(sink)
        }));
    });
    let thread = entered.recv().context("a second network namespace needs root")?;
    namespace::pair(thread, case.device)?;
    wired.send(())?;
    ready.recv()?
}

fn serve(sink: Sink) -> anyhow::Result<()> {
    listen(SINK, move |mut stream| {
        let (mut sink, mut piece) = (sink.clone(), vec![0; PIECE]);
        while let Ok(count @ 1..) = stream.read(&mut piece) {
            sink.take(&piece[..count]);
        }
    })?;
    listen(SOURCE, |mut stream| {
        let (pattern, mut position) = (Pattern::new(), 0);
        while let Ok(count) = stream.write(pattern.at(position)) {
            position += count as u64;
        }
    })?;
    listen(ECHO, |mut stream| {
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

fn listen(port: u16, hold: impl Fn(TcpStream) + Clone + Send + 'static) -> anyhow::Result<()> {
    let listener = TcpListener::bind(SocketAddr::from((STACK, port)))?;
    thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            if kernel::leave_nothing(&stream).is_err() {
                return;
            }
            let hold = hold.clone();
            thread::spawn(move || hold(stream));
        }
    });
    Ok(())
}
