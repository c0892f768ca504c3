use super::framing::{LONGEST, prefix};
use super::port::{QUEUED_BYTES, QUEUED_FRAMES};
use super::*;
use crate::capabilities::Link;
use crate::testing::{Directory, now, readable};
use basis::Frame;
use std::collections::VecDeque;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant as Clock};
use wire::ethernet::MacAddress;

mod counting;
mod recovery;

fn mac(n: u16) -> MacAddress {
    let [high, low] = n.to_be_bytes();
    MacAddress([2, 0, 0, 0, high, low])
}

/// A frame from one station to another with a payload of that many bytes.
fn bytes(to: MacAddress, from: MacAddress, length: usize, fill: u8) -> Vec<u8> {
    [&to.0[..], &from.0, &[0x88, 0xb5], &vec![fill; length]].concat()
}

fn send(nic: &mut Nic, frame: &[u8]) {
    let mut waiting = VecDeque::from([Frame::copy_of(frame)]);
    until("the frame is sent", || nic.transmit(now(), &mut waiting).unwrap());
}

/// What arrives until nothing has come for a while.
fn drain(nic: &mut Nic) -> Vec<Vec<u8>> {
    let (mut arrived, mut last) = (VecDeque::new(), Clock::now());
    while last.elapsed() < Duration::from_millis(100) {
        let before = arrived.len();
        while nic.receive(now(), &mut arrived, 64).unwrap() {}
        if arrived.len() > before {
            last = Clock::now();
        }
        thread::sleep(Duration::from_millis(1));
    }
    arrived.iter().map(Frame::to_vec).collect()
}

/// Waits for the next frame.
fn next(nic: &mut Nic) -> Vec<u8> {
    let mut arrived = VecDeque::new();
    until("a frame arrives", || {
        nic.receive(now(), &mut arrived, 1).unwrap();
        !arrived.is_empty()
    });
    arrived[0].to_vec()
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Clock::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(60), "waited a minute until {what}");
        thread::sleep(Duration::from_micros(200));
    }
}

/// A switch in a thread, which ends with the test.
struct Running {
    handle: SwitchHandle,
    thread: Option<JoinHandle<()>>,
    address: LanAddress,
    _directory: Directory,
}

impl Running {
    fn start() -> Running {
        Running::start_with(64)
    }

    fn start_with(most_ports: usize) -> Running {
        let directory = Directory::new();
        let address = directory.lan();
        let mut switch = Switch::bind(&address).unwrap();
        switch.most_ports = most_ports;
        let handle = switch.handle();
        let thread = Some(thread::spawn(move || switch.run().unwrap()));
        Running { handle, thread, address, _directory: directory }
    }

    fn join(&self, n: u16) -> Nic {
        let before = self.ports();
        let nic = Nic::join(self.address.clone(), mac(n), 1500).unwrap();
        until("the switch has accepted", || self.ports() > before);
        nic
    }

    /// A station that is just a stream.
    fn stream(&self) -> UnixStream {
        let before = self.ports();
        let stream = UnixStream::connect(&self.address.path).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        until("the switch has accepted", || self.ports() > before);
        stream
    }

    fn ports(&self) -> usize {
        self.handle.statistics().len()
    }

    fn port(&self, place: usize) -> PortStatistics {
        self.handle.statistics()[place]
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.stop();
        let ended = self.thread.take().unwrap().join();
        assert!(thread::panicking() || ended.is_ok(), "the switch has panicked");
    }
}

#[test]
fn an_unknown_destination_is_flooded_and_a_known_one_is_not() {
    let lan = Running::start();
    let (mut a, mut b, mut c) = (lan.join(1), lan.join(2), lan.join(3));
    let first = bytes(mac(2), mac(1), 50, 1);
    send(&mut a, &first);
    assert_eq!((next(&mut b), next(&mut c)), (first.clone(), first));
    let answer = bytes(mac(1), mac(2), 60, 2);
    send(&mut b, &answer);
    assert_eq!(next(&mut a), answer);
    let second = bytes(mac(2), mac(1), 70, 3);
    send(&mut a, &second);
    assert_eq!(next(&mut b), second);
    // Neither did the flood come back to its sender, nor did the third station hear what was not for it.
    assert_eq!((drain(&mut a), drain(&mut c)), (vec![], vec![]));
}

#[test]
fn broadcast_and_multicast_reach_all_but_the_sender() {
    let lan = Running::start();
    let mut nics: Vec<Nic> = (1..=4).map(|n| lan.join(n)).collect();
    for group in [MacAddress::BROADCAST, MacAddress([0x33, 0x33, 0, 0, 0, 1])] {
        let frame = bytes(group, mac(1), 46, 7);
        send(&mut nics[0], &frame);
        for nic in &mut nics[1..] {
            assert_eq!(next(nic), frame);
        }
    }
    assert_eq!(drain(&mut nics[0]), Vec::<Vec<u8>>::new());
}

#[test]
fn a_frame_for_a_station_behind_its_own_port_stays_there() {
    let lan = Running::start();
    let (mut a, mut b) = (lan.join(1), lan.join(2));
    send(&mut a, &bytes(mac(9), mac(8), 46, 0));
    next(&mut b);
    send(&mut a, &bytes(mac(8), mac(1), 46, 0));
    assert_eq!(drain(&mut b), Vec::<Vec<u8>>::new());
}

#[test]
fn frames_that_no_station_can_have_sent_are_counted_and_go_nowhere() {
    let lan = Running::start();
    let (mut stream, mut b) = (lan.stream(), lan.join(2));
    let from_a_group = bytes(mac(2), MacAddress([3, 0, 0, 0, 0, 1]), 46, 0);
    let good = bytes(mac(2), mac(1), 46, 9);
    for frame in [&[][..], &[1; 13], &from_a_group, &good] {
        stream.write_all(&[&prefix(frame.len()), frame].concat()).unwrap();
    }
    assert_eq!(next(&mut b), good);
    let port = lan.port(0);
    assert_eq!((port.frames_in, port.malformed_in), (4, 3));
}

#[test]
fn a_station_that_sends_nonsense_is_disconnected_and_the_others_are_not() {
    let lan = Running::start();
    let (mut a, mut b, mut stream) = (lan.join(1), lan.join(2), lan.stream());
    stream.write_all(&prefix(LONGEST + 1)).unwrap();
    assert_eq!(stream.read(&mut [0; 9]).unwrap(), 0);
    until("the port is gone", || lan.ports() == 2);
    let frame = bytes(mac(2), mac(1), 46, 9);
    send(&mut a, &frame);
    assert_eq!(next(&mut b), frame);
}

#[test]
fn frames_arrive_whole_however_the_stream_is_torn() {
    let lan = Running::start();
    let (mut stream, mut b) = (lan.stream(), lan.join(2));
    let frames = [bytes(mac(2), mac(1), 46, 1), bytes(mac(2), mac(1), 1500, 2)];
    let sent: Vec<u8> = frames.iter().flat_map(|frame| [&prefix(frame.len()), &frame[..]].concat()).collect();
    for piece in sent.chunks(97) {
        stream.write_all(piece).unwrap();
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!([next(&mut b), next(&mut b)], frames);
}

#[test]
fn the_longest_frame_crosses() {
    let lan = Running::start();
    let (mut a, mut b) = (lan.join(1), lan.join(2));
    let longest = bytes(mac(2), mac(1), LONGEST - 14, 5);
    for _ in 0..20 {
        send(&mut a, &longest);
        assert_eq!(next(&mut b), longest);
    }
    send(&mut a, &bytes(mac(2), mac(1), LONGEST - 13, 5));
    assert_eq!(a.lost(), 1);
}

#[test]
fn a_station_that_does_not_read_loses_frames_and_stalls_nobody() {
    let lan = Running::start();
    let (mut a, mut b, slow) = (lan.join(1), lan.join(2), lan.stream());
    let frame = bytes(MacAddress::BROADCAST, mac(1), 1500, 1);
    // Until the slow station loses frames, and then some: the other one gets every single one.
    let mut sent: u64 = 0;
    until("the slow station loses frames", || {
        for _ in 0..64 {
            send(&mut a, &frame);
            assert_eq!(next(&mut b), frame);
        }
        sent += 64;
        lan.port(2).lost_out > 100
    });
    // What is written is counted thereafter, and what waits once a batch has been handed out.
    until("all that the other one got is counted", || lan.port(1).frames_out == sent);
    assert_eq!(lan.port(1).lost_out, 0);
    // Exactly what fits waits: not one more frame would.
    let full = |waiting: u64| waiting + frame.len() as u64 + 4 > QUEUED_BYTES as u64 - 1600;
    until("the queue is full", || full(lan.port(2).queued_out));
    assert!(lan.port(2).queued_out <= QUEUED_BYTES as u64);
    drop(slow);
    until("the slow station's port is gone", || lan.ports() == 2);
}

#[test]
fn short_frames_are_bounded_by_number() {
    let lan = Running::start();
    let (mut a, _slow) = (lan.join(1), lan.stream());
    let frame = bytes(MacAddress::BROADCAST, mac(1), 0, 1);
    until("the slow station loses frames", || {
        let mut waiting: VecDeque<Frame> = (0..256).map(|_| Frame::copy_of(&frame)).collect();
        until("they are sent", || a.transmit(now(), &mut waiting).unwrap());
        lan.port(1).lost_out > 0
    });
    // One frame may be gone in part. What waits is told once a batch has been handed out.
    let waiting = || lan.port(1).queued_out as usize;
    until("the queue is full", || waiting() > (QUEUED_FRAMES - 1) * 18 - 18);
    assert!(waiting() <= QUEUED_FRAMES * 18, "{}", waiting());
}

#[test]
fn bulk_arrives_in_order_and_unharmed_when_the_receiver_keeps_up() {
    let lan = Running::start();
    let (mut a, mut b) = (lan.join(1), lan.join(2));
    let count = 20_000_u32;
    let reader = thread::spawn(move || {
        let (mut arrived, mut expected) = (VecDeque::new(), 0_u32);
        until("all have arrived", || {
            while b.receive(now(), &mut arrived, 64).unwrap() {}
            for frame in arrived.drain(..) {
                let bytes = frame.to_vec();
                assert_eq!(bytes[14..18], expected.to_be_bytes());
                assert_eq!(bytes.len(), 18 + expected as usize % 1483);
                expected += 1;
            }
            // Flow control of a kind: the switch would lose what is not read.
            send(&mut b, &[&mac(1).0[..], &mac(2).0, &[8, 8], &expected.to_be_bytes()].concat());
            expected == count
        });
    });
    let (mut sent, mut acknowledged, mut arrived) = (0_u32, 0_u32, VecDeque::new());
    until("all are acknowledged", || {
        let mut waiting = VecDeque::new();
        while sent < count && sent < acknowledged + 1000 {
            let mut frame = bytes(mac(2), mac(1), 4 + sent as usize % 1483, 3);
            frame[14..18].copy_from_slice(&sent.to_be_bytes());
            waiting.push_back(Frame::copy_of(&frame));
            sent += 1;
        }
        until("a batch is sent", || a.transmit(now(), &mut waiting).unwrap());
        while a.receive(now(), &mut arrived, 64).unwrap() {}
        for frame in arrived.drain(..) {
            acknowledged = u32::from_be_bytes(frame.to_vec()[14..18].try_into().unwrap());
        }
        acknowledged == count
    });
    reader.join().unwrap();
}

#[test]
fn receive_gives_no_more_than_asked_for_and_says_that_there_is_more() {
    let lan = Running::start();
    let (mut a, mut b) = (lan.join(1), lan.join(2));
    for n in 0..10 {
        send(&mut a, &bytes(mac(2), mac(1), 46, n));
    }
    until("all have arrived", || lan.port(1).frames_out == 10);
    let source = b.source().unwrap();
    assert!(readable(source));
    let mut arrived = VecDeque::new();
    assert!(b.receive(now(), &mut arrived, 3).unwrap());
    assert_eq!(arrived.len(), 3);
    assert!(!b.receive(now(), &mut arrived, 64).unwrap());
    assert_eq!((arrived.len(), readable(source)), (10, false));
}

#[test]
fn stations_come_and_go_at_any_time() {
    let lan = Running::start();
    let (mut a, mut b) = (lan.join(1), lan.join(2));
    let restless: Vec<_> = (0..4)
        .map(|n| {
            let address = lan.address.clone();
            thread::spawn(move || {
                for round in 0..100 {
                    let mut nic = Nic::join(address.clone(), mac(100 + n), 1500).unwrap();
                    send(&mut nic, &bytes(MacAddress::BROADCAST, mac(100 + n), 1000, round));
                    assert!(!nic.has_switch());
                }
            })
        })
        .collect();
    for n in 0..200 {
        let frame = bytes(mac(2), mac(1), 46, n);
        send(&mut a, &frame);
        while next(&mut b) != frame {}
    }
    for thread in restless {
        thread.join().unwrap();
    }
    until("only the two are left", || lan.ports() == 2);
}

#[test]
fn one_station_too_many_is_turned_away_until_another_goes() {
    const MOST: usize = 40;
    let lan = Running::start_with(MOST);
    let connect = || UnixStream::connect(&lan.address.path).unwrap();
    let mut streams: Vec<UnixStream> = (0..MOST).map(|_| connect()).collect();
    until("all are accepted", || lan.ports() == MOST);
    assert_eq!(connect().read(&mut [0]).unwrap(), 0);
    streams.pop();
    until("one port is free", || lan.ports() == MOST - 1);
    let _last = connect();
    until("it is taken again", || lan.ports() == MOST);
}

#[test]
fn a_stopping_switch_still_delivers_what_it_was_given() {
    let lan = Running::start();
    let (mut a, mut b) = (lan.join(1), lan.join(2));
    let mut waiting: VecDeque<Frame> =
        (0..50).map(|n| Frame::copy_of(&bytes(mac(2), mac(1), 1000, n))).collect();
    assert!(a.transmit(now(), &mut waiting).unwrap());
    drop(a);
    lan.handle.stop();
    for n in 0..50 {
        assert_eq!(next(&mut b)[14], n);
    }
}

#[test]
fn the_last_words_of_a_station_that_has_gone_are_forwarded() {
    let directory = Directory::new();
    let address = directory.lan();
    let switch = Switch::bind(&address).unwrap();
    let connect = || UnixStream::connect(&address.path).unwrap();
    let put = |stream: &mut UnixStream, frame: &[u8]| {
        stream.write_all(&[&prefix(frame.len()), frame].concat()).unwrap();
    };
    // The switch does not run yet: it hears the first station first, whose frame the second one takes no more.
    let (mut first, mut gone, mut third) = (connect(), connect(), connect());
    third.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let (flooded, last) = (bytes(mac(9), mac(1), 46, 1), bytes(mac(9), mac(2), 46, 2));
    put(&mut first, &flooded);
    put(&mut gone, &last);
    drop(gone);
    let handle = switch.handle();
    let running = Running {
        handle,
        thread: Some(thread::spawn(move || switch.run().unwrap())),
        address,
        _directory: directory,
    };
    let mut arrived = vec![0; 2 * (4 + last.len())];
    third.read_exact(&mut arrived).unwrap();
    assert_eq!((&arrived[4..4 + last.len()], &arrived[8 + last.len()..]), (&flooded[..], &last[..]));
    until("its port is gone", || running.ports() == 2);
}
