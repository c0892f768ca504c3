//! Goodput over poor paths in virtual time: `cargo run --release -p netstrata-sim --example goodput [RTT LOSS REORDERING [SEEDS]]`,
//! in milliseconds and per cent. The same paths as the goodput matrix of `bench`, without a kernel to compare with.

#[path = "../tests/path/mod.rs"]
mod path;

use path::transfer;

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
