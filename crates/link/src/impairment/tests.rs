use super::*;
use crate::loopback::Loopback;
use bytes::Bytes;
use core::net::{IpAddr, Ipv4Addr};
use std::time::Duration;
use wire::ethernet::MacAddress;
use wire::{ipv4, protocol, tcp};

const FRAMES: u32 = 100_000;

fn numbered(n: u32) -> Frame {
    Frame::copy_of(&[&n.to_be_bytes()[..], &[0; 16]].concat())
}

fn number(frame: &Frame) -> u32 {
    u32::from_be_bytes(frame.to_vec()[..4].try_into().unwrap())
}

/// A cable whose first end is impaired.
fn cable(impairment: &str) -> (Impaired<crate::MemoryLink>, crate::MemoryLink) {
    let (a, b) =
        crate::memory::pair(1500, 1 << 20, MacAddress([2, 0, 0, 0, 0, 1]), MacAddress([2, 0, 0, 0, 0, 2]));
    (Impaired::new(a, impairment.parse().unwrap()), b)
}

/// Sends so many frames, one each microsecond, and gives what arrives with its times.
fn send_all(link: &mut impl Link, to: &mut impl Link, count: u32) -> Vec<(Instant, Frame)> {
    let (mut time, mut sent, mut seen) = (Instant::ZERO, 0, Vec::new());
    let mut arrived = VecDeque::new();
    loop {
        let mut waiting = VecDeque::new();
        if sent < count {
            waiting.push_back(numbered(sent));
            sent += 1;
        }
        link.transmit(time, &mut waiting).unwrap();
        while to.receive(time, &mut arrived, 64).unwrap() {}
        seen.extend(arrived.drain(..).map(|frame| (time, frame)));
        time = match (sent < count, link.poll_timeout()) {
            (true, _) => time + Duration::from_micros(1),
            (false, Some(next)) => time.max(next),
            (false, None) => return seen,
        };
    }
}

fn run(impairment: &str, count: u32) -> Vec<(Instant, Frame)> {
    let (mut a, mut b) = cable(impairment);
    send_all(&mut a, &mut b, count)
}

fn numbers(seen: &[(Instant, Frame)]) -> Vec<u32> {
    seen.iter().map(|(_, frame)| number(frame)).collect()
}

/// Within five standard deviations of what chance would give.
fn assert_near(count: usize, share: f64) {
    let expected = f64::from(FRAMES) * share;
    let deviation = (expected * (1.0 - share)).sqrt();
    assert!((count as f64 - expected).abs() < 5.0 * deviation, "{count} instead of about {expected}");
}

#[test]
fn nothing_happens_to_frames_that_nothing_shall_happen_to() {
    let seen = run("seed=5", 1000);
    assert_eq!(numbers(&seen), (0..1000).collect::<Vec<_>>());
    assert!(seen.iter().all(|(time, frame)| *time == Instant::from_nanos(u64::from(number(frame)) * 1000)));
}

#[test]
fn a_batch_longer_than_the_queue_passes_if_it_need_not_wait() {
    let (mut a, mut b) = cable("loss=0%,queue=10");
    let mut waiting: VecDeque<Frame> = (0..500).map(numbered).collect();
    assert!(a.transmit(Instant::ZERO, &mut waiting).unwrap());
    let mut arrived = VecDeque::new();
    b.receive(Instant::ZERO, &mut arrived, usize::MAX).unwrap();
    assert_eq!(arrived.len(), 500);
    b.transmit(Instant::ZERO, &mut arrived).unwrap();
    assert!(a.receive(Instant::ZERO, &mut arrived, 300).unwrap());
    assert_eq!(arrived.len(), 300);
    assert!(!a.receive(Instant::ZERO, &mut arrived, usize::MAX).unwrap());
    assert_eq!((arrived.len(), a.lost()), (500, (0, 0)));
}

#[test]
fn frames_are_lost_and_doubled_as_often_as_asked_for() {
    assert_near(FRAMES as usize - run("loss=1%", FRAMES).len(), 0.01);
    let doubled = numbers(&run("dup=3%", FRAMES));
    assert_near(doubled.len() - FRAMES as usize, 0.03);
    assert!(doubled.is_sorted());
    assert!(run("loss=100%", 1000).is_empty());
    assert_eq!(run("dup=100%", 1000).len(), 2000);
}

#[test]
fn a_damaged_frame_has_one_bit_turned_anywhere() {
    let seen = run("corrupt=5%", FRAMES);
    let (mut damaged, mut places) = (0, [0_u32; 160]);
    for (n, (_, frame)) in seen.iter().enumerate() {
        let (bytes, original) = (frame.to_vec(), numbered(n as u32).to_vec());
        let turned: Vec<usize> =
            (0..160).filter(|bit| (bytes[bit / 8] ^ original[bit / 8]) >> (bit % 8) & 1 == 1).collect();
        assert!(turned.len() <= 1);
        damaged += turned.len();
        turned.iter().for_each(|place| places[*place] += 1);
    }
    assert_near(damaged, 0.05);
    assert!(places.iter().all(|count| *count > 0));
}

#[test]
fn a_reordered_frame_is_overtaken_by_one_to_three_and_none_is_missing() {
    let seen = numbers(&run("reorder=2%", FRAMES));
    let mut sorted = seen.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (0..FRAMES).collect::<Vec<_>>());
    let mut moved = [0; 8];
    for (place, n) in seen.iter().enumerate() {
        // Frames that others were held back behind move forward by as many places.
        let back = place.saturating_sub(*n as usize);
        moved[back.min(7)] += 1;
    }
    // Held frames that stand next to each other shift each other; more than six places are next to impossible.
    assert_eq!(moved[7], 0);
    let held = moved[1] + moved[2] + moved[3] + moved[4] + moved[5] + moved[6];
    assert!((1700..2100).contains(&held), "{moved:?}");
    assert!(moved[1..=3].iter().all(|count| *count > 500), "{moved:?}");
}

#[test]
fn the_last_frame_is_not_held_for_ever() {
    let seen = run("reorder=100%", 1);
    assert_eq!((seen.len(), seen[0].0), (1, Instant::from_millis(5)));
}

#[test]
fn delays_lie_between_the_bounds_and_all_over_them() {
    let seen = run("delay=20ms±5ms,queue=100000", 20_000);
    assert_eq!(seen.len(), 20_000);
    let delays: Vec<u64> = seen
        .iter()
        .map(|(time, frame)| {
            (*time - Instant::from_nanos(u64::from(number(frame)) * 1000)).as_micros() as u64
        })
        .collect();
    let (shortest, longest) = (delays.iter().min().unwrap(), delays.iter().max().unwrap());
    // A frame is handed on with the next call: at most a microsecond late.
    assert!(
        (15_000..15_100).contains(shortest) && (24_900..=25_001).contains(longest),
        "{shortest} {longest}"
    );
    let mean = delays.iter().sum::<u64>() / delays.len() as u64;
    assert!((19_900..20_100).contains(&mean), "{mean}");
    let fixed = run("delay=3ms", 100);
    assert_eq!(numbers(&fixed), (0..100).collect::<Vec<_>>());
    assert_eq!(fixed[0].0, Instant::from_millis(3));
}

#[test]
fn the_rate_spaces_frames_and_the_queue_loses_what_does_not_fit() {
    // 20 bytes at 160 kbit/s are one millisecond.
    let seen = run("rate=160kbit,queue=5", 100);
    assert_eq!(numbers(&seen), [0, 1, 2, 3, 4]);
    let times: Vec<u64> = seen.iter().map(|(time, _)| time.as_millis()).collect();
    assert_eq!(times, [1, 2, 3, 4, 5]);
}

#[test]
fn the_queue_takes_exactly_its_bound() {
    let (mut a, _b) = cable("delay=1s,queue=7");
    a.transmit(Instant::ZERO, &mut (0..9).map(numbered).collect()).unwrap();
    assert_eq!(a.lost(), (2, 0));
    let (mut a, _b) = cable("delay=1s,queue=7,dup=100%");
    a.transmit(Instant::ZERO, &mut (0..4).map(numbered).collect()).unwrap();
    assert_eq!(a.lost(), (1, 0));
}

#[test]
fn the_same_seed_gives_the_same_fate_and_another_seed_another() {
    let text = "loss=1%,dup=1%,reorder=2%,corrupt=1%,delay=20ms±5ms,rate=100mbit,seed=";
    let fate = |seed: u32| {
        let seen = run(&format!("{text}{seed}"), 5000);
        seen.into_iter().map(|(time, frame)| (time, frame.to_vec())).collect::<Vec<_>>()
    };
    assert_eq!(fate(7), fate(7));
    assert_ne!(fate(7), fate(8));
}

#[test]
fn both_directions_are_impaired_and_not_alike() {
    let (mut a, mut b) = cable("loss=50%");
    let there = numbers(&send_all(&mut a, &mut b, 1000));
    let back = numbers(&send_all(&mut b, &mut a, 1000));
    assert!((400..600).contains(&there.len()) && (400..600).contains(&back.len()));
    assert_ne!(there, back);
    assert_eq!(a.lost(), (1000 - there.len() as u64, 1000 - back.len() as u64));
}

fn super_segment() -> Frame {
    let (here, there) = (Ipv4Addr::new(10, 7, 0, 2), Ipv4Addr::new(10, 7, 0, 3));
    let mut frame = Frame::new();
    frame.set_body(Bytes::from(vec![7; 14_600]), 14_600);
    (frame.segment_size, frame.checksum) = (1460, Checksum::Deferred);
    tcp::Header::default().prepend_to(&mut frame, IpAddr::V4(here), IpAddr::V4(there));
    ipv4::Header::new(here, there, protocol::TCP).prepend_to(&mut frame);
    frame
}

fn is_well(packet: &Frame) -> bool {
    let mut packet = packet.clone();
    let Ok(header) = ipv4::Header::parse(packet.first(), packet.len()) else { return false };
    packet.strip(header.header_length);
    tcp::verify(IpAddr::V4(header.source), IpAddr::V4(header.destination), packet.parts()).is_ok()
}

#[test]
fn super_segments_are_cut_before_and_damage_is_there_to_be_found() {
    for (text, well) in [("seed=1", 10), ("corrupt=100%", 0)] {
        // Once on the way out, and once on the way in, where the loopback vouches for what it hands on.
        let mut outwards = Impaired::new(Loopback::new(), text.parse().unwrap());
        assert!(!outwards.capabilities().segmentation && !outwards.capabilities().checksums);
        let mut inwards = Impaired::new(Loopback::new(), text.parse().unwrap());
        let mut arrived = VecDeque::new();
        outwards.transmit(Instant::ZERO, &mut VecDeque::from([super_segment()])).unwrap();
        outwards.get_mut().receive(Instant::ZERO, &mut arrived, 99).unwrap();
        inwards.get_mut().transmit(Instant::ZERO, &mut VecDeque::from([super_segment()])).unwrap();
        inwards.receive(Instant::ZERO, &mut arrived, 99).unwrap();
        assert_eq!(arrived.len(), 20);
        for packets in [arrived.range(..10), arrived.range(10..)] {
            assert!(
                packets.clone().all(|packet| packet.checksum == Checksum::Complete && packet.len() == 1500)
            );
            assert_eq!(packets.filter(|packet| is_well(packet)).count(), well, "{text}");
        }
    }
}
