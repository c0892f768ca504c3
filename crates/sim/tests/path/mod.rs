//! A long transfer over a poor path in virtual time.

use netstrata_sim::network::{Impairments, Network};
use std::time::Duration;
use tcp::{ReadError, SocketOptions, WriteError};

/// Bits a second.
const RATE: u64 = 100_000_000;
/// How long is written and read.
const TIME: Duration = Duration::from_secs(5);

/// One connection over a path of 100 Mbit/s with a queue of one round trip: Mbit/s, and what the sender counted. `rtt` is in milliseconds,
/// `loss` and `reordering` in per cent; what is reordered is a quarter of a round trip late.
pub(crate) fn transfer(
    rtt: u64,
    loss: f64,
    reordering: f64,
    selective: bool,
    seed: u64,
) -> (f64, tcp::Counters) {
    let mut network = Network::new(seed);
    network.trace_mut().limit = 0;
    let delay = Duration::from_micros(rtt * 500);
    let path = Impairments {
        rate: Some(RATE),
        queue: (RATE / 8 * rtt / 1000).max(30 * 1514) as usize,
        delay,
        loss: (loss * 1e4) as u32,
        reordering: (reordering * 1e4) as u32,
        detour: delay / 2,
        ..Impairments::NONE
    };
    let mut config = stack::StackConfig::default();
    config.tcp.selective_acknowledgments = selective;
    config.tcp.send_buffer.most = 32 << 20;
    config.tcp.receive_buffer.most = 32 << 20;
    let (one, other) = (network.add_host_with("one", config.clone()), network.add_host_with("other", config));
    network.cable(path, (one, "10.0.0.1/24"), (other, "10.0.0.2/24"));
    let address = "10.0.0.2:80".parse().expect("an address");
    let (listener, _) =
        network.stack(other).tcp_listen(address, 8, SocketOptions::default()).expect("a listener");
    let now = network.now();
    let from =
        network.stack(one).tcp_connect(now, None, address, SocketOptions::default()).expect("a connection");
    let to = loop {
        network.run_for(Duration::from_millis(1));
        if let Ok(to) = network.stack(other).tcp_mut().accept(listener) {
            break to;
        }
    };
    let (end, mut arrived) = (network.now() + TIME, 0);
    let (data, mut out) = (vec![7; 1 << 20], vec![0; 1 << 20]);
    while network.now() < end {
        let now = network.now();
        loop {
            match network.stack(one).tcp_mut().write(now, from, &data) {
                Ok(_) => {}
                Err(WriteError::WouldBlock) => break,
                Err(error) => panic!("write: {error}"),
            }
        }
        loop {
            match network.stack(other).tcp_mut().read(now, to, &mut out) {
                Ok(count) => arrived += count,
                Err(ReadError::WouldBlock) => break,
                Err(error) => panic!("read: {error}"),
            }
        }
        network.run_for(Duration::from_micros(500));
    }
    (arrived as f64 * 8.0 / 1e6 / TIME.as_secs_f64(), *network.stack(one).tcp().counters())
}
