//! A SYN flood in real time: 100 000 forged SYNs a second by one cable, a hundred real clients by another.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test in real time")]

use netstrata::basis::{Frame, Instant, Random};
use netstrata::link::{Link, memory};
use netstrata::tokio::{TcpListener, TcpStream};
use netstrata::wire::arp::Packet;
use netstrata::wire::ethernet::{self, EtherType, MacAddress};
use netstrata::wire::tcp::{Flags, Header, Options, Seq, Timestamps};
use netstrata::wire::{ipv4, protocol};
use netstrata::{Host, InterfaceSetup};
use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const PER_MILLISECOND: u32 = 100;
const SECONDS: u32 = 5;
const CLIENTS: usize = 100;
const TARGET: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 2);
const ROUTER: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 1);

const fn mac(last: u8) -> MacAddress {
    MacAddress([2, 0, 0, 0, 0, last])
}

/// Bytes of this process in memory.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

fn forged(random: &mut Random) -> Frame {
    let source = Ipv4Addr::from_bits(0x0b00_0000 + random.below(0x7400_0000));
    let header = Header {
        source_port: 1 + random.below(65_535) as u16,
        destination_port: 80,
        sequence: Seq(random.next_u32()),
        flags: Flags::SYN,
        window: 64_240,
        options: Options {
            maximum_segment_size: Some(1_460),
            window_scale: Some(7),
            sack_permitted: true,
            timestamps: Some(Timestamps { value: random.next_u32(), echo: 0 }),
            ..Options::NONE
        },
        ..Header::default()
    };
    let mut frame = Frame::new();
    header.prepend_to(&mut frame, source.into(), TARGET.into());
    ipv4::Header::new(source, TARGET, protocol::TCP).prepend_to(&mut frame);
    ethernet::Header { destination: mac(4), source: mac(3), ether_type: EtherType::IPV4 }
        .prepend_to(&mut frame);
    frame
}

/// Sends forged SYNs until it is told to stop; returns how many, and how many packets came back.
fn attack(mut link: impl Link, stop: &AtomicBool) -> (u64, u64) {
    let mut random = Random::new([9; 32]);
    let mut hello = Frame::new();
    Packet::request(mac(3), ROUTER, TARGET).prepend_to(&mut hello);
    ethernet::Header { destination: MacAddress::BROADCAST, source: mac(3), ether_type: EtherType::ARP }
        .prepend_to(&mut hello);
    let (mut waiting, mut back) = (VecDeque::from([hello]), VecDeque::new());
    let (mut sent, mut answers) = (0, 0);
    let began = std::time::Instant::now();
    while !stop.load(Ordering::Relaxed) {
        let due = began.elapsed().as_millis() as u64 * u64::from(PER_MILLISECOND);
        while sent < due && waiting.len() < 1_000 {
            waiting.push_back(forged(&mut random));
            sent += 1;
        }
        link.transmit(Instant::ZERO, &mut waiting).unwrap();
        while link.receive(Instant::ZERO, &mut back, 256).unwrap() {}
        answers += back.drain(..).len() as u64;
        std::thread::sleep(Duration::from_micros(200));
    }
    (sent, answers)
}

#[test]
#[ignore = "needs two cores for some seconds"]
fn a_hundred_clients_are_served_through_a_flood_of_100_000_syns_a_second() {
    let (to_clients, to_server) = memory::pair(1_500, 1_024, mac(1), mac(2));
    let (from_attacker, attacker) = memory::pair(1_500, 1_024, mac(4), mac(3));
    let server = Host::builder()
        .interface(Box::new(to_clients), InterfaceSetup::new("lan").address([10, 7, 0, 2].into(), 24))
        .interface(
            Box::new(from_attacker),
            InterfaceSetup::new("wan").address(TARGET.into(), 24).gateway(Some(ROUTER.into())),
        )
        .start()
        .unwrap();
    let client = Host::builder()
        .interface(Box::new(to_server), InterfaceSetup::new("lan").address([10, 7, 0, 3].into(), 24))
        .start()
        .unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let attack = std::thread::spawn({
        let stop = stop.clone();
        move || attack(attacker, &stop)
    });
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    let (calls, before, after) = runtime.block_on(async {
        let listener = TcpListener::bind(&server, "0.0.0.0:80").await.unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut message = [0; 100];
                    stream.read_exact(&mut message).await?;
                    stream.write_all(&message).await
                });
            }
        });
        // The queues are full once callers get cookies; then all that the flood makes the stack hold is there.
        while server.with(|stack, _| stack.tcp().counters().syn_cookies_sent) < 10_000 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let before = resident();
        let end = tokio::time::Instant::now() + Duration::from_secs(SECONDS.into());
        let clients: Vec<_> = (0..CLIENTS as u8)
            .map(|number| {
                let client = client.clone();
                tokio::spawn(async move {
                    let mut calls = 0;
                    while tokio::time::Instant::now() < end {
                        let mut stream = TcpStream::connect(&client, "10.7.0.2:80").await.unwrap();
                        stream.write_all(&[number; 100]).await.unwrap();
                        let mut answer = [0; 100];
                        stream.read_exact(&mut answer).await.unwrap();
                        assert_eq!(answer, [number; 100]);
                        calls += 1;
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                    calls
                })
            })
            .collect();
        let mut calls = 0;
        for client in clients {
            calls += client.await.unwrap();
        }
        (calls, before, resident())
    });
    stop.store(true, Ordering::Relaxed);
    let (sent, answers) = attack.join().unwrap();
    let cookies = server.with(|stack, _| stack.tcp().counters().syn_cookies_sent);
    println!(
        "{sent} forged SYNs, {answers} answers, {cookies} cookies; {calls} calls by {CLIENTS} clients, all answered; \
         resident memory {before} before, {after} after"
    );
    assert!(sent > 0 && cookies > 0 && calls >= CLIENTS);
    // A hundred thousand half-open connections, as many as came in each second, would need 12 MB. Calls in TIME-WAIT need some.
    assert!(after < before + 8_000_000, "{before} {after}");
}
