//! Responders and browsers on one link, in virtual time.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use basis::{Instant, Random};
use netstrata_names::record::{A, AAAA, ANY, NSEC, PTR, SRV};
use netstrata_names::{Browser, Data, Message, Name, Offer, PORT, Question, Record, Responder, To, Transmit};

/// One who sends and hears.
enum Station {
    Responder(Responder),
    Browser(Browser),
}

/// A link on which everybody hears what is for everybody, the sender too.
struct Link {
    now: Instant,
    stations: Vec<(SocketAddr, Station)>,
    /// What was sent: when, by which station, to whom.
    sent: Vec<(Instant, usize, To, Message)>,
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn ip(last: u8) -> IpAddr {
    [10, 7, 0, last].into()
}

fn at(last: u8) -> SocketAddr {
    SocketAddr::new(ip(last), PORT)
}

fn talk(last: u8, seed: u8) -> Station {
    let offer =
        Offer { instance: "talk".into(), kind: "_talk._tcp".into(), port: 9528, text: vec!["q=ends".into()] };
    let random = Random::new([seed; 32]);
    Station::Responder(Responder::new(Instant::ZERO, "server", &[ip(last)], vec![offer], random).unwrap())
}

impl Link {
    fn new(stations: Vec<(SocketAddr, Station)>) -> Link {
        Link { now: Instant::ZERO, stations, sent: Vec::new() }
    }

    fn responder(&mut self, index: usize) -> &mut Responder {
        match &mut self.stations[index].1 {
            Station::Responder(responder) => responder,
            Station::Browser(_) => panic!("a browser"),
        }
    }

    fn browser(&mut self, index: usize) -> &mut Browser {
        match &mut self.stations[index].1 {
            Station::Browser(browser) => browser,
            Station::Responder(_) => panic!("a responder"),
        }
    }

    fn hear(&mut self, from: SocketAddr, to: To, bytes: &[u8]) {
        for (address, station) in &mut self.stations {
            if matches!(to, To::One(one) if one != *address) {
                continue;
            }
            match station {
                Station::Responder(responder) => responder.on_message(self.now, from, bytes),
                Station::Browser(browser) => browser.on_message(self.now, from, bytes),
            }
        }
    }

    fn run(&mut self, time: Duration) {
        let until = self.now + time;
        loop {
            let mut is_idle = true;
            for index in 0..self.stations.len() {
                let (from, station) = &mut self.stations[index];
                let from = *from;
                let next = match station {
                    Station::Responder(responder) => responder.poll_transmit(self.now),
                    Station::Browser(browser) => browser.poll_transmit(self.now),
                };
                if let Some(Transmit { to, bytes }) = next {
                    is_idle = false;
                    self.sent.push((self.now, index, to, Message::read(&bytes).unwrap()));
                    self.hear(from, to, &bytes);
                }
            }
            if !is_idle {
                continue;
            }
            let next = self.stations.iter().filter_map(|(_, station)| match station {
                Station::Responder(responder) => responder.poll_timeout(),
                Station::Browser(browser) => browser.poll_timeout(),
            });
            match next.min().filter(|next| *next <= until) {
                Some(next) => {
                    assert!(next > self.now, "a deadline in the past");
                    self.now = next;
                }
                None => break,
            }
        }
        self.now = until;
    }

    /// What station 0 answers to a question from a port, within a second.
    fn ask(&mut self, from: SocketAddr, message: &Message) -> Vec<(To, Message)> {
        let before = self.sent.len();
        self.hear(from, To::Everybody, &message.write());
        self.run(Duration::from_secs(1));
        self.sent.drain(before..).filter(|sent| sent.1 == 0).map(|sent| (sent.2, sent.3)).collect()
    }
}

fn question(of: &str, kind: u16) -> Message {
    let questions = vec![Question { name: name(of), kind, unicast: false }];
    Message { questions, ..Message::default() }
}

fn settled() -> Link {
    let mut link = Link::new(vec![(at(2), talk(2, 1))]);
    link.run(Duration::from_secs(5));
    assert!(link.responder(0).is_settled());
    link
}

#[test]
fn names_are_asked_for_three_times_and_then_told_twice() {
    let mut link = Link::new(vec![(at(2), talk(2, 1))]);
    link.run(Duration::from_secs(10));
    for of in ["server.local", "talk._talk._tcp.local"] {
        let probes: Vec<Instant> = link
            .sent
            .iter()
            .filter(|sent| sent.3.questions.iter().any(|asked| asked.name == name(of) && asked.kind == ANY))
            .map(|sent| sent.0)
            .collect();
        assert_eq!(probes.len(), 3, "{of}");
        assert!(probes[0] < Instant::from_millis(250));
        assert!(probes.windows(2).all(|two| two[1].saturating_since(two[0]) >= Duration::from_millis(250)));
        let told: Vec<Instant> = link
            .sent
            .iter()
            .filter(|sent| sent.3.response && sent.3.answers.iter().any(|record| record.name == name(of)))
            .map(|sent| sent.0)
            .collect();
        assert_eq!(told.len(), 2, "{of}");
        assert!(told[0].saturating_since(probes[2]) >= Duration::from_millis(250));
        assert!(told[1].saturating_since(told[0]) >= Duration::from_secs(1));
    }
    // A settled responder has nothing to do.
    assert_eq!(link.responder(0).poll_timeout(), None);
}

#[test]
fn a_service_is_found_by_its_type_and_gone_after_its_goodbye() {
    let mut link = settled();
    link.stations.push((at(100), Station::Browser(Browser::new(link.now, Random::new([9; 32])))));
    let kind = name("_talk._tcp.local");
    link.browser(1).ask(&kind, PTR);
    link.browser(1).ask(&name("_services._dns-sd._udp.local"), PTR);
    link.run(Duration::from_secs(1));
    let now = link.now;
    let found = link.browser(1).services(now, &kind);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].instance, name("talk._talk._tcp.local"));
    assert_eq!((found[0].port, found[0].addresses.as_slice()), (9528, [ip(2)].as_slice()));
    assert_eq!(found[0].text, ["q=ends"]);
    assert_eq!(link.browser(1).kinds(now), std::slice::from_ref(&kind));
    // What is known is not said again.
    let answers = link.sent.iter().filter(|sent| sent.1 == 0).count();
    link.run(Duration::from_secs(30));
    assert!(link.sent.iter().filter(|sent| sent.1 == 1).count() >= 4, "the browser goes on asking");
    assert_eq!(link.sent.iter().filter(|sent| sent.1 == 0).count(), answers);
    let now = link.now;
    link.responder(0).leave(now);
    link.run(Duration::from_millis(1100));
    let now = link.now;
    assert!(link.browser(1).services(now, &kind).is_empty());
}

#[test]
fn of_two_with_one_name_the_second_is_renamed() {
    let mut link = settled();
    link.stations.push((at(3), talk(3, 2)));
    link.run(Duration::from_secs(10));
    assert_eq!(link.responder(0).host(), Some(&name("server.local")));
    assert_eq!(link.responder(1).host(), Some(&name("server-2.local")));
    assert_eq!(link.responder(1).instances().next(), Some(&name("talk (2)._talk._tcp.local")));
    assert!(link.responder(1).is_settled());
}

#[test]
fn of_two_that_begin_together_each_gets_a_name() {
    for seed in 0..20 {
        let mut link = Link::new(vec![(at(2), talk(2, seed)), (at(3), talk(3, seed + 100))]);
        link.run(Duration::from_secs(20));
        let mut hosts: Vec<String> =
            (0..2).map(|index| link.responder(index).host().unwrap().to_string()).collect();
        hosts.sort();
        assert_eq!(hosts, ["server-2.local", "server.local"], "seed {seed}");
        assert!(link.responder(0).is_settled() && link.responder(1).is_settled());
    }
}

#[test]
fn two_links_that_become_one_keep_one_name_each() {
    let mut one = settled();
    let mut other = Link::new(vec![(at(3), talk(3, 2))]);
    other.run(Duration::from_secs(5));
    one.stations.append(&mut other.stations);
    // Somebody asks, both answer, and each hears the other.
    let asked = question("server.local", A);
    one.hear(at(100), To::Everybody, &asked.write());
    one.run(Duration::from_secs(20));
    let mut hosts: Vec<String> =
        (0..2).map(|index| one.responder(index).host().unwrap().to_string()).collect();
    hosts.sort();
    assert_eq!(hosts, ["server-2.local", "server.local"]);
    assert!(one.responder(0).is_settled() && one.responder(1).is_settled());
}

#[test]
fn what_an_asker_knows_is_not_said() {
    let mut link = settled();
    let mut asked = question("_talk._tcp.local", PTR);
    let known = |ttl| Record {
        name: name("_talk._tcp.local"),
        flush: false,
        ttl,
        data: Data::Ptr(name("talk._talk._tcp.local")),
    };
    asked.answers = vec![known(2250)];
    assert!(link.ask(at(100), &asked).is_empty());
    asked.answers = vec![known(2249)];
    let answers = link.ask(at(100), &asked);
    assert_eq!(answers.len(), 1, "it ends soon, so it is said again");
    assert_eq!(answers[0].1.additionals.len(), 3, "SRV, TXT and A come with it");
    link.run(Duration::from_secs(2));
    // The rest of what it knows comes in a second message.
    asked.answers.clear();
    asked.truncated = true;
    link.hear(at(100), To::Everybody, &asked.write());
    link.run(Duration::from_millis(100));
    let rest = Message { answers: vec![known(4500)], ..Message::default() };
    assert!(link.ask(at(100), &rest).is_empty());
}

#[test]
fn answers_are_for_all_or_for_one_and_none_twice_in_a_second() {
    let mut link = settled();
    let asked = question("SERVER.local", A);
    let answers = link.ask(at(100), &asked);
    assert_eq!((answers.len(), answers[0].0), (1, To::Everybody));
    assert!(answers[0].1.answers[0].flush && answers[0].1.questions.is_empty());
    link.run(Duration::from_secs(2));
    for _ in 0..100 {
        link.hear(at(100), To::Everybody, &asked.write());
    }
    assert_eq!(link.ask(at(101), &asked).len(), 1);
    link.run(Duration::from_secs(2));
    let mut alone = asked.clone();
    alone.questions[0].unicast = true;
    assert_eq!(link.ask(at(100), &alone)[0].0, To::One(at(100)));
    // A simple resolver gets an answer as DNS has it.
    let simple = SocketAddr::new(ip(100), 40_000);
    let answers = link.ask(simple, &Message { id: 77, ..asked });
    assert_eq!(answers[0].0, To::One(simple));
    let answer = &answers[0].1;
    assert_eq!((answer.id, answer.questions.len(), answer.answers[0].ttl), (77, 1, 10));
    assert!(!answer.answers[0].flush);
}

#[test]
fn a_name_of_ours_without_such_a_record_has_none() {
    let mut link = settled();
    let answers = link.ask(at(100), &question("server.local", AAAA));
    let record = &answers[0].1.answers[0];
    assert_eq!(record.data, Data::Nsec(vec![A as u8]));
    assert_eq!(record.data.kind(), NSEC);
    assert!(link.ask(at(100), &question("other.local", A)).is_empty());
}

#[test]
fn nothing_is_told_of_a_name_before_it_is_ours() {
    let mut link = Link::new(vec![(at(2), talk(2, 1))]);
    let before = link.sent.len();
    for asked in [
        question("server.local", A),
        question("talk._talk._tcp.local", SRV),
        question("_talk._tcp.local", PTR),
    ] {
        link.hear(at(100), To::Everybody, &asked.write());
    }
    link.run(Duration::from_millis(600));
    assert!(link.sent[before..].iter().all(|sent| !sent.3.response));
}

#[test]
fn hostile_messages_change_nothing_and_are_bounded() {
    let mut link = settled();
    // Answers from another port, with a code, of another kind; and goodbyes of others.
    let taken =
        Record { name: name("server.local"), flush: true, ttl: 120, data: Data::A([10, 7, 0, 66].into()) };
    let response = Message { response: true, answers: vec![taken.clone()], ..Message::default() };
    link.hear(SocketAddr::new(ip(66), 40_000), To::Everybody, &response.write());
    link.hear(at(66), To::Everybody, &Message { code: 3, ..response.clone() }.write());
    link.hear(at(66), To::Everybody, &Message { opcode: 5, ..response.clone() }.write());
    let goodbye = Record { ttl: 0, ..taken };
    link.hear(at(66), To::Everybody, &Message { answers: vec![goodbye], ..response }.write());
    for length in 0..64 {
        link.hear(at(66), To::Everybody, &vec![0xc0; length]);
    }
    assert!(link.responder(0).is_settled());
    // A flood of questions that want an answer alone each: what waits is bounded.
    let mut alone = question("server.local", A);
    alone.questions[0].unicast = true;
    let before = link.sent.len();
    for number in 0..1000_u16 {
        let from = SocketAddr::new(ip(100), 10_000 + number);
        link.hear(from, To::Everybody, &alone.write());
    }
    link.run(Duration::from_secs(1));
    assert_eq!(link.sent.len() - before, 32);
}
