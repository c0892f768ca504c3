//! Many connections share little memory: the bound holds, everybody gets his share, and no stream loses a byte.

#![allow(clippy::unwrap_used, reason = "a test that is set up wrongly is to be stopped")]

use netstrata_sim::network::{HostId, Impairments, Network};
use stack::StackConfig;
use std::time::Duration;
use tcp::{ConnectionId, HostConfig, ReadError, SocketOptions, WriteError};

const MS: fn(u64) -> Duration = Duration::from_millis;
const CALLS: usize = 100;
/// What each connection may hold beyond the budget: 2 KiB in chunks of 2 KiB, each way.
const BEYOND: usize = 2 * 4_096;

fn byte(stream: usize, place: usize) -> u8 {
    (place.wrapping_mul(31) ^ (place >> 8).wrapping_mul(7) ^ stream) as u8
}

struct World {
    network: Network,
    caller: HostId,
    called: HostId,
    calls: Vec<ConnectionId>,
    answered: Vec<ConnectionId>,
}

/// `CALLS` connections between a host with `budgets.0` bytes of buffers and one with `budgets.1`.
fn connected(budgets: (usize, usize), impairments: Impairments) -> World {
    let mut network = Network::new(7);
    let config = |buffer_memory| StackConfig {
        tcp: HostConfig { buffer_memory, ..HostConfig::default() },
        ..StackConfig::default()
    };
    let caller = network.add_host_with("caller", config(budgets.0));
    let called = network.add_host_with("called", config(budgets.1));
    let cable = network.cable(Impairments::NONE, (caller, "10.0.0.1/24"), (called, "10.0.0.2/24"));
    let address = "10.0.0.2:80".parse().unwrap();
    let options = SocketOptions::default();
    let (listener, _) = network.stack(called).tcp_listen(address, CALLS as u32, options).unwrap();
    let now = network.now();
    let calls: Vec<_> =
        (0..CALLS).map(|_| network.stack(caller).tcp_connect(now, None, address, options).unwrap()).collect();
    network.run_for(MS(500));
    let ports: Vec<u16> =
        calls.iter().map(|id| network.stack(caller).tcp().tuple(*id).unwrap().local_port).collect();
    let mut answered = vec![None; CALLS];
    while let Ok(id) = network.stack(called).tcp_mut().accept(listener) {
        let port = network.stack(called).tcp().tuple(id).unwrap().remote_port;
        answered[ports.iter().position(|known| *known == port).unwrap()] = Some(id);
    }
    let answered = answered.into_iter().map(Option::unwrap).collect();
    network.set_impairments(cable, impairments);
    World { network, caller, called, calls, answered }
}

impl World {
    /// Writes as much as every stream takes, up to `length`. Returns whether all is written.
    fn write(&mut self, written: &mut [usize], length: usize) -> bool {
        let now = self.network.now();
        for (n, id) in self.calls.iter().enumerate() {
            while written[n] < length {
                let end = length.min(written[n] + 10_000);
                let data: Vec<u8> = (written[n]..end).map(|place| byte(n, place)).collect();
                match self.network.stack(self.caller).tcp_mut().write(now, *id, &data) {
                    Ok(count) => written[n] += count,
                    Err(WriteError::WouldBlock) => break,
                    Err(error) => panic!("write: {error}"),
                }
            }
        }
        written.iter().all(|count| *count == length)
    }

    /// Reads and checks all that is there.
    fn read(&mut self, read: &mut [usize]) {
        let now = self.network.now();
        let mut out = vec![0; 20_000];
        for (n, id) in self.answered.iter().enumerate() {
            loop {
                match self.network.stack(self.called).tcp_mut().read(now, *id, &mut out) {
                    Ok(count) => {
                        assert!((0..count).all(|at| out[at] == byte(n, read[n] + at)), "stream {n}");
                        read[n] += count;
                    }
                    Err(ReadError::WouldBlock) => break,
                    Err(error) => panic!("read: {error}"),
                }
            }
        }
    }

    /// Each caller writes a little more and closes at once, so that a FIN is under way with the last of it; then all are gone.
    fn close(&mut self) {
        let now = self.network.now();
        for id in self.calls.clone() {
            self.network.stack(self.caller).tcp_mut().write(now, id, &[0; 100]).unwrap();
            self.network.stack(self.caller).tcp_mut().close(now, id);
        }
        self.network.run_for(MS(2_000));
        let now = self.network.now();
        for id in self.answered.clone() {
            let mut out = [0; 200];
            while self
                .network
                .stack(self.called)
                .tcp_mut()
                .read(now, id, &mut out)
                .is_ok_and(|count| count > 0)
            {}
            self.network.stack(self.called).tcp_mut().close(now, id);
        }
        self.network.run_for(MS(200_000));
    }

    fn held(&mut self) -> (usize, usize) {
        let (caller, called) = (self.caller, self.called);
        (self.network.stack(caller).tcp().buffered(), self.network.stack(called).tcp().buffered())
    }
}

/// Everybody sends `length` bytes to a host that does not read for half a minute, and then does.
fn crowd(budgets: (usize, usize), impairments: Impairments, length: usize) {
    let mut world = connected(budgets, impairments);
    let (mut written, mut read) = (vec![0; CALLS], vec![0; CALLS]);
    for step in 0..20_000 {
        world.write(&mut written, length);
        if step > 300 {
            world.read(&mut read);
        }
        world.network.run_for(MS(100));
        let (caller, called) = world.held();
        assert!(caller <= budgets.0 + CALLS * BEYOND, "the sender holds {caller}");
        assert!(called <= budgets.1 + CALLS * BEYOND, "the receiver holds {called}");
        if read.iter().all(|count| *count == length) {
            world.close();
            assert_eq!(world.held(), (0, 0));
            return;
        }
    }
    panic!("not all has come: {read:?}");
}

#[test]
fn a_receiver_that_does_not_read_keeps_inside_its_memory_and_every_stream_arrives() {
    let impairments = Impairments { delay: MS(10), ..Impairments::NONE };
    crowd((1 << 30, 1 << 20), impairments, 150_000);
}

#[test]
fn a_sender_keeps_inside_its_memory_and_every_stream_arrives() {
    let impairments = Impairments { delay: MS(10), rate: Some(20_000_000), ..Impairments::NONE };
    crowd((1 << 20, 1 << 30), impairments, 100_000);
}

#[test]
fn both_keep_inside_theirs_over_a_bad_cable() {
    let impairments = Impairments { delay: MS(10), loss: 20_000, reordering: 20_000, ..Impairments::NONE };
    crowd((1 << 20, 1 << 19), impairments, 60_000);
}

/// Memory that one connection has taken while it was alone is shared once others come.
#[test]
fn a_late_comer_gets_his_share() {
    let impairments = Impairments { delay: MS(10), ..Impairments::NONE };
    let mut world = connected((1 << 30, 2 << 20), impairments);
    let (mut written, mut read) = (vec![0; CALLS], vec![0; CALLS]);
    let all = std::mem::take(&mut world.calls);
    world.calls = all[..1].to_vec();
    for _ in 0..100 {
        world.write(&mut written[..1], 4_000_000);
        world.network.run_for(MS(100));
    }
    world.calls = all;
    let mut others = written.clone();
    for _ in 0..600 {
        others[0] = 8_000;
        world.write(&mut others, 8_000);
        world.network.run_for(MS(100));
    }
    let before = read[0];
    world.read(&mut read);
    assert!(read[1..].iter().all(|count| *count >= 2_048), "{read:?}");
    assert!(read[0] > before);
}
