//! What a socket of the facade costs beyond the core's connection, counted in the allocator.
#![allow(unsafe_code, reason = "a global allocator is an unsafe trait")]
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests live in real time, and a failure is a failed test"
)]

mod common;

use common::{RIGHT, pair};
use netstrata::tokio::{TcpListener, TcpStream};
use std::alloc::{GlobalAlloc, Layout, System};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

/// Bytes allocated and not freed.
static LIVE: AtomicIsize = AtomicIsize::new(0);

struct Counting;

// SAFETY: every call is passed on to the system's allocator unchanged; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: the caller's contract is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: the caller's contract is the same.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn live() -> isize {
    LIVE.load(Ordering::Relaxed)
}

const CONNECTIONS: usize = 10_000;

fn wait_until(mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < deadline, "it does not come true");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn an_idle_connection_s_socket_adds_at_most_128_bytes() {
    let (left, right) = pair();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let address = SocketAddr::new(RIGHT, 7);
    let (clients, servers) = runtime.block_on(async {
        let listener = TcpListener::bind(&right, address).await.unwrap();
        let (mut clients, mut servers) = (Vec::new(), Vec::<TcpStream>::new());
        for _ in 0..CONNECTIONS {
            clients.push(TcpStream::connect(&left, address).await.unwrap());
            servers.push(listener.accept().await.unwrap().0);
        }
        (clients, servers)
    });
    settle();

    // Everybody waits for something to read, with a waker that costs nothing itself.
    let mut context = Context::from_waker(Waker::noop());
    let before = live();
    for server in &servers {
        assert!(server.poll_read_ready(&mut context).is_pending());
    }
    assert_eq!(right.statistics().waiting, CONNECTIONS);
    let waiting = (live() - before) as usize / CONNECTIONS;
    let (socket, handle) = (socket_bytes(), size_of::<TcpStream>());
    let total = socket + handle + waiting;
    println!(
        "a socket: {socket} bytes on the heap, {handle} in hand, {waiting} more while it waits: {total}"
    );
    assert!(total <= 128, "{total} bytes");

    // They are woken by the peers' ends, and the table of wakers gives its memory back.
    drop(clients);
    wait_until(|| right.statistics().waiting == 0);
    settle();
    let held = live();
    for server in &servers {
        assert!(server.poll_read_ready(&mut context).is_ready());
    }
    assert!(live() - held < 4096, "a socket that does not wait has an entry");
}

/// Lets delayed acknowledgments leave and the drivers come to rest.
fn settle() {
    let mut before = None;
    while before != Some(live()) {
        before = Some(live());
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// What one socket's own allocation is: that of a connection begun on a host where the core has room already.
fn socket_bytes() -> usize {
    let host = netstrata::Host::builder().start().unwrap();
    let listener = netstrata::TcpListener::bind(&host, "127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let accept = || {
        let client = netstrata::TcpStream::connect(&host, address).unwrap();
        wait_until(|| host.with(|stack, _| stack.tcp().listeners().any(|row| row.waiting == 1)));
        client
    };
    // The first ones make room in the core; then the driver must be at rest, for its memory is counted too.
    let warm: Vec<_> = (0..8).map(|_| (accept(), listener.accept().unwrap())).collect();
    let mut least = usize::MAX;
    for _ in 0..8 {
        let client = accept();
        std::thread::sleep(Duration::from_millis(100));
        let before = live();
        let accepted = listener.accept().unwrap();
        least = least.min((live() - before).max(0) as usize);
        drop((client, accepted));
    }
    drop(warm);
    assert!(least > 0);
    least
}
