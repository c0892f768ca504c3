//! Finds names and services of others.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use basis::{Instant, Random};

use super::cache::Cache;
use super::claim::random_up_to;
use super::link::{LONGEST, PORT, To, Transmit};
use crate::message::{Message, Question};
use crate::name::Name;
use crate::record::{A, AAAA, CNAME, Data, PTR, Record, SRV, TXT};

/// Questions at most; further ones are not asked.
const QUESTIONS: usize = 64;
/// The first repetition follows after this, each later one after twice the time, up to an hour (RFC 6762 5.2).
const FIRST_INTERVAL: Duration = Duration::from_secs(1);
const LAST_INTERVAL: Duration = Duration::from_secs(3600);

/// One who looks for names and services.
#[derive(Clone, Debug)]
pub struct Browser {
    questions: Vec<Asked>,
    cache: Cache,
    random: Random,
}

#[derive(Clone, Debug)]
struct Asked {
    name: Name,
    kind: u16,
    due: Instant,
    interval: Duration,
}

/// A service that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its whole name.
    pub instance: Name,
    /// Its host.
    pub host: Name,
    /// Its port.
    pub port: u16,
    /// The host's addresses, IPv4 first.
    pub addresses: Vec<IpAddr>,
    /// Its texts.
    pub text: Vec<String>,
}

impl Browser {
    /// One who has not asked yet.
    pub fn new(_now: Instant, random: Random) -> Browser {
        Browser { questions: Vec::new(), cache: Cache::default(), random }
    }

    /// Asks from now on for records of that type, such as [`PTR`] of `_http._tcp.local`.
    pub fn ask(&mut self, name: &Name, kind: u16) {
        self.ask_at(Instant::ZERO, name, kind);
    }

    fn ask_at(&mut self, due: Instant, name: &Name, kind: u16) {
        let is_asked = self.questions.iter().any(|asked| asked.name == *name && asked.kind == kind);
        if !is_asked && self.questions.len() < QUESTIONS {
            self.questions.push(Asked { name: name.clone(), kind, due, interval: FIRST_INTERVAL });
        }
    }

    /// A message has arrived.
    pub fn on_message(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) {
        let Ok(message) = Message::read(bytes) else { return };
        if !message.response || message.opcode != 0 || message.code != 0 || from.port() != PORT {
            return;
        }
        let useful = |record: &&Record| matches!(record.data.kind(), A | AAAA | CNAME | PTR | SRV | TXT);
        for record in message.answers.iter().chain(&message.additionals).filter(useful) {
            self.cache.insert(now, record);
        }
        self.follow(now);
    }

    /// Asks for what is missing about what was found.
    fn follow(&mut self, now: Instant) {
        let records: Vec<Record> = self.cache.records(now).cloned().collect();
        let has = |name: &Name, kind| records.iter().any(|record| record.answers(name, kind));
        for asked in self.questions.clone() {
            if asked.kind != PTR {
                continue;
            }
            for record in records.iter().filter(|record| record.answers(&asked.name, PTR)) {
                let Data::Ptr(to) = &record.data else { continue };
                if to.first().starts_with('_') {
                    // The list of types: each is asked for its services.
                    self.ask_at(now, to, PTR);
                } else if !has(to, SRV) {
                    self.ask_at(now, to, SRV);
                }
            }
        }
        for record in &records {
            if let Data::Srv { target, .. } = &record.data
                && !has(target, A)
                && !has(target, AAAA)
            {
                self.ask_at(now, target, A);
                self.ask_at(now, target, AAAA);
            }
        }
    }

    /// The next message that is due: all questions of which one is, with what is known already.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Transmit> {
        let mut message = Message::default();
        for asked in self.questions.iter_mut().filter(|asked| asked.due <= now) {
            // Others begin at the same time: a moment of its own keeps them apart.
            asked.due = now + asked.interval + random_up_to(&mut self.random, Duration::from_millis(100));
            asked.interval = (asked.interval * 2).min(LAST_INTERVAL);
            message.questions.push(Question { name: asked.name.clone(), kind: asked.kind, unicast: false });
        }
        if message.questions.is_empty() {
            return None;
        }
        let asked = |record: &Record| {
            message.questions.iter().any(|question| record.answers(&question.name, question.kind))
        };
        let known: Vec<Record> = self.cache.fresh(now).filter(asked).collect();
        message.answers = known;
        let mut bytes = message.write();
        if bytes.len() > LONGEST {
            // Whoever answers says some things twice then.
            message.answers.clear();
            bytes = message.write();
        }
        Some(Transmit { to: To::Everybody, bytes })
    }

    /// When [`Browser::poll_transmit`] has something again.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.questions.iter().map(|asked| asked.due).min()
    }

    /// The services of a type, such as `_http._tcp.local`, whose place is known.
    pub fn services(&self, now: Instant, kind: &Name) -> Vec<Found> {
        let mut found: Vec<Found> = Vec::new();
        for record in self.cache.records(now).filter(|record| record.answers(kind, PTR)) {
            if let Data::Ptr(instance) = &record.data {
                found.extend(self.service(now, instance));
            }
        }
        found.sort_by(|a, b| a.instance.cmp(&b.instance));
        found
    }

    /// The types of services that are there (RFC 6763 9).
    pub fn kinds(&self, now: Instant) -> Vec<Name> {
        let Ok(all) = Name::parse("_services._dns-sd._udp.local") else { return Vec::new() };
        let mut kinds: Vec<Name> = self
            .cache
            .records(now)
            .filter(|record| record.name == all)
            .filter_map(|record| if let Data::Ptr(kind) = &record.data { Some(kind.clone()) } else { None })
            .collect();
        kinds.sort();
        kinds
    }

    fn service(&self, now: Instant, instance: &Name) -> Option<Found> {
        let about = |kind| self.cache.records(now).filter(move |record| record.answers(instance, kind));
        let (port, host) = about(SRV).find_map(|record| match &record.data {
            Data::Srv { port, target, .. } => Some((*port, target.clone())),
            _ => None,
        })?;
        let text = about(TXT).flat_map(|record| match &record.data {
            Data::Txt(texts) => texts.clone(),
            _ => Vec::new(),
        });
        let text =
            text.filter(|text| !text.is_empty()).map(|text| String::from_utf8_lossy(&text).into_owned());
        Some(Found {
            instance: instance.clone(),
            addresses: self.addresses(now, &host),
            host,
            port,
            text: text.collect(),
        })
    }

    /// The addresses of a host, IPv4 first.
    pub fn addresses(&self, now: Instant, host: &Name) -> Vec<IpAddr> {
        let mut addresses: Vec<IpAddr> = self
            .cache
            .records(now)
            .filter(|record| record.name == *host)
            .filter_map(|record| match record.data {
                Data::A(ip) => Some(ip.into()),
                Data::Aaaa(ip) => Some(ip.into()),
                _ => None,
            })
            .collect();
        addresses.sort();
        addresses
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_questions_are_asked_than_may_be() {
        let mut browser = Browser::new(Instant::ZERO, Random::new([7; 32]));
        let name = |number: usize| Name::parse(&format!("host-{number}.local")).unwrap();
        for number in 0..QUESTIONS - 1 {
            browser.ask(&name(number), A);
            browser.ask(&name(number), A);
        }
        browser.ask(&name(QUESTIONS - 1), A);
        browser.ask(&name(QUESTIONS), A);
        let message = browser.poll_transmit(Instant::ZERO).unwrap();
        let asked = Message::read(&message.bytes).unwrap().questions;
        assert_eq!(asked.len(), QUESTIONS);
        assert_eq!(asked.last().map(|question| question.name.clone()), Some(name(QUESTIONS - 1)));
    }
}
