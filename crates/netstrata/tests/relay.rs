//! Calls carried between our sockets and the operating system's by `copy_bidirectional`, ended in every order and under
//! backpressure: no byte is lost, no connection, task or waiter is left.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests live in real time, and a failure is a failed test"
)]

mod common;

use common::{LEFT, RIGHT, network, within};
use netstrata::Host;
use netstrata::stack::StackConfig;
use netstrata::tcp::BufferBounds;
use netstrata::tokio::{TcpListener, TcpStream};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net;

/// Calls at once.
const CALLERS: u32 = 64;
/// Loopback addresses of the server, each with ephemeral ports of its own.
const SERVERS: u8 = 16;
/// Bytes that each of the four buffers of a relayed call holds, about.
const BUFFER: u32 = 16 * 1024;

/// Who ends their direction when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Order {
    /// The client ends, and then the server speaks.
    ClientFirst,
    /// The server ends, and then the client speaks.
    ServerFirst,
    /// Both speak and end at once.
    Together,
}

/// What a call carries; both ends derive it from the call's number.
#[derive(Clone, Copy, Debug)]
struct Plan {
    order: Order,
    /// Bytes from the client to the server, and back.
    up: usize,
    down: usize,
    /// Whether the readers pause, so that all buffers on the way fill.
    slow: bool,
}

impl Plan {
    fn of(call: u32) -> Plan {
        let order = [Order::ClientFirst, Order::ServerFirst, Order::Together][call as usize % 3];
        let lengths = [0, 1, 500, 1448, 5_000, 20_000];
        let slow = call.is_multiple_of(97);
        let more = if slow { 8 * BUFFER as usize } else { 0 };
        let (up, down) = (lengths[call as usize / 3 % 6] + more, lengths[call as usize / 18 % 6] + more);
        Plan { order, up, down, slow }
    }
}

/// The byte at `position` of a call's direction.
fn byte(call: u32, position: usize) -> u8 {
    (position as u32).wrapping_mul(0x9e37_79b9).wrapping_add(call.wrapping_mul(0x85eb_ca6b)).to_be_bytes()[0]
}

async fn speak(mut to: impl AsyncWrite + Unpin, call: u32, length: usize) -> io::Result<()> {
    let bytes: Vec<u8> = (0..length).map(|position| byte(call, position)).collect();
    to.write_all(&bytes).await?;
    to.shutdown().await
}

/// Reads to the end, and checks every byte.
async fn listen(mut from: impl AsyncRead + Unpin, call: u32, length: usize, slow: bool) -> io::Result<()> {
    let mut heard = Vec::with_capacity(length);
    let mut piece = [0; 4096];
    loop {
        let most = if slow { 1024 } else { piece.len() };
        let count = from.read(&mut piece[..most]).await?;
        if count == 0 {
            break;
        }
        heard.extend_from_slice(&piece[..count]);
        if slow && heard.len() % 16 == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    assert_eq!(heard.len(), length, "call {call}: {:?}", Plan::of(call));
    let wrong = heard.iter().enumerate().position(|(position, &found)| found != byte(call, position));
    assert_eq!(wrong, None, "call {call}: {:?}", Plan::of(call));
    Ok(())
}

/// One end's part of the call: it speaks first, last, or while it listens.
async fn converse<S>(stream: S, call: u32, say: usize, hear: usize, first: bool) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite,
{
    let plan = Plan::of(call);
    let (from, to) = tokio::io::split(stream);
    if plan.order == Order::Together {
        tokio::try_join!(speak(to, call, say), listen(from, call, hear, plan.slow))?;
    } else if first {
        speak(to, call, say).await?;
        listen(from, call, hear, plan.slow).await?;
    } else {
        listen(from, call, hear, plan.slow).await?;
        speak(to, call, say).await?;
    }
    Ok(())
}

async fn client(guest: &Host, call: u32) -> io::Result<()> {
    let mut stream = TcpStream::connect(guest, SocketAddr::from((RIGHT, 80))).await?;
    stream.write_all(&call.to_be_bytes()).await?;
    let plan = Plan::of(call);
    converse(stream, call, plan.up, plan.down, plan.order == Order::ClientFirst).await
}

async fn server(mut stream: net::TcpStream) -> io::Result<()> {
    let call = stream.read_u32().await?;
    let plan = Plan::of(call);
    converse(stream, call, plan.down, plan.up, plan.order == Order::ServerFirst).await
}

fn kernel_socket() -> io::Result<socket2::Socket> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    socket.set_recv_buffer_size(BUFFER as usize)?;
    socket.set_send_buffer_size(BUFFER as usize)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn kernel_listener(address: SocketAddr) -> io::Result<net::TcpListener> {
    let socket = kernel_socket()?;
    socket.bind(&address.into())?;
    socket.listen(1024)?;
    net::TcpListener::from_std(socket.into())
}

/// Carries every call that comes to `listener` to one of the servers.
async fn relay(listener: TcpListener, servers: Arc<[SocketAddr]>, calls: Arc<AtomicUsize>) -> io::Result<()> {
    for turn in 0.. {
        let (mut inside, _) = listener.accept().await?;
        let target = servers[turn % servers.len()];
        let calls = Arc::clone(&calls);
        calls.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(async move {
            let socket = net::TcpSocket::from_std_stream(kernel_socket().unwrap().into());
            let mut outside = socket.connect(target).await.unwrap();
            copy_bidirectional(&mut inside, &mut outside).await.unwrap();
            calls.fetch_sub(1, Ordering::Relaxed);
        });
    }
    Ok(())
}

/// Slots that connections of the host take: in TIME-WAIT they hold none.
fn connections(host: &Host) -> usize {
    let (open, half_open, _) = host.with(|stack, _| stack.tcp().population());
    open + half_open
}

async fn becomes_true(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < deadline, "not in a minute: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn carry(calls: u32) {
    let mut config = StackConfig::default();
    // The guest calls the same address over and over: its ports must come back.
    config.tcp.time_wait = Duration::from_millis(100);
    config.tcp.receive_buffer = BufferBounds { initial: BUFFER, most: BUFFER };
    config.tcp.send_buffer = BufferBounds { initial: BUFFER, most: BUFFER };
    let host = |address| network(address).config(config.clone());
    let (guest, gateway) = host(LEFT).pair(host(RIGHT)).unwrap();

    let mut servers = Vec::new();
    for last in 1..=SERVERS {
        let listener = kernel_listener(SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), 0))).unwrap();
        servers.push(listener.local_addr().unwrap());
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(async move { server(stream).await.unwrap() });
            }
        });
    }
    let carried = Arc::new(AtomicUsize::new(0));
    let listener = TcpListener::bind(&gateway, (RIGHT, 80)).await.unwrap();
    tokio::spawn(relay(listener, servers.into(), Arc::clone(&carried)));
    let standing = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = standing();

    let next = Arc::new(AtomicU32::new(0));
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (guest, next) = (guest.clone(), Arc::clone(&next));
            tokio::spawn(async move {
                loop {
                    let call = next.fetch_add(1, Ordering::Relaxed);
                    if call >= calls {
                        return;
                    }
                    client(&guest, call).await.unwrap_or_else(|error| panic!("call {call}: {error}"));
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }

    becomes_true("every relayed call has ended", || carried.load(Ordering::Relaxed) == 0).await;
    becomes_true("no task is left", || standing() == before).await;
    becomes_true("no connection is left", || connections(&guest) + connections(&gateway) == 0).await;
    // The listener's own.
    assert_eq!((guest.statistics().waiting, gateway.statistics().waiting), (0, 1));
}

fn run(calls: u32, limit: Duration) {
    within(limit, move || {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap()
            .block_on(carry(calls));
    });
}

#[test]
fn relayed_calls_end_in_every_order_without_a_loss() {
    run(2_000, Duration::from_secs(120));
}

#[test]
#[ignore = "needs a minute"]
fn a_hundred_thousand_relayed_calls_leave_nothing_behind() {
    run(100_000, Duration::from_secs(600));
}
