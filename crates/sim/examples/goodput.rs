//! Goodput over poor paths in virtual time: `cargo run --release -p netstrata-sim --example goodput [RTT LOSS REORDERING [SEEDS]]`,
//! in milliseconds and per cent. The same paths as the goodput matrix of `bench`, without a kernel to compare with.

use netstrata_sim::network::{Impairments, Network};
use std::time::Duration;
use tcp::{ReadError, SocketOptions, WriteError};

const RATE: u64 = 100_000_000;
const TIME: Duration = Duration::from_secs(5);

/// Mbit/s, and what the sender counted.
fn transfer(rtt: u64, loss: f64, reordering: f64, selective: bool, seed: u64) -> (f64, tcp::Counters) {
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

fn cell(rtt: u64, loss: f64, reordering: f64, selective: bool, seeds: u64) {
    let mut rates = Vec::new();
    let (mut timeouts, mut repeated, mut spurious, mut recoveries, mut probes) = (0, 0, 0, 0, 0);
    for seed in 0..seeds {
        let (rate, counters) = transfer(rtt, loss, reordering, selective, seed);
        rates.push(rate);
        timeouts += counters.timeouts;
        repeated += counters.retransmissions;
        spurious += counters.spurious_repairs;
        recoveries += counters.fast_retransmits;
        probes += counters.tail_probes;
    }
    rates.sort_by(f64::total_cmp);
    println!(
        "RTT {rtt:>3} ms, loss {loss:>3} %, reordering {reordering} %, SACK {selective:<5}: {:>6.2} ({:.2} .. {:.2}) Mbit/s; of {seeds}: \
         {timeouts} time-outs, {recoveries} recoveries, {spurious} spurious, {repeated} repeated, {probes} probes",
        rates[rates.len() / 2],
        rates[0],
        rates[rates.len() - 1],
    );
}

fn main() {
    let arguments: Vec<f64> = std::env::args().skip(1).map(|word| word.parse().expect("a number")).collect();
    let seeds = arguments.get(3).map_or(9.0, |seeds| *seeds) as u64;
    if let [rtt, loss, reordering, ..] = arguments[..] {
        for selective in [true, false] {
            cell(rtt as u64, loss, reordering, selective, seeds);
        }
        return;
    }
    for selective in [true, false] {
        for reordering in [0.0, 5.0] {
            for rtt in [2, 20, 100] {
                for loss in [0.0, 0.1, 1.0, 3.0] {
                    cell(rtt, loss, reordering, selective, seeds);
                }
            }
        }
    }
}
