use super::*;
use std::net::Ipv4Addr;

const IDLE: Duration = Duration::from_secs(120);

fn peer(number: u32) -> IpAddr {
    Ipv4Addr::from(0xc633_6400 + number).into()
}

/// A port of that host's.
fn at(number: u32) -> SocketAddr {
    SocketAddr::new(peer(number), 4000)
}

#[allow(clippy::disallowed_methods, reason = "any time will do")]
fn start() -> Instant {
    Instant::now()
}

#[test]
fn who_was_sent_to_is_let_in_and_nobody_else() {
    let now = start();
    let mut mapping = Mapping::new(IDLE, now);
    assert!(!mapping.lets_in(peer(1), now) && !mapping.sends(at(1), now));
    mapping.admit(at(1), now);
    assert!(mapping.lets_in(peer(1), now) && !mapping.lets_in(peer(2), now));
    assert!(mapping.sends(at(1), now));
}

#[test]
fn it_lasts_for_its_time_longer_once_answered_and_only_the_guest_keeps_it() {
    let now = start();
    let mut mapping = Mapping::new(IDLE, now);
    mapping.admit(at(1), now);
    assert_eq!(mapping.end(), now + IDLE);
    assert!(!mapping.lets_in(peer(1), now + IDLE), "its time is over");
    let late = now + IDLE - Duration::from_nanos(1);
    assert!(mapping.lets_in(peer(1), late));
    // What came in has lengthened its life, from when the guest last sent, and does so no further.
    assert_eq!(mapping.end(), now + Duration::from_secs(300));
    assert!(mapping.lets_in(peer(1), now + Duration::from_secs(299)));
    assert_eq!(mapping.end(), now + Duration::from_secs(300));
    assert!(mapping.sends(at(1), now + Duration::from_secs(299)));
    assert_eq!(mapping.end(), now + Duration::from_secs(599));
    assert!(!mapping.sends(at(1), now + Duration::from_secs(600)));
    // Each is let in for as long as the guest has not forgotten it, whomever else it talks to.
    mapping.admit(at(2), now + Duration::from_secs(600));
    assert!(!mapping.lets_in(peer(1), now + Duration::from_secs(600)));
}

#[test]
fn the_number_of_peers_is_bounded_and_the_one_sent_to_longest_ago_goes() {
    let now = start();
    let mut mapping = Mapping::new(IDLE, now);
    for number in 0..MOST_PEERS as u32 {
        mapping.admit(at(number), now + Duration::from_millis(u64::from(number)));
    }
    let now = now + Duration::from_secs(1);
    assert!((0..MOST_PEERS as u32).all(|number| mapping.lets_in(peer(number), now)));
    // Once more to the first: the second is the oldest now.
    assert!(mapping.sends(at(0), now));
    mapping.admit(at(0), now);
    assert!(mapping.lets_in(peer(1), now));
    mapping.admit(at(1000), now);
    assert!(mapping.lets_in(peer(1000), now) && mapping.lets_in(peer(0), now));
    assert!(!mapping.lets_in(peer(1), now));
    assert_eq!(mapping.peers.len(), MOST_PEERS);
}

#[test]
fn one_for_name_servers_alone_lasts_for_seconds_whether_they_answer_or_not() {
    let now = start();
    let names = |number| SocketAddr::new(peer(number), 53);
    let mut mapping = Mapping::new(IDLE, now);
    mapping.admit(names(1), now);
    assert_eq!(mapping.end(), now + Duration::from_secs(15));
    assert!(mapping.lets_in(peer(1), now + Duration::from_secs(14)));
    assert!(!mapping.lets_in(peer(1), now + Duration::from_secs(15)));
    // Another question, to another one.
    let later = now + Duration::from_secs(14);
    mapping.admit(names(2), later);
    assert!(mapping.sends(names(2), later));
    assert_eq!(mapping.end(), later + Duration::from_secs(15));
    // Something else: it is a usual one from then on, and was answered before.
    assert!(mapping.sends(at(2), later));
    assert_eq!(mapping.end(), later + IDLE * 5 / 2);
    // Nor does it last longer than a short time that was asked for.
    let mut brief = Mapping::new(Duration::from_secs(1), now);
    brief.admit(names(1), now);
    assert_eq!(brief.end(), now + Duration::from_secs(1));
}

#[test]
fn what_is_said_of_datagrams_is_believed_of_those_that_were_sent_and_answers_nothing() {
    let now = start();
    let mut mapping = Mapping::new(IDLE, now);
    mapping.admit(at(1), now);
    assert!(mapping.has_sent_to(peer(1), now) && !mapping.has_sent_to(peer(2), now));
    assert_eq!(mapping.end(), now + IDLE);
    assert!(!mapping.has_sent_to(peer(1), now + IDLE));
}
