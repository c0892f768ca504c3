//! A path that swallows long packets and says nothing (RFC 2923 2.1): data arrives all the same, and soon as fast as ever.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that is set up wrongly is to be stopped")]

use netstrata_sim::network::{Impairments, Network, Rule};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tcp::{ConnectionId, MtuProbing, ReadError, SocketOptions, WriteError};

/// One connection over 20 Mbit/s and 20 ms, and the longest packet that the path carries, which may change.
struct Conversation {
    network: Network,
    hosts: [netstrata_sim::network::HostId; 2],
    ends: [ConnectionId; 2],
    longest: Arc<AtomicUsize>,
}

impl Conversation {
    fn new(
        mtu_probing: MtuProbing,
        addresses: [&str; 2],
        super_segments: bool,
        longest: usize,
    ) -> Conversation {
        let mut network = Network::new(7);
        network.trace_mut().limit = 0;
        let delay = Duration::from_millis(10);
        let path = Impairments { rate: Some(20_000_000), delay, super_segments, ..Impairments::NONE };
        let longest = Arc::new(AtomicUsize::new(longest));
        let carried = longest.clone();
        network.add_rule(Rule::drop().when(move |packet| packet.length > carried.load(Ordering::Relaxed)));
        let mut config = stack::StackConfig::default();
        config.tcp.mtu_probing = mtu_probing;
        let hosts = ["one", "other"].map(|name| network.add_host_with(name, config.clone()));
        let [mine, theirs] = addresses.map(|address| format!("{address}/64"));
        let networks = if mine.contains(':') { [mine, theirs] } else { addresses.map(|a| format!("{a}/24")) };
        network.cable(path, (hosts[0], networks[0].as_str()), (hosts[1], networks[1].as_str()));
        network.run_for(Duration::from_secs(5));
        let address = std::net::SocketAddr::new(addresses[1].parse().unwrap(), 80);
        let (listener, _) = network.stack(hosts[1]).tcp_listen(address, 8, SocketOptions::default()).unwrap();
        let now = network.now();
        let from = network.stack(hosts[0]).tcp_connect(now, None, address, SocketOptions::default()).unwrap();
        let to = loop {
            network.run_for(Duration::from_millis(1));
            if let Ok(to) = network.stack(hosts[1]).tcp_mut().accept(listener) {
                break to;
            }
        };
        Conversation { network, hosts, ends: [from, to], longest }
    }

    /// Writes and reads for so long: bytes that arrived, each of them checked.
    fn run(&mut self, time: Duration, sent: &mut u64, arrived: &mut u64) -> u64 {
        let (end, before) = (self.network.now() + time, *arrived);
        let byte = |n: u64| (n % 251) as u8;
        let mut out = vec![0; 65_536];
        while self.network.now() < end {
            let now = self.network.now();
            loop {
                let data: Vec<u8> = (*sent..*sent + 16_384).map(byte).collect();
                match self.network.stack(self.hosts[0]).tcp_mut().write(now, self.ends[0], &data) {
                    Ok(count) => *sent += count as u64,
                    Err(WriteError::WouldBlock) => break,
                    Err(error) => panic!("write: {error}"),
                }
            }
            loop {
                match self.network.stack(self.hosts[1]).tcp_mut().read(now, self.ends[1], &mut out) {
                    Ok(count) => {
                        assert!(out[..count].iter().zip(*arrived..).all(|(found, n)| *found == byte(n)));
                        *arrived += count as u64;
                    }
                    Err(ReadError::WouldBlock) => break,
                    Err(error) => panic!("read: {error}"),
                }
            }
            self.network.run_for(Duration::from_millis(1));
        }
        *arrived - before
    }

    fn segment_size(&mut self) -> u32 {
        self.network.stack(self.hosts[0]).tcp().info(self.ends[0]).unwrap().segment_size
    }

    fn counters(&mut self) -> tcp::Counters {
        *self.network.stack(self.hosts[0]).tcp().counters()
    }
}

const V4: [&str; 2] = ["10.0.0.1", "10.0.0.2"];
const V6: [&str; 2] = ["fd00::1", "fd00::2"];
/// What the path carries in a second.
const FULL: u64 = 2_500_000;

#[test]
fn a_path_that_swallows_long_packets_from_the_start_is_fast_after_seconds() {
    for (addresses, least) in [(V4, 1300 - 52), (V6, 1300 - 72)] {
        for super_segments in [false, true] {
            let mut talk = Conversation::new(MtuProbing::OnBlackHole, addresses, super_segments, 1300);
            let (mut sent, mut arrived) = (0, 0);
            talk.run(Duration::from_secs(10), &mut sent, &mut arrived);
            let counters = talk.counters();
            assert_eq!(counters.black_holes, 1, "{addresses:?}");
            let rate = talk.run(Duration::from_secs(10), &mut sent, &mut arrived);
            assert!(rate > FULL * 10 * 85 / 100, "{addresses:?}, super-segments {super_segments}: {rate}");
            talk.run(Duration::from_secs(20), &mut sent, &mut arrived);
            let size = talk.segment_size();
            assert!(size <= least && size > least - 8, "{addresses:?}: {size}");
            assert_eq!(talk.counters().timeouts, counters.timeouts, "{addresses:?}: probes cost no time-out");
        }
    }
}

#[test]
fn a_path_that_narrows_in_mid_flow_is_fast_again_after_seconds_and_widens_after_minutes() {
    for addresses in [V4, V6] {
        let mut talk = Conversation::new(MtuProbing::OnBlackHole, addresses, true, 1500);
        let (mut sent, mut arrived) = (0, 0);
        talk.run(Duration::from_secs(3), &mut sent, &mut arrived);
        let whole = talk.segment_size();
        talk.longest.store(1300, Ordering::Relaxed);
        talk.run(Duration::from_secs(10), &mut sent, &mut arrived);
        let rate = talk.run(Duration::from_secs(10), &mut sent, &mut arrived);
        assert!(rate > FULL * 10 * 85 / 100, "{addresses:?}: {rate}");
        talk.longest.store(1500, Ordering::Relaxed);
        talk.run(Duration::from_secs(20), &mut sent, &mut arrived);
        assert!(talk.segment_size() < 1300);
        talk.network.run_for(Duration::from_secs(600));
        talk.run(Duration::from_secs(20), &mut sent, &mut arrived);
        assert_eq!(talk.segment_size(), whole);
    }
}

#[test]
fn a_connection_that_always_searches_never_stalls_and_uses_the_whole_path() {
    for (longest, least) in [(1500, 1448), (1100, 1040)] {
        let mut talk = Conversation::new(MtuProbing::Always, V4, true, longest);
        let (mut sent, mut arrived) = (0, 0);
        talk.run(Duration::from_secs(30), &mut sent, &mut arrived);
        let counters = talk.counters();
        assert_eq!((counters.black_holes, counters.timeouts), (0, 0));
        let size = talk.segment_size();
        assert!(size >= least && size as usize + 52 <= longest, "{size}");
    }
}

#[test]
fn without_the_search_nothing_ever_arrives() {
    let mut talk = Conversation::new(MtuProbing::Off, V4, true, 1300);
    let (mut sent, mut arrived) = (0, 0);
    assert_eq!(talk.run(Duration::from_secs(30), &mut sent, &mut arrived), 0);
}
