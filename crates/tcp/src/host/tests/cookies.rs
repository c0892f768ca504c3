//! SYN cookies (RFC 4987).

use super::*;

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
