//! How far a receive buffer grows: to what a path holds, and not much further, however short it is.

use netstrata_sim::network::{HostId, Impairments, Network, WireId};
use std::time::Duration;
use tcp::{ConnectionId, ReadError, SocketOptions, WriteError};

/// A sender that always has more, and a reader.
struct Transfer {
    network: Network,
    wire: WireId,
    path: Impairments,
    from: (HostId, ConnectionId),
    to: (HostId, ConnectionId),
}

impl Transfer {
    /// Over a path of `rate` Mbit/s and a round trip of so many microseconds.
    fn begin(rate: u64, rtt: u64, timestamps: bool) -> Transfer {
        let mut network = Network::new(7);
        network.trace_mut().limit = 0;
        let path = Impairments {
            rate: Some(rate * 1_000_000),
            queue: 64 << 20,
            delay: Duration::from_micros(rtt / 2),
            ..Impairments::NONE
        };
        let mut config = stack::StackConfig::default();
        config.tcp.timestamps = timestamps;
        config.tcp.send_buffer.most = 64 << 20;
        config.tcp.receive_buffer.most = 64 << 20;
        let one = network.add_host_with("one", config.clone());
        let other = network.add_host_with("other", config);
        let wire = network.cable(path, (one, "10.0.0.1/24"), (other, "10.0.0.2/24"));
        let address = "10.0.0.2:80".parse().expect("an address");
        let options = SocketOptions::default();
        let (listener, _) = network.stack(other).tcp_listen(address, 8, options).expect("a listener");
        let now = network.now();
        let from = network.stack(one).tcp_connect(now, None, address, options).expect("a connection");
        let to = loop {
            network.run_for(Duration::from_micros(rtt));
            if let Ok(to) = network.stack(other).tcp_mut().accept(listener) {
                break to;
            }
        };
        Transfer { network, wire, path, from: (one, from), to: (other, to) }
    }

    /// Goes on for `time`, in which the reader takes at most `most` bytes every 10 us. Returns how large its buffer is then, and how many
    /// Mbit/s it has read.
    fn run(&mut self, time: Duration, most: usize) -> (u64, u64) {
        let network = &mut self.network;
        let end = network.now() + time;
        let ((one, from), (other, to)) = (self.from, self.to);
        let (data, mut out, mut read) = (vec![7; 1 << 20], vec![0; most], 0);
        while network.now() < end {
            let now = network.now();
            loop {
                match network.stack(one).tcp_mut().write(now, from, &data) {
                    Ok(_) => {}
                    Err(WriteError::WouldBlock) => break,
                    Err(error) => panic!("write: {error}"),
                }
            }
            match network.stack(other).tcp_mut().read(now, to, &mut out) {
                Ok(count) => read += count as u64,
                Err(ReadError::WouldBlock) => {}
                Err(error) => panic!("read: {error}"),
            }
            network.run_for(Duration::from_micros(10));
        }
        let buffer = network.stack(other).tcp().info(to).expect("it lives").receive_buffer;
        (buffer.into(), read * 8 / time.as_micros() as u64)
    }

    /// From now on a round trip takes so many microseconds.
    fn reroute(&mut self, rtt: u64) {
        let delay = Duration::from_micros(rtt / 2);
        self.network.set_impairments(self.wire, Impairments { delay, ..self.path });
    }
}

const ALL: usize = 1 << 20;

#[test]
fn on_a_short_path_it_settles_near_what_the_path_holds() {
    for (rate, rtt) in [(10_000, 100), (10_000, 400), (1_000, 2_000)] {
        for timestamps in [true, false] {
            let mut transfer = Transfer::begin(rate, rtt, timestamps);
            let (settled, _) = transfer.run(Duration::from_millis(400), ALL);
            let (buffer, read) = transfer.run(Duration::from_millis(200), ALL);
            let holds = rate * rtt / 8;
            let what = format!("{rate} Mbit/s, {rtt} us, {timestamps}: {settled}, {buffer} B, {read} Mbit/s");
            assert!(
                buffer == settled && (holds..6 * holds).contains(&buffer) && 10 * read > 9 * rate,
                "{what}"
            );
        }
    }
}

#[test]
fn on_a_long_path_it_grows_to_what_the_path_holds() {
    for timestamps in [true, false] {
        let mut transfer = Transfer::begin(200, 100_000, timestamps);
        transfer.run(Duration::from_secs(2), ALL);
        let (buffer, read) = transfer.run(Duration::from_secs(1), ALL);
        assert!(buffer > 200 * 100_000 / 8 && read > 180, "{timestamps}: {buffer} B, {read} Mbit/s");
    }
}

#[test]
fn a_slow_reader_is_given_no_more() {
    for timestamps in [true, false] {
        let mut transfer = Transfer::begin(10_000, 100, timestamps);
        // 400 Mbit/s
        let (buffer, read) = transfer.run(Duration::from_millis(400), 500);
        let initial = u64::from(tcp::HostConfig::default().receive_buffer.initial);
        assert!(buffer == initial && read > 390, "{timestamps}: {buffer} B, {read} Mbit/s");
    }
}

#[test]
fn it_grows_when_a_short_path_becomes_a_long_one() {
    let mut transfer = Transfer::begin(1_000, 100, true);
    let (before, _) = transfer.run(Duration::from_millis(300), ALL);
    transfer.reroute(20_000);
    let (after, read) = transfer.run(Duration::from_secs(2), ALL);
    assert!(before < 200_000 && after > 1_000_000, "{before} B, {after} B, {read} Mbit/s");
}
