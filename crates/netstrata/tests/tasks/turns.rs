//! A task whose socket is always ready does not keep its thread for itself.

use crate::common::{LEFT, RIGHT, network, pair};
use crate::connected;
use netstrata::tokio::{Interest, TcpListener, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Several times what a task of tokio may do in one turn.
const ENOUGH: usize = 1000;

/// Acts until another task of the same thread has had its turn.
async fn lets_another_run<T>(what: &str, mut act: impl AsyncFnMut() -> T) {
    let had_its_turn = Arc::new(AtomicBool::new(false));
    let other = Arc::clone(&had_its_turn);
    let other = tokio::spawn(async move { other.store(true, Ordering::Relaxed) });
    let mut acts = 0;
    while !had_its_turn.load(Ordering::Relaxed) {
        assert!(acts < ENOUGH, "{what}: after {acts} times nobody else has had a turn");
        drop(act().await);
        acts += 1;
    }
    other.await.unwrap();
}

#[test]
fn a_task_whose_socket_is_always_ready_lets_others_run() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let (left, right) = pair();
        let (mut client, mut server) = connected(&left, &right).await;
        client.write_all(&[7; ENOUGH]).await.unwrap();
        server.peek(&mut [0]).await.unwrap();
        lets_another_run("peek", async || server.peek(&mut [0]).await.unwrap()).await;
        lets_another_run("readable", async || server.readable().await.unwrap()).await;
        lets_another_run("ready", async || server.ready(Interest::READABLE).await.unwrap()).await;
        lets_another_run("write", async || client.write_all(b"a").await.unwrap()).await;
        lets_another_run("read", async || server.read_u8().await.unwrap()).await;
        lets_another_run("read_bytes", async || server.read_bytes(1).await.unwrap()).await;

        let socket = UdpSocket::bind(&left, "127.0.0.1:0").await.unwrap();
        let itself = socket.local_addr().unwrap();
        lets_another_run("send_to", async || socket.send_to(b"a", itself).await.unwrap()).await;
        lets_another_run("peek_from", async || socket.peek_from(&mut [0]).await.unwrap()).await;
    });
}

/// A thread that blocks spends nothing: a task that blocks inside a turn comes to its end.
#[test]
fn a_blocking_call_inside_of_a_task_is_not_held_up_by_the_budget() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let (left, right) = network(LEFT).shards(2).pair(network(RIGHT).shards(2)).unwrap();
        let listener = TcpListener::bind(&right, (RIGHT, 0)).await.unwrap();
        let at = listener.local_addr().unwrap();
        let listener = listener.into_std().unwrap();
        listener.set_nonblocking(false).unwrap();
        let spent = tokio::spawn(async move {
            while tokio::task::coop::has_budget_remaining() {
                tokio::task::consume_budget().await;
            }
            let caller = netstrata::TcpStream::connect(&left, at).unwrap();
            assert_eq!(listener.accept().unwrap().1, caller.local_addr().unwrap());
        });
        spent.await.unwrap();
    });
}
