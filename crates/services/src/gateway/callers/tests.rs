use super::*;

const IDLE: Duration = Duration::from_secs(120);

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn callers() -> Callers {
    let own = vec!["10.7.0.1/24".parse().unwrap(), "fd07::1/64".parse().unwrap()];
    Callers::new([10, 7, 0, 1].into(), own, IDLE)
}

#[allow(clippy::disallowed_methods, reason = "any time will do")]
fn start() -> Instant {
    Instant::now()
}

#[test]
fn a_caller_is_seen_as_itself_or_at_a_port_of_the_gateway_and_answered_where_it_is() {
    let (mut callers, now) = (callers(), start());
    for (caller, seen) in [
        ("192.0.2.1:5000", "192.0.2.1:5000"),
        ("192.0.2.1:53", "192.0.2.1:53"),
        ("127.0.0.1:5000", "10.7.0.1:5000"),
        // The port stands for somebody already; those of the gateway's own services never do.
        ("127.0.0.2:5000", "10.7.0.1:5001"),
        ("127.0.0.1:53", "10.7.0.1:1024"),
        ("127.0.0.1:65535", "10.7.0.1:65535"),
        ("127.0.0.2:65535", "10.7.0.1:1025"),
        ("169.254.1.1:6000", "10.7.0.1:6000"),
        ("10.7.0.9:7000", "10.7.0.1:7000"),
        ("[2001:db8::1]:8000", "10.7.0.1:8000"),
        ("[fe80::1]:9000", "10.7.0.1:9000"),
    ] {
        assert_eq!(callers.calls(at(caller), now), Some(at(seen)), "{caller}");
        assert_eq!(callers.calls(at(caller), now), Some(at(seen)), "{caller} again");
        assert_eq!(
            (callers.answers(at(seen), now), callers.seen(at(caller))),
            (Some(at(caller)), Some(at(seen)))
        );
    }
    assert_eq!(callers.answers(at("192.0.2.1:5001"), now), None);
}

#[test]
fn a_caller_is_forgotten_when_neither_side_has_spoken_for_its_time() {
    let (mut callers, now) = (callers(), start());
    callers.calls(at("192.0.2.1:5000"), now);
    let late = now + IDLE - Duration::from_nanos(1);
    assert_eq!(callers.answers(at("192.0.2.1:5000"), late), Some(at("192.0.2.1:5000")));
    assert_eq!(callers.answers(at("192.0.2.1:5000"), late + IDLE), None);
    assert!(callers.by_address.is_empty() && callers.by_seen.is_empty());
}

#[test]
fn callers_are_bounded_and_a_flood_displaces_no_conversation() {
    let (mut callers, now) = (callers(), start());
    let friend = at("192.0.2.1:5000");
    callers.calls(friend, now);
    callers.answers(friend, now);
    let stranger = |number: usize| SocketAddr::new([127, 0, (number >> 8) as u8, number as u8].into(), 4000);
    for number in 0..MOST_CALLERS - 1 {
        callers.calls(stranger(number), now + Duration::from_secs(1));
    }
    assert_eq!(callers.by_address.len(), MOST_CALLERS);
    assert!(callers.by_address.contains_key(&stranger(0)));
    for number in 0..3 * MOST_CALLERS {
        assert!(callers.calls(stranger(MOST_CALLERS + number), now + Duration::from_secs(2)).is_some());
    }
    assert_eq!((callers.by_address.len(), callers.by_seen.len()), (MOST_CALLERS, MOST_CALLERS));
    assert!(callers.by_address.contains_key(&friend) && !callers.by_address.contains_key(&stranger(0)));
    // Its time over, it is worth no more than they.
    callers.calls(at("192.0.2.2:1"), now + IDLE);
    assert!(!callers.by_address.contains_key(&friend));
}
