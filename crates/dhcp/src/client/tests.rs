use super::*;

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 7, 0, 1);
const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 7, 0, 100);
const STATION: [u8; 6] = [2, 0, 0, 0, 0, 1];
const BROADCAST: Ipv4Addr = Ipv4Addr::BROADCAST;

fn after(seconds: u64) -> Instant {
    Instant::ZERO + Duration::from_secs(seconds)
}

fn client() -> Client {
    Client::new(Instant::ZERO, STATION, Random::new([7; 32]))
}

/// What it says, to whom, if it says one thing.
fn said(client: &mut Client, now: Instant) -> (Message, Ipv4Addr) {
    let sent = client.poll_transmit(now).expect("it says something");
    assert_eq!(client.poll_transmit(now), None);
    let message = Message::read(&sent.bytes).expect("a message");
    assert!(!message.is_reply && message.hardware == STATION);
    assert_eq!(message.option(option::CLIENT_IDENTIFIER), Some(&[1, 2, 0, 0, 0, 0, 1][..]));
    (message, sent.to)
}

fn answer(to: &Message, kind: Kind, given: Ipv4Addr) -> Message {
    let mut message = Message::new(kind, true, 1, &STATION, to.transaction);
    message.given = given;
    message.set(option::SERVER_IDENTIFIER, &SERVER.octets());
    if kind != Kind::Nak {
        message.set(option::SUBNET_MASK, &[255, 255, 255, 0]);
        message.set(option::LEASE_TIME, &3600u32.to_be_bytes());
    }
    message
}

/// With an address in use since the beginning.
fn bound() -> Client {
    let mut client = client();
    let (discover, _) = said(&mut client, Instant::ZERO);
    client.on_message(Instant::ZERO, &answer(&discover, Kind::Offer, ADDRESS).write());
    let (request, _) = said(&mut client, Instant::ZERO);
    client.on_message(after(1), &answer(&request, Kind::Ack, ADDRESS).write());
    assert!(matches!(client.poll_event(), Some(Event::Given(lease)) if lease.address == ADDRESS));
    assert!(
        client.poll_timeout().is_none() && client.lease().is_none(),
        "nobody has looked whether it is free"
    );
    client.accept();
    // It counts from when it was asked for (RFC 2131 4.4.1).
    assert_eq!(client.poll_timeout(), Some(after(1800)));
    client
}

#[test]
fn an_address_is_found_and_taken() {
    let mut client = client();
    let (discover, to) = said(&mut client, Instant::ZERO);
    assert_eq!((discover.kind(), to, discover.wants_broadcast), (Some(Kind::Discover), BROADCAST, true));
    assert_eq!(discover.client, Ipv4Addr::UNSPECIFIED);
    client.on_message(after(1), &answer(&discover, Kind::Offer, ADDRESS).write());
    let (request, to) = said(&mut client, after(1));
    assert_eq!((request.kind(), to), (Some(Kind::Request), BROADCAST));
    assert_eq!(request.address(option::REQUESTED_ADDRESS), Some(ADDRESS));
    assert_eq!(request.address(option::SERVER_IDENTIFIER), Some(SERVER));
    assert_eq!((request.transaction, request.client), (discover.transaction, Ipv4Addr::UNSPECIFIED));
    // A second offer changes nothing.
    client.on_message(after(1), &answer(&discover, Kind::Offer, [10, 7, 0, 101].into()).write());
    client.on_message(after(2), &answer(&request, Kind::Ack, ADDRESS).write());
    assert!(matches!(client.poll_event(), Some(Event::Given(_))));
}

#[test]
fn a_search_without_answer_goes_on_ever_more_seldom() {
    let mut client = client();
    let mut before = Instant::ZERO;
    let (first, _) = said(&mut client, before);
    let waits = [250, 500, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 64_000, 64_000];
    for wait in waits {
        let next = client.poll_timeout().unwrap();
        let waited = next.saturating_since(before).as_millis() as u64;
        assert!(waited.abs_diff(wait) <= (wait / 4).min(1000), "{waited} ms for {wait}");
        assert_eq!(client.poll_transmit(before), None);
        let (again, _) = said(&mut client, next);
        assert_eq!(again.transaction, first.transaction);
        assert_eq!(u64::from(again.seconds), next.saturating_since(Instant::ZERO).as_secs());
        before = next;
    }
    // An offer that nobody confirms: about a minute of requests (RFC 2131 3.1.5).
    client.on_message(before, &answer(&first, Kind::Offer, ADDRESS).write());
    let offered = before;
    for _ in 0..REQUESTS {
        let (request, _) = said(&mut client, before);
        assert_eq!(request.kind(), Some(Kind::Request));
        before = client.poll_timeout().unwrap();
    }
    assert!((58..=68).contains(&before.saturating_since(offered).as_secs()));
    let (anew, _) = said(&mut client, before);
    assert_eq!(anew.kind(), Some(Kind::Discover));
    assert_ne!(anew.transaction, first.transaction);
}

#[test]
fn a_lease_is_renewed_by_its_server_then_by_any_and_then_it_is_over() {
    let mut client = bound();
    let (renewal, to) = said(&mut client, after(1800));
    assert_eq!((renewal.kind(), to, renewal.client), (Some(Kind::Request), SERVER, ADDRESS));
    assert_eq!(renewal.option(option::SERVER_IDENTIFIER), None);
    assert_eq!(renewal.option(option::REQUESTED_ADDRESS), None);
    assert!(!renewal.wants_broadcast);
    // Another's answer, and one with another address, are none.
    let mut foreign = answer(&renewal, Kind::Ack, ADDRESS);
    foreign.transaction ^= 1;
    client.on_message(after(1801), &foreign.write());
    client.on_message(after(1801), &answer(&renewal, Kind::Ack, [10, 7, 0, 101].into()).write());
    assert_eq!(client.poll_event(), None);
    client.on_message(after(1802), &answer(&renewal, Kind::Ack, ADDRESS).write());
    assert!(
        matches!(client.poll_event(), Some(Event::Extended(lease)) if lease.ends_at == Some(after(5400)))
    );
    // Nobody answers any more: half of what is left, and at T2 all are asked.
    let (mut to_server, mut to_all) = (Vec::new(), Vec::new());
    while client.lease().is_some() {
        let now = client.poll_timeout().unwrap();
        if let Some(sent) = client.poll_transmit(now) {
            let seconds = now.saturating_since(Instant::ZERO).as_secs();
            if sent.to == SERVER { to_server.push(seconds) } else { to_all.push(seconds) }
        }
    }
    assert_eq!(to_server[..2], [3600, 3600 + 675]);
    assert!(to_server.len() < 8 && to_server.windows(2).all(|two| two[1] - two[0] >= 60));
    assert_eq!(to_all[..2], [1800 + 3150, 1800 + 3150 + 225]);
    assert!(matches!(client.poll_event(), Some(Event::Lost(lease)) if lease.address == ADDRESS));
    let now = client.poll_timeout().unwrap();
    assert_eq!(said(&mut client, now).0.kind(), Some(Kind::Discover));
}

#[test]
fn a_refusal_ends_a_lease_and_a_search() {
    let mut client = bound();
    let (renewal, _) = said(&mut client, after(1800));
    client.on_message(after(1800), &answer(&renewal, Kind::Nak, Ipv4Addr::UNSPECIFIED).write());
    assert!(matches!(client.poll_event(), Some(Event::Lost(_))));
    let now = client.poll_timeout().unwrap();
    let (discover, _) = said(&mut client, now);
    client.on_message(now, &answer(&discover, Kind::Offer, ADDRESS).write());
    let (request, _) = said(&mut client, now);
    client.on_message(now, &answer(&request, Kind::Nak, Ipv4Addr::UNSPECIFIED).write());
    let later = client.poll_timeout().unwrap();
    assert_eq!(later.saturating_since(now), AFTER_REFUSAL);
    assert_eq!(said(&mut client, later).0.kind(), Some(Kind::Discover));
}

/// How long it rests, in seconds, each time before it begins anew, when what it is given comes to nothing by `end` so many times.
fn rests(
    client: &mut Client,
    times: usize,
    mut end: impl FnMut(&mut Client, Instant, &Message) -> Instant,
) -> Vec<u64> {
    let mut now = client.poll_timeout().unwrap();
    let mut rests = Vec::new();
    for _ in 0..times {
        let (discover, _) = said(client, now);
        assert_eq!(discover.kind(), Some(Kind::Discover));
        client.on_message(now, &answer(&discover, Kind::Offer, ADDRESS).write());
        let (request, _) = said(client, now);
        now = end(client, now, &request);
        while client.poll_event().is_some() {}
        let next = client.poll_timeout().unwrap();
        rests.push(next.saturating_since(now).as_millis() as u64);
        now = next;
    }
    rests
}

/// Takes what is given and lets its time pass unanswered; when it is over.
fn outlive(client: &mut Client) -> Instant {
    client.accept();
    loop {
        let now = client.poll_timeout().unwrap();
        let _ = client.poll_transmit(now);
        if client.lease().is_none() {
            return now;
        }
    }
}

#[test]
fn who_offers_what_comes_to_nothing_is_asked_ever_more_seldom() {
    let refuse = |client: &mut Client, now, request: &Message| {
        client.on_message(now, &answer(request, Kind::Nak, Ipv4Addr::UNSPECIFIED).write());
        now
    };
    let give = |client: &mut Client, now, request: &Message, seconds: u32| {
        let mut ack = answer(request, Kind::Ack, ADDRESS);
        ack.set(option::LEASE_TIME, &seconds.to_be_bytes());
        client.on_message(now, &ack.write());
    };
    let expect = |rests: &[u64], expected: &[u64]| {
        assert_eq!(rests.len(), expected.len());
        for (rest, expected) in rests.iter().zip(expected) {
            let most = if *rest == expected * 1000 { 0 } else { (expected * 250).min(1000) };
            assert!((expected * 1000..=expected * 1000 + most).contains(rest), "{rests:?}");
        }
    };
    let mut refused = client();
    expect(&rests(&mut refused, 9, refuse), &[1, 2, 4, 8, 16, 32, 64, 64, 64]);
    // One that somebody else has, each time.
    let declined = rests(&mut client(), 5, |client, now, request| {
        give(client, now, request, 3600);
        client.decline(now);
        let _ = client.poll_transmit(now);
        now
    });
    expect(&declined, &[10, 20, 40, 64, 64]);
    // One that is over after a second.
    let short = rests(&mut client(), 4, |client, now, request| {
        give(client, now, request, 1);
        outlive(client)
    });
    expect(&short, &[0, 2, 4, 8]);
    // One that was good for a minute lets it all be forgotten.
    let good = rests(&mut refused, 2, |client, now, request| {
        give(client, now, request, 60);
        outlive(client)
    });
    expect(&good, &[0, 0]);
}

#[test]
fn an_address_that_somebody_else_has_is_declined() {
    let mut client = client();
    let (discover, _) = said(&mut client, Instant::ZERO);
    client.on_message(Instant::ZERO, &answer(&discover, Kind::Offer, ADDRESS).write());
    let (request, _) = said(&mut client, Instant::ZERO);
    client.on_message(Instant::ZERO, &answer(&request, Kind::Ack, ADDRESS).write());
    client.decline(after(1));
    let (decline, to) = said(&mut client, after(1));
    assert_eq!((decline.kind(), to, decline.client), (Some(Kind::Decline), BROADCAST, Ipv4Addr::UNSPECIFIED));
    assert_eq!(decline.address(option::REQUESTED_ADDRESS), Some(ADDRESS));
    assert_eq!(decline.address(option::SERVER_IDENTIFIER), Some(SERVER));
    assert_eq!(client.poll_timeout(), Some(after(11)));
    client.accept();
    assert_eq!(client.lease(), None, "what was declined is not accepted");
}

#[test]
fn an_address_that_is_claimed_later_is_declined_and_another_is_looked_for() {
    let mut client = bound();
    assert!(!client.is_listening());
    client.decline(after(100));
    assert!(matches!(client.poll_event(), Some(Event::Lost(lease)) if lease.address == ADDRESS));
    let (decline, to) = said(&mut client, after(100));
    assert_eq!((decline.kind(), to, decline.client), (Some(Kind::Decline), BROADCAST, Ipv4Addr::UNSPECIFIED));
    assert_eq!(decline.address(option::REQUESTED_ADDRESS), Some(ADDRESS));
    assert_eq!((client.poll_event(), client.lease(), client.poll_timeout()), (None, None, Some(after(110))));
    assert_eq!(said(&mut client, after(110)).0.kind(), Some(Kind::Discover));
    assert!(client.is_listening());
}

#[test]
fn an_address_that_cannot_be_used_is_given_back_and_another_is_looked_for() {
    let mut client = client();
    let (discover, _) = said(&mut client, Instant::ZERO);
    client.on_message(Instant::ZERO, &answer(&discover, Kind::Offer, ADDRESS).write());
    let (request, _) = said(&mut client, Instant::ZERO);
    assert!(client.is_listening());
    client.on_message(Instant::ZERO, &answer(&request, Kind::Ack, ADDRESS).write());
    assert!(matches!(client.poll_event(), Some(Event::Given(_))) && !client.is_listening());
    client.give_up(after(1));
    assert!(matches!(client.poll_event(), Some(Event::Unusable(lease)) if lease.address == ADDRESS));
    let (release, to) = said(&mut client, after(1));
    assert_eq!((release.kind(), to, release.client), (Some(Kind::Release), SERVER, ADDRESS));
    assert_eq!(client.poll_timeout(), Some(after(11)));
}

#[test]
fn what_is_given_back_is_not_used_any_more() {
    let mut client = bound();
    client.release();
    let (release, to) = said(&mut client, after(2));
    assert_eq!((release.kind(), to, release.client), (Some(Kind::Release), SERVER, ADDRESS));
    assert_eq!((client.lease(), client.poll_timeout()), (None, None));
    assert_eq!(client.poll_transmit(after(100_000)), None);
}

#[test]
fn what_is_for_others_or_no_answer_is_not_heard() {
    let mut client = client();
    let (discover, _) = said(&mut client, Instant::ZERO);
    let good = answer(&discover, Kind::Offer, ADDRESS);
    let changed = |change: fn(&mut Message)| {
        let mut message = good.clone();
        change(&mut message);
        message.write()
    };
    for bytes in [
        changed(|message| message.is_reply = false),
        changed(|message| message.hardware = vec![2, 0, 0, 0, 0, 2]),
        changed(|message| message.transaction ^= 1),
        changed(|message| message.given = Ipv4Addr::UNSPECIFIED),
        changed(|message| message.set(option::LEASE_TIME, &[])),
        changed(|message| message.set(option::MESSAGE_KIND, &[5])),
        vec![0; 300],
    ] {
        client.on_message(Instant::ZERO, &bytes);
        assert_eq!(client.poll_transmit(Instant::ZERO), None);
    }
    client.on_message(Instant::ZERO, &good.write());
    assert!(client.poll_transmit(Instant::ZERO).is_some());
}
