//! Bounds of a host's tables and queues, at their edge.

use super::listener::MAX_SHARERS;
use super::{Decision, Host};
use crate::config::{HostConfig, SynCookies};
use crate::error::{DecideError, Dropped, Failure, ListenError};
use crate::event::ConnectionId;
use crate::info::State;
use crate::segment::{FourTuple, Path, Shutdown};
use crate::settings::SocketOptions;
use alloc::vec::Vec;
use basis::{Frame, Instant};
use core::net::{IpAddr, Ipv4Addr};
use wire::tcp::{Flags, Header, Options, Seq};

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
const PATH: Path = Path { lane: 0, mtu: 1500, link_mtu: 1500 };

fn peer(n: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(0x0b00_0000 + n))
}

fn segment(
    host: &mut Host,
    now: Instant,
    from: IpAddr,
    flags: Flags,
    numbers: (u32, u32),
) -> Result<(), Dropped> {
    let header = Header {
        source_port: 1000,
        destination_port: 80,
        sequence: Seq(numbers.0),
        acknowledgment: Seq(numbers.1),
        flags,
        window: 1000,
        urgent: 0,
        options: Options::NONE,
    };
    let mut frame = Frame::new();
    header.prepend_to(&mut frame, from, LOCAL);
    host.on_segment(now, PATH, LOCAL, from, &mut frame)
}

fn listening(config: HostConfig, backlog: u32) -> Host {
    let mut host = Host::new(Instant::ZERO, config, [1; 32]);
    host.listen(None, 80, backlog, SocketOptions::default()).unwrap();
    host
}

fn without_cookies() -> HostConfig {
    HostConfig { syn_cookies: SynCookies::Off, ..HostConfig::default() }
}

/// The number of the next SYN-ACK.
fn answer(host: &mut Host) -> Option<u32> {
    let mut frame = Frame::new();
    host.poll_transmit(Instant::ZERO, 0, &mut frame)?;
    Some(Header::parse(frame.first()).unwrap().0.sequence.0)
}

#[test]
fn both_queues_of_a_listener_hold_its_backlog_and_no_more() {
    let mut host = listening(without_cookies(), 3);
    for n in 0..3 {
        assert_eq!(segment(&mut host, Instant::ZERO, peer(n), Flags::SYN, (7, 0)), Ok(()));
    }
    assert_eq!(segment(&mut host, Instant::ZERO, peer(3), Flags::SYN, (7, 0)), Err(Dropped::BacklogFull));
    for n in 0..3 {
        let number = answer(&mut host).unwrap();
        assert_eq!(segment(&mut host, Instant::ZERO, peer(n), Flags::ACK, (8, number + 1)), Ok(()));
    }
    assert_eq!(host.population(), (3, 0, 0));
    assert_eq!(segment(&mut host, Instant::ZERO, peer(3), Flags::SYN, (7, 0)), Err(Dropped::BacklogFull));
}

#[test]
fn half_open_connections_of_all_listeners_have_a_bound_too() {
    let mut host = listening(HostConfig { max_half_open: 2, ..without_cookies() }, 10);
    let syn = |host: &mut Host, n| segment(host, Instant::ZERO, peer(n), Flags::SYN, (7, 0));
    assert_eq!([0, 1, 2].map(|n| syn(&mut host, n)), [Ok(()), Ok(()), Err(Dropped::TableFull)]);
}

#[test]
fn attempts_that_come_and_go_while_nothing_can_be_sent_leave_no_pile() {
    let mut host = listening(HostConfig::default(), 10);
    for n in 0..100_000 {
        assert_eq!(segment(&mut host, Instant::ZERO, peer(n), Flags::SYN, (7, 0)), Ok(()));
        assert_eq!(segment(&mut host, Instant::ZERO, peer(n), Flags::RST, (8, 0)), Ok(()));
    }
    assert_eq!(host.population(), (0, 0, 0));
    assert!(host.lanes.get(0).line.len() <= 2 * 1024);
}

#[test]
fn replies_to_strays_are_queued_up_to_a_bound_and_counted_beyond_it() {
    let mut host = listening(HostConfig::default(), 10);
    for n in 0..200 {
        let stray = segment(&mut host, Instant::ZERO, peer(n), Flags::ACK, (7, 9));
        assert_eq!(stray, Err(Dropped::NoSocket));
    }
    assert_eq!(host.counters().replies_dropped, 200 - 128);
}

#[test]
fn an_unanswered_attempt_is_answered_again_after_1_2_4_8_and_16_seconds_and_then_gone() {
    let mut host = listening(HostConfig::default(), 10);
    segment(&mut host, Instant::ZERO, peer(0), Flags::SYN, (7, 0)).unwrap();
    let mut times = alloc::vec::Vec::new();
    while let Some(deadline) = host.poll_timeout() {
        if answer(&mut host).is_some() {
            times.push(deadline.as_millis());
        }
        host.on_timeout(deadline);
    }
    assert_eq!(times, [1_000, 3_000, 7_000, 15_000, 31_000, 63_000]);
    assert_eq!(host.population(), (0, 0, 0));
}

// ---- the end of a connection ----

/// A connection without options, accepted; the number of its first byte.
fn accepted() -> (Host, ConnectionId, u32) {
    let mut host = Host::new(
        Instant::ZERO,
        HostConfig { window_scaling: false, timestamps: false, ..HostConfig::default() },
        [1; 32],
    );
    let listener = host.listen(None, 80, 10, SocketOptions::default()).unwrap();
    segment(&mut host, Instant::ZERO, peer(0), Flags::SYN, (7, 0)).unwrap();
    let first = answer(&mut host).unwrap() + 1;
    segment(&mut host, Instant::ZERO, peer(0), Flags::ACK, (8, first)).unwrap();
    let id = host.accept(listener).unwrap();
    (host, id, first)
}

/// The payload bytes and flags of every segment that is due.
fn sent(host: &mut Host, now: Instant) -> Vec<(usize, Flags)> {
    let mut segments = Vec::new();
    loop {
        let mut frame = Frame::new();
        if host.poll_transmit(now, 0, &mut frame).is_none() {
            return segments;
        }
        let (header, length) = Header::parse(frame.first()).unwrap();
        segments.push((frame.len() - length, header.flags));
    }
}

fn bytes(segments: &[(usize, Flags)]) -> usize {
    segments.iter().map(|segment| segment.0).sum()
}

#[test]
fn segments_that_came_as_one_are_as_long_as_each_of_them() {
    let (mut host, id, number) = accepted();
    let mut sequence = 8;
    // As one packet it is the segment itself.
    for (length, segment_size, full) in [(4_000, 1_000, 1_000), (500, 1_400, 1_000), (3_000, 0, 3_000)] {
        let header = Header {
            source_port: 1000,
            destination_port: 80,
            sequence: Seq(sequence),
            acknowledgment: Seq(number),
            flags: Flags::ACK,
            window: 1000,
            urgent: 0,
            options: Options::NONE,
        };
        let mut frame = Frame::copy_of(&alloc::vec![0; length]);
        header.prepend_to(&mut frame, peer(0), LOCAL);
        frame.segment_size = segment_size;
        host.on_segment(Instant::ZERO, PATH, LOCAL, peer(0), &mut frame).unwrap();
        assert_eq!(host.info(id).unwrap().peer_segment_size, full);
        sequence += length as u32;
    }
}

#[test]
fn a_connection_closed_before_its_syn_left_says_nothing() {
    let mut host = Host::new(Instant::ZERO, HostConfig::default(), [1; 32]);
    let tuple = FourTuple { local: LOCAL, remote: peer(0), local_port: 5, remote_port: 6 };
    let id = host.connect(Instant::ZERO, PATH, tuple, SocketOptions::default()).unwrap();
    host.close(Instant::ZERO, id);
    assert_eq!(sent(&mut host, Instant::ZERO), []);
}

#[test]
fn a_reset_while_data_waits_for_the_last_ack_is_a_failure_and_ends_all_sending() {
    let (mut host, id, first) = accepted();
    let now = Instant::from_millis(1);
    host.write(now, id, &[1; 5000]).unwrap();
    sent(&mut host, now);
    segment(&mut host, now, peer(0), Flags::FIN | Flags::ACK, (8, first)).unwrap();
    host.shutdown(now, id, Shutdown::Write).unwrap();
    sent(&mut host, now);
    segment(&mut host, now, peer(0), Flags::RST, (9, 0)).unwrap();
    assert_eq!(sent(&mut host, now), []);
    assert_eq!(host.take_failure(id), Some(Failure::Reset));
}

#[test]
fn close_with_unread_bytes_delivers_what_was_written_and_then_resets() {
    let (mut host, id, first) = accepted();
    let now = Instant::from_millis(1);
    host.write(now, id, &[1; 300]).unwrap();
    let header = Header {
        source_port: 1000,
        destination_port: 80,
        sequence: Seq(8),
        acknowledgment: Seq(first),
        flags: Flags::ACK,
        window: 1000,
        urgent: 0,
        options: Options::NONE,
    };
    let mut frame = Frame::copy_of(b"unread");
    header.prepend_to(&mut frame, peer(0), LOCAL);
    host.on_segment(now, PATH, LOCAL, peer(0), &mut frame).unwrap();
    host.close(now, id);
    let before = sent(&mut host, now);
    assert_eq!(bytes(&before), 300);
    assert!(before.iter().all(|(_, flags)| !flags.contains(Flags::RST)));
    segment(&mut host, now, peer(0), Flags::ACK, (14, first + 301)).unwrap();
    let after = sent(&mut host, now);
    assert!(matches!(after[..], [(0, flags)] if flags.contains(Flags::RST)), "{after:?}");
    assert_eq!(host.population(), (0, 0, 0));
}

#[test]
fn an_acknowledgment_counts_though_want_of_memory_has_taken_its_number_out_of_the_window() {
    let config = HostConfig {
        window_scaling: false,
        timestamps: false,
        buffer_memory: 4 << 10,
        ..HostConfig::default()
    };
    let mut host = Host::new(Instant::ZERO, config, [1; 32]);
    let listener = host.listen(None, 80, 10, SocketOptions::default()).unwrap();
    segment(&mut host, Instant::ZERO, peer(0), Flags::SYN, (7, 0)).unwrap();
    let first = answer(&mut host).unwrap() + 1;
    segment(&mut host, Instant::ZERO, peer(0), Flags::ACK, (8, first)).unwrap();
    let id = host.accept(listener).unwrap();
    let now = Instant::from_millis(1);
    host.write(now, id, &[1; 300]).unwrap();
    sent(&mut host, now);
    // The peer fills the window that it was offered; most of it is turned away.
    for n in 0..5 {
        let mut frame = Frame::copy_of(&[2; 1_000]);
        let header = Header {
            source_port: 1000,
            destination_port: 80,
            sequence: Seq(8 + 1_000 * n),
            acknowledgment: Seq(first),
            flags: Flags::ACK,
            window: 1000,
            ..Header::default()
        };
        header.prepend_to(&mut frame, peer(0), LOCAL);
        let _ = host.on_segment(now, PATH, LOCAL, peer(0), &mut frame);
        sent(&mut host, now);
    }
    let info = host.info(id).unwrap();
    assert!(info.receive_window < 3_000 && info.send_queue == 300, "{info:?}");
    assert_eq!(segment(&mut host, now, peer(0), Flags::ACK, (5_008, first + 300)), Ok(()));
    assert_eq!(host.info(id).unwrap().send_queue, 0);
}

#[test]
fn a_connection_in_time_wait_is_listed_once() {
    let (mut host, id, first) = accepted();
    host.shutdown(Instant::ZERO, id, Shutdown::Write).unwrap();
    sent(&mut host, Instant::ZERO);
    segment(&mut host, Instant::ZERO, peer(0), Flags::FIN | Flags::ACK, (8, first + 1)).unwrap();
    let states: Vec<State> = host.connections().map(|connection| connection.state).collect();
    assert_eq!(states, [State::TimeWait]);
}

#[test]
fn time_wait_acknowledges_once_however_often_it_is_asked_before_the_answer_leaves() {
    let (mut host, id, first) = accepted();
    host.close(Instant::ZERO, id);
    sent(&mut host, Instant::ZERO);
    for _ in 0..5 {
        segment(&mut host, Instant::ZERO, peer(0), Flags::FIN | Flags::ACK, (8, first + 1)).unwrap();
    }
    assert_eq!(host.population(), (0, 0, 1));
    assert_eq!(sent(&mut host, Instant::ZERO), [(0, Flags::ACK)]);
    segment(&mut host, Instant::ZERO, peer(0), Flags::FIN | Flags::ACK, (8, first + 1)).unwrap();
    assert_eq!(
        sent(&mut host, Instant::ZERO),
        [(0, Flags::ACK)],
        "each answer that has left may be followed by one"
    );
    assert_eq!(sent(&mut host, Instant::ZERO), []);
}

#[test]
fn who_leaves_time_wait_early_for_want_of_room_has_acknowledged_what_he_owed() {
    let config = HostConfig { max_time_wait: 1, ..without_cookies() };
    let mut host = listening(config, 3);
    let mut calls = Vec::new();
    for n in 0..2 {
        segment(&mut host, Instant::ZERO, peer(n), Flags::SYN, (7, 0)).unwrap();
        let first = answer(&mut host).unwrap() + 1;
        segment(&mut host, Instant::ZERO, peer(n), Flags::ACK, (8, first)).unwrap();
        let id = host.connections().find(|connection| connection.tuple.remote == peer(n)).unwrap().id;
        calls.push((peer(n), id.unwrap(), first));
    }
    calls.iter().for_each(|(_, id, _)| host.close(Instant::ZERO, *id));
    assert_eq!(sent(&mut host, Instant::ZERO).len(), 2, "two FINs");
    for (from, _, first) in calls {
        segment(&mut host, Instant::ZERO, from, Flags::FIN | Flags::ACK, (8, first + 1)).unwrap();
    }
    assert_eq!(host.population(), (0, 0, 1));
    assert_eq!(sent(&mut host, Instant::ZERO), [(0, Flags::ACK); 2]);
}

#[test]
fn a_peer_that_keeps_its_window_closed_holds_an_abandoned_connection_only_for_so_long() {
    let (mut host, id, first) = accepted();
    host.write(Instant::ZERO, id, &[1; 5000]).unwrap();
    sent(&mut host, Instant::ZERO);
    let closed = |host: &mut Host, now| {
        let header = Header {
            source_port: 1000,
            destination_port: 80,
            sequence: Seq(8),
            acknowledgment: Seq(first + 536),
            flags: Flags::ACK,
            window: 0,
            urgent: 0,
            options: Options::NONE,
        };
        let mut frame = Frame::new();
        header.prepend_to(&mut frame, peer(0), LOCAL);
        let _ = host.on_segment(now, PATH, LOCAL, peer(0), &mut frame);
    };
    closed(&mut host, Instant::ZERO);
    host.close(Instant::ZERO, id);
    let mut now = Instant::ZERO;
    while let Some(deadline) = host.poll_timeout().filter(|_| now < Instant::from_millis(86_400_000)) {
        now = deadline;
        host.on_timeout(now);
        if !sent(&mut host, now).is_empty() {
            closed(&mut host, now);
        }
    }
    assert_eq!(host.population(), (0, 0, 0));
    assert!(now > Instant::from_millis(180_000), "given up after {now:?}");
}

/// What leaves next: its flags.
fn next_flags(host: &mut Host, now: Instant) -> Option<Flags> {
    let mut frame = Frame::new();
    host.poll_transmit(now, 0, &mut frame)?;
    Some(Header::parse(frame.first()).unwrap().0.flags)
}

fn asking(backlog: u32) -> (Host, crate::ListenerId) {
    let mut host = Host::new(Instant::ZERO, HostConfig::default(), [1; 32]);
    let listener = host.listen(None, 0, backlog, SocketOptions::default()).unwrap();
    assert!(host.set_admission(listener, true));
    (host, listener)
}

#[test]
fn a_syn_waits_for_its_decision_and_nothing_is_said_before() {
    let (mut host, listener) = asking(3);
    let now = Instant::ZERO;
    for n in 0..3 {
        assert_eq!(segment(&mut host, now, peer(n), Flags::SYN, (7, 0)), Ok(()));
        // The same SYN again is no other request.
        let _ = segment(&mut host, now, peer(n), Flags::SYN, (7, 0));
    }
    assert_eq!(segment(&mut host, now, peer(3), Flags::SYN, (7, 0)), Err(Dropped::BacklogFull));
    assert_eq!(host.poll_event(), Some(crate::Event::Listener(listener)));
    assert_eq!(host.poll_event(), None);
    assert_eq!(next_flags(&mut host, now), None);
    let requests: Vec<_> = core::iter::from_fn(|| host.poll_request(listener).ok()).collect();
    assert_eq!(requests.len(), 3);
    assert_eq!((requests[1].tuple.remote, requests[1].tuple.local_port), (peer(1), 80));

    assert_eq!(host.decide(now, requests[0].id, Decision::Accept), Ok(()));
    assert_eq!(host.decide(now, requests[0].id, Decision::Refuse), Err(DecideError::NotWaiting));
    let number = answer(&mut host).unwrap();
    assert_eq!(segment(&mut host, now, peer(0), Flags::ACK, (8, number + 1)), Ok(()));
    assert_eq!(host.poll_event(), Some(crate::Event::Listener(listener)));
    assert!(host.accept(listener).is_ok());

    assert_eq!(host.decide(now, requests[1].id, Decision::Refuse), Ok(()));
    let mut frame = Frame::new();
    host.poll_transmit(now, 0, &mut frame).unwrap();
    let header = Header::parse(frame.first()).unwrap().0;
    assert_eq!((header.flags, header.acknowledgment), (Flags::RST | Flags::ACK, Seq(8)));

    assert_eq!(host.decide(now, requests[2].id, Decision::Ignore), Ok(()));
    assert_eq!(next_flags(&mut host, now), None);
    assert_eq!(host.population(), (1, 0, 0));
    // It is asked for again, and there is room again.
    assert_eq!(segment(&mut host, now, peer(2), Flags::SYN, (7, 0)), Ok(()));
    assert!(host.poll_request(listener).is_ok());
}

#[test]
fn a_syn_that_nobody_decides_on_goes_in_silence_and_so_does_one_given_up() {
    let (mut host, listener) = asking(3);
    assert_eq!(segment(&mut host, Instant::ZERO, peer(0), Flags::SYN, (7, 0)), Ok(()));
    assert_eq!(segment(&mut host, Instant::ZERO, peer(1), Flags::SYN, (7, 0)), Ok(()));
    let request = host.poll_request(listener).unwrap();
    // The wrong number is a stranger's.
    let _ = segment(&mut host, Instant::ZERO, peer(1), Flags::RST, (9, 0));
    assert_eq!(host.population().1, 2);
    assert_eq!(segment(&mut host, Instant::ZERO, peer(1), Flags::RST, (8, 0)), Ok(()));
    assert_eq!(host.population().1, 1);
    assert_eq!(host.poll_request(listener), Err(crate::AcceptError::WouldBlock));
    let mut last = Instant::ZERO;
    while let Some(deadline) = host.poll_timeout() {
        last = deadline;
        host.on_timeout(deadline);
        assert_eq!(next_flags(&mut host, deadline), None);
    }
    assert_eq!(last, Instant::from_millis(63_000));
    assert_eq!(host.counters().retransmissions, 0);
    assert_eq!(host.decide(last, request.id, Decision::Accept), Err(DecideError::NotWaiting));
}

#[test]
fn a_late_decision_begins_a_handshake_like_any_other() {
    let (mut host, listener) = asking(3);
    assert_eq!(segment(&mut host, Instant::ZERO, peer(0), Flags::SYN, (7, 0)), Ok(()));
    let request = host.poll_request(listener).unwrap();
    for millisecond in [1_000, 3_000, 7_000] {
        host.on_timeout(Instant::from_millis(millisecond));
    }
    let now = Instant::from_millis(9_000);
    assert_eq!(host.decide(now, request.id, Decision::Accept), Ok(()));
    assert_eq!(next_flags(&mut host, now), Some(Flags::SYN | Flags::ACK));
    assert_eq!(host.poll_timeout(), Some(Instant::from_millis(10_000)));
    host.on_timeout(Instant::from_millis(10_000));
    assert_eq!(next_flags(&mut host, now), Some(Flags::SYN | Flags::ACK));
    host.close_listener(now, listener);
    assert_eq!(host.decide(now, request.id, Decision::Accept), Err(DecideError::NotWaiting));
}

#[test]
fn requests_that_come_and_go_unseen_leave_no_pile() {
    let (mut host, listener) = asking(10);
    for n in 0..10_000 {
        assert_eq!(segment(&mut host, Instant::ZERO, peer(n), Flags::SYN, (7, 0)), Ok(()));
        assert_eq!(segment(&mut host, Instant::ZERO, peer(n), Flags::RST, (8, 0)), Ok(()));
    }
    assert!(host.listeners.get(listener.0).unwrap().requests_queued() <= 20);
    assert!(host.poll_request(listener).is_err());
}

#[test]
fn the_listener_for_every_port_has_what_no_other_wants() {
    let mut host = Host::new(Instant::ZERO, HostConfig::default(), [1; 32]);
    let mut listen = |address, port| host.listen(address, port, 9, SocketOptions::default()).unwrap();
    let any = listen(None, 0);
    let wildcard = listen(Some(Ipv4Addr::UNSPECIFIED.into()), 80);
    let exact = listen(Some(LOCAL), 80);
    let find = |host: &mut Host, local, local_port| {
        let tuple = FourTuple { local, local_port, remote: peer(7), remote_port: 1 };
        host.listeners.find(&tuple).map(crate::ListenerId)
    };
    assert_eq!(find(&mut host, LOCAL, 80), Some(exact));
    assert_eq!(find(&mut host, peer(0), 80), Some(wildcard));
    assert_eq!(find(&mut host, LOCAL, 81), Some(any));
    assert_eq!(find(&mut host, core::net::Ipv6Addr::LOCALHOST.into(), 80), Some(any));
    host.close_listener(Instant::ZERO, exact);
    assert_eq!(find(&mut host, LOCAL, 80), Some(wildcard));
    host.close_listener(Instant::ZERO, any);
    assert_eq!(find(&mut host, LOCAL, 81), None);
}

/// SO_REUSEPORT.
#[test]
fn calls_spread_over_listeners_that_share_a_port_and_each_flow_keeps_its_own() {
    let mut host = Host::new(Instant::ZERO, HostConfig::default(), [1; 32]);
    let options = SocketOptions { reuse_port: true, ..SocketOptions::default() };
    let mut sharing: Vec<_> = (0..4).map(|_| host.listen(None, 80, 9, options).unwrap()).collect();
    let find = |host: &mut Host, n: u32| {
        let tuple = FourTuple { local: LOCAL, local_port: 80, remote: peer(n), remote_port: 1_000 };
        host.listeners.find(&tuple).map(crate::ListenerId)
    };
    let count = |host: &mut Host, listener| (0..4_000).filter(|n| find(host, *n) == Some(listener)).count();
    for listener in &sharing {
        assert!((850..1_150).contains(&count(&mut host, *listener)), "{}", count(&mut host, *listener));
    }
    let before: Vec<_> = (0..100).map(|n| find(&mut host, n)).collect();
    assert_eq!(before, (0..100).map(|n| find(&mut host, n)).collect::<Vec<_>>());
    // Another host with another secret spreads them in another way.
    let mut other = Host::new(Instant::ZERO, HostConfig::default(), [2; 32]);
    for _ in 0..4 {
        other.listen(None, 80, 9, options).unwrap();
    }
    assert_ne!(before, (0..100).map(|n| find(&mut other, n)).collect::<Vec<_>>());
    while let Some(gone) = sharing.pop() {
        host.close_listener(Instant::ZERO, gone);
        assert_eq!(count(&mut host, gone), 0);
        let found: usize = sharing.iter().map(|listener| count(&mut host, *listener)).sum();
        assert_eq!(found, if sharing.is_empty() { 0 } else { 4_000 });
    }
    assert!(host.listen(None, 80, 9, SocketOptions::default()).is_ok(), "the place is free again");
}

#[test]
fn a_port_is_shared_if_all_want_it_and_by_no_more_than_the_bound() {
    let mut host = Host::new(Instant::ZERO, HostConfig::default(), [1; 32]);
    let alone = SocketOptions::default();
    let sharing = SocketOptions { reuse_port: true, ..alone };
    host.listen(None, 80, 9, alone).unwrap();
    assert_eq!(host.listen(None, 80, 9, sharing), Err(ListenError::AddressInUse));
    for _ in 0..MAX_SHARERS {
        host.listen(None, 81, 9, sharing).unwrap();
    }
    assert_eq!(host.listen(None, 81, 9, alone), Err(ListenError::AddressInUse));
    assert_eq!(host.listen(None, 81, 9, sharing), Err(ListenError::TooManyListeners));
}

mod fast_open {
    use super::*;
    use crate::config::FastOpenServer;
    use wire::tcp::FastOpen;

    /// A SYN with five bytes of data and a cookie.
    fn syn(host: &mut Host, n: u32, fast_open: FastOpen) -> Result<(), Dropped> {
        let header = Header {
            source_port: 1000,
            destination_port: 80,
            sequence: Seq(7),
            acknowledgment: Seq(0),
            flags: Flags::SYN,
            window: 1000,
            urgent: 0,
            options: Options { fast_open: Some(fast_open), ..Options::NONE },
        };
        let mut frame = Frame::copy_of(b"hello");
        header.prepend_to(&mut frame, peer(n), LOCAL);
        host.on_segment(Instant::ZERO, PATH, LOCAL, peer(n), &mut frame)
    }

    fn syn_ack(host: &mut Host) -> Header {
        let mut frame = Frame::new();
        host.poll_transmit(Instant::ZERO, 0, &mut frame).unwrap();
        Header::parse(frame.first()).unwrap().0
    }

    #[test]
    fn a_cookie_is_given_to_who_asks_and_opens_at_once_for_its_owner_alone() {
        let mut host = Host::new(Instant::ZERO, HostConfig::default(), [1; 32]);
        let listener = host.listen(None, 80, 10, SocketOptions::default()).unwrap();
        let server = FastOpenServer { pending: 1, key: None, require_cookie: true };
        assert!(host.set_fast_open(listener, Some(server)));
        assert_eq!(syn(&mut host, 1, FastOpen::REQUEST), Ok(()));
        let given = syn_ack(&mut host);
        assert_eq!(given.acknowledgment, Seq(8), "the data does not count");
        let cookie = given.options.fast_open.unwrap();
        assert_eq!(cookie.cookie().len(), 8);
        assert_eq!(segment(&mut host, Instant::ZERO, peer(1), Flags::RST, (8, 0)), Ok(()));
        // Somebody else's cookie is answered by the right one.
        assert_eq!(syn(&mut host, 2, cookie), Ok(()));
        let other = syn_ack(&mut host);
        assert_eq!(other.acknowledgment, Seq(8));
        assert_ne!(other.options.fast_open, Some(cookie));
        let mine = FastOpen::new(cookie.cookie(), true).unwrap();
        assert_eq!(syn(&mut host, 1, mine), Ok(()));
        let opened = syn_ack(&mut host);
        assert_eq!((opened.acknowledgment, opened.options.fast_open), (Seq(13), None));
        assert!(host.can_accept(listener));
        assert_eq!(host.counters().fast_opens, 1);
        // Only one may wait for the end of its handshake.
        let second = other.options.fast_open.unwrap();
        assert_eq!(segment(&mut host, Instant::ZERO, peer(2), Flags::RST, (8, 0)), Ok(()));
        assert_eq!(syn(&mut host, 2, second), Ok(()));
        assert_eq!(syn_ack(&mut host).acknowledgment, Seq(8));
        assert_eq!(segment(&mut host, Instant::ZERO, peer(2), Flags::RST, (8, 0)), Ok(()));
        let number = opened.sequence.0 + 1;
        assert_eq!(segment(&mut host, Instant::ZERO, peer(1), Flags::ACK, (13, number)), Ok(()));
        assert_eq!(syn(&mut host, 2, second), Ok(()));
        assert_eq!(syn_ack(&mut host).acknowledgment, Seq(13));
    }
}

/// A host whose listener has one place for a half-open connection, which is taken.
fn flooded(cookies: SynCookies) -> Host {
    let mut host = Host::new(Instant::ZERO, HostConfig::default(), [1; 32]);
    let options = SocketOptions { syn_cookies: Some(cookies), ..SocketOptions::default() };
    host.listen(None, 80, 1, options).unwrap();
    assert_eq!(segment(&mut host, Instant::ZERO, peer(0), Flags::SYN, (7, 0)), Ok(()));
    answer(&mut host).unwrap();
    host
}

#[test]
fn beyond_the_backlog_a_syn_costs_nothing_and_its_cookie_makes_the_connection() {
    let mut host = flooded(SynCookies::WhenFull);
    for n in 1..1000 {
        assert_eq!(segment(&mut host, Instant::ZERO, peer(n), Flags::SYN, (7, 0)), Ok(()));
        assert!(answer(&mut host).is_some());
    }
    assert_eq!((host.population(), host.counters().syn_cookies_sent), ((0, 1, 0), 999));
    assert_eq!(segment(&mut host, Instant::ZERO, peer(1), Flags::SYN, (7, 0)), Ok(()));
    let number = answer(&mut host).unwrap();
    assert_eq!(host.poll_timeout(), flooded(SynCookies::Off).poll_timeout(), "no timer repeats a cookie");
    assert_eq!(segment(&mut host, Instant::ZERO, peer(1), Flags::ACK, (8, number + 1)), Ok(()));
    assert_eq!((host.population(), host.counters().syn_cookies_accepted), ((1, 1, 0), 1));
    // Now the accept queue is full: neither SYNs nor cookies are heard, and nobody is told so.
    assert_eq!(segment(&mut host, Instant::ZERO, peer(2), Flags::SYN, (7, 0)), Err(Dropped::BacklogFull));
    assert_eq!(answer(&mut host), None);
}

#[test]
fn a_listener_that_is_asked_gives_no_cookies() {
    for cookies in [SynCookies::WhenFull, SynCookies::Always] {
        let mut host = Host::new(Instant::ZERO, HostConfig::default(), [1; 32]);
        let options = SocketOptions { syn_cookies: Some(cookies), ..SocketOptions::default() };
        let listener = host.listen(None, 80, 1, options).unwrap();
        assert!(host.set_admission(listener, true));
        assert_eq!(segment(&mut host, Instant::ZERO, peer(0), Flags::SYN, (7, 0)), Ok(()));
        let beyond = segment(&mut host, Instant::ZERO, peer(1), Flags::SYN, (7, 0));
        assert_eq!(beyond, Err(Dropped::BacklogFull));
        assert_eq!((answer(&mut host), host.counters().syn_cookies_sent), (None, 0));
    }
}

#[test]
fn a_cookie_that_finds_the_accept_queue_full_is_ignored_and_good_later() {
    let mut host = flooded(SynCookies::Always);
    let listener = host.listeners().next().unwrap().id;
    let numbers = [1, 2].map(|n| {
        segment(&mut host, Instant::ZERO, peer(n), Flags::SYN, (7, 0)).unwrap();
        answer(&mut host).unwrap()
    });
    assert_eq!(host.population(), (0, 0, 0));
    let bring = |host: &mut Host, n: usize| {
        segment(host, Instant::ZERO, peer(n as u32 + 1), Flags::ACK, (8, numbers[n] + 1))
    };
    assert_eq!(bring(&mut host, 0), Ok(()));
    assert_eq!(bring(&mut host, 1), Err(Dropped::BacklogFull));
    assert_eq!((answer(&mut host), host.counters().resets_sent), (None, 0));
    host.accept(listener).unwrap();
    assert_eq!(bring(&mut host, 1), Ok(()));
}

#[test]
fn cookies_are_taken_only_while_some_were_given_lately_and_only_with_fitting_flags() {
    let refused = Err(Dropped::NoSocket);
    let mut host = flooded(SynCookies::Always);
    segment(&mut host, Instant::ZERO, peer(1), Flags::SYN, (7, 0)).unwrap();
    let number = answer(&mut host).unwrap();
    for (flags, numbers, expected) in [
        (Flags::ACK | Flags::RST, (8, number + 1), refused),
        (Flags::ACK | Flags::SYN, (8, number + 1), refused),
        (Flags::ACK, (9, number + 1), refused),
        (Flags::ACK, (7, number + 1), refused),
        (Flags::ACK, (8, number + 2), refused),
        (Flags::FIN, (8, number + 1), Err(Dropped::BadFlags)),
        (Flags::ACK | Flags::PSH | Flags::FIN, (8, number + 1), Ok(())),
    ] {
        let result = segment(&mut host, Instant::ZERO, peer(1), flags, numbers);
        assert_eq!(result, expected, "{flags:?} {numbers:?}");
    }
    // Another host with the same secrets, whose listener has given none.
    let mut quiet = listening(HostConfig::default(), 1);
    assert_eq!(segment(&mut quiet, Instant::ZERO, peer(1), Flags::ACK, (8, number + 1)), refused);
    assert_eq!(quiet.counters().syn_cookies_refused, 0);
    let mut late = flooded(SynCookies::Always);
    segment(&mut late, Instant::ZERO, peer(1), Flags::SYN, (7, 0)).unwrap();
    let at = Instant::from_millis(128_000);
    assert_eq!(segment(&mut late, at, peer(1), Flags::ACK, (8, number + 1)), refused);
}

#[test]
fn a_cookie_that_comes_back_after_its_syn_was_repeated_and_remembered_is_good() {
    let mut host = flooded(SynCookies::WhenFull);
    segment(&mut host, Instant::ZERO, peer(1), Flags::SYN, (7, 0)).unwrap();
    let cookie = answer(&mut host).unwrap();
    // The place becomes free, and the SYN comes again before the cookie has reached the peer.
    segment(&mut host, Instant::ZERO, peer(0), Flags::RST, (8, 0)).unwrap();
    segment(&mut host, Instant::ZERO, peer(1), Flags::SYN, (7, 0)).unwrap();
    assert_ne!(answer(&mut host), Some(cookie));
    // Data that overtook it waits, and no RST says otherwise.
    let overtaking = segment(&mut host, Instant::ZERO, peer(1), Flags::ACK, (1008, cookie + 1));
    assert_eq!((overtaking, answer(&mut host)), (Err(Dropped::BadAcknowledgment), None));
    assert_eq!(segment(&mut host, Instant::ZERO, peer(1), Flags::ACK, (8, cookie + 1)), Ok(()));
    assert_eq!(host.population(), (1, 0, 0));
    let listener = host.listeners().next().unwrap();
    assert_eq!((listener.half_open, listener.waiting, answer(&mut host)), (0, 1, None));
}

#[test]
fn listeners_have_a_bound() {
    let mut host =
        Host::new(Instant::ZERO, HostConfig { max_listeners: 2, ..HostConfig::default() }, [1; 32]);
    let results = [80, 81, 82].map(|port| host.listen(None, port, 1, SocketOptions::default()).map(drop));
    assert_eq!(results, [Ok(()), Ok(()), Err(ListenError::TooManyListeners)]);
}

#[test]
fn resets_to_strays_have_a_rate_that_all_share_and_nobody_can_count() {
    let mut resets = Vec::new();
    for seed in 0..8 {
        let config = HostConfig { resets_per_second: 10, resets_burst: 40, ..HostConfig::default() };
        let mut host = Host::new(Instant::ZERO, config, [seed; 32]);
        for n in 0..100 {
            let stray = segment(&mut host, Instant::ZERO, peer(n), Flags::ACK, (7, 9));
            assert_eq!(stray, Err(Dropped::NoSocket));
        }
        let sent = host.counters().resets_sent;
        assert!((20..=40).contains(&sent), "{sent}");
        assert_eq!(host.counters().replies_dropped, 100 - sent);
        resets.push(sent);
    }
    resets.dedup();
    assert!(resets.len() > 4, "{resets:?}");
}
