//! How a connection ends, and what it still says.

use super::*;

/// A segment with data comes in.
fn data(host: &mut Host, now: Instant, sequence: u32, acknowledgment: u32, data: &[u8]) {
    let header = Header {
        source_port: 1000,
        destination_port: 80,
        sequence: Seq(sequence),
        acknowledgment: Seq(acknowledgment),
        flags: Flags::ACK,
        window: 1000,
        urgent: 0,
        options: Options::NONE,
    };
    let mut frame = Frame::copy_of(data);
    header.prepend_to(&mut frame, peer(0), LOCAL);
    host.on_segment(now, || PATH, LOCAL, peer(0), &mut frame).unwrap();
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
        host.on_segment(Instant::ZERO, || PATH, LOCAL, peer(0), &mut frame).unwrap();
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
fn a_shutdown_that_is_refused_leaves_what_came_before_the_reset() {
    let (mut host, id, first) = accepted();
    let now = Instant::from_millis(1);
    data(&mut host, now, 8, first, b"before");
    segment(&mut host, now, peer(0), Flags::FIN | Flags::ACK, (14, first)).unwrap();
    segment(&mut host, now, peer(0), Flags::RST, (15, 0)).unwrap();
    assert!(host.shutdown(now, id, Shutdown::Read).is_err());
    let mut out = [0; 9];
    assert_eq!(host.read(now, id, &mut out), Ok(6));
    assert_eq!(&out[..6], b"before");
    assert_eq!(host.read(now, id, &mut out), Ok(0));
}

#[test]
fn close_with_unread_bytes_delivers_what_was_written_and_then_resets() {
    let (mut host, id, first) = accepted();
    let now = Instant::from_millis(1);
    host.write(now, id, &[1; 300]).unwrap();
    data(&mut host, now, 8, first, b"unread");
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
        let _ = host.on_segment(now, || PATH, LOCAL, peer(0), &mut frame);
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
        let _ = host.on_segment(now, || PATH, LOCAL, peer(0), &mut frame);
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
