//! A SYN that waits for the application's decision.

use super::*;

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
