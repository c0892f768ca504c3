//! Messages of DNS and multicast DNS: none panics, what was read is written the same, and a host that hears them stays bounded.

use basis::{Instant, Random};
use names::record::PTR;
use names::{Browser, Message, Name, Offer, PORT, Responder, dns::Lookup};
use std::net::SocketAddr;
use std::time::Duration;

/// Messages that a host sends because of one that it hears, at most.
const MOST: usize = 64;

/// One message to everybody who may hear it.
pub fn run(bytes: &[u8]) {
    if let Ok(message) = Message::read(bytes) {
        assert_eq!(Message::read(&message.write()), Ok(message), "what was read is written the same");
    }
    let name = Name::parse("www.example").expect("a name");
    let _ = Lookup::new(name, false, 0).read(bytes);
    let offer = Offer { instance: "talk".into(), kind: "_talk._tcp".into(), port: 9528, text: Vec::new() };
    let mut now = Instant::ZERO;
    let address = [10, 7, 0, 2].into();
    let random = Random::new([1; 32]);
    let mut responder = Responder::new(now, "server", &[address], vec![offer], random).expect("names");
    let mut browser = Browser::new(now, Random::new([2; 32]));
    browser.ask(&Name::parse("_talk._tcp.local").expect("a name"), PTR);
    let from = SocketAddr::new([10, 7, 0, 3].into(), PORT);
    // While names are asked for, when they are won, and from a simple resolver.
    for port in [PORT, PORT, 40_000] {
        let from = SocketAddr::new(from.ip(), port);
        responder.on_message(now, from, bytes);
        browser.on_message(now, from, bytes);
        let mut sent = 0;
        for _ in 0..40 {
            while let Some(next) = responder.poll_transmit(now).or_else(|| browser.poll_transmit(now)) {
                assert!(Message::read(&next.bytes).is_ok() || next.bytes.len() > names::mdns::LONGEST);
                sent += 1;
            }
            now += Duration::from_millis(100);
        }
        assert!(sent <= MOST, "{sent} messages because of one");
    }
    let _ = browser.services(now, &Name::parse("_talk._tcp.local").expect("a name"));
}

/// A question, an answer, and a probe.
pub fn seeds() -> Vec<Vec<u8>> {
    let offer =
        Offer { instance: "talk".into(), kind: "_talk._tcp".into(), port: 9528, text: vec!["a=b".into()] };
    let mut now = Instant::ZERO;
    let address = [10, 7, 0, 9].into();
    let made = Responder::new(now, "server", &[address], vec![offer], Random::new([3; 32]));
    let mut responder = made.expect("names");
    let mut browser = Browser::new(now, Random::new([4; 32]));
    browser.ask(&Name::parse("_talk._tcp.local").expect("a name"), PTR);
    let mut seeds: Vec<Vec<u8>> = browser.poll_transmit(now).into_iter().map(|next| next.bytes).collect();
    for _ in 0..40 {
        seeds.extend(responder.poll_transmit(now).map(|next| next.bytes));
        now += Duration::from_millis(100);
    }
    seeds
}
