//! Tells the link which names and services are here.

use std::net::{IpAddr, SocketAddr};

use basis::{Instant, Random};

use super::claim::{Claim, Due, Phase};
use super::link::{LONGEST, PORT, To, Transmit};
use crate::message::{Message, Question};
use crate::name::{Name, NotAName};
use crate::record::{A, AAAA, ANY, Data, Record, SRV, TXT};

/// How long records hold that name a host, in seconds (RFC 6762 10).
pub(super) const HOST_TTL: u32 = 120;
/// How long others hold.
const OTHER_TTL: u32 = 4500;

/// A service that is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Its name for people: one label, of any characters. It gets a number if it is taken.
    pub instance: String,
    /// Its type and transport, such as `_http._tcp`.
    pub kind: String,
    /// Its port.
    pub port: u16,
    /// Texts such as `path=/`.
    pub text: Vec<String>,
}

/// The names and services of one host on one link. It never answers for a name before it has asked whether that is free.
#[derive(Clone, Debug)]
pub struct Responder {
    /// The host's first, then one for each offer.
    pub(super) claims: Vec<Claim>,
    offers: Vec<(Offer, Name)>,
    addresses: Vec<IpAddr>,
    pub(super) waiting: Vec<Answer>,
    /// When which record was last told to everybody.
    pub(super) told: Vec<(Record, Instant)>,
    pub(super) random: Random,
}

/// An answer that waits.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) due: Instant,
    pub(super) to: To,
    /// Who may still say what it knows (RFC 6762 7.2).
    pub(super) asker: Option<SocketAddr>,
    pub(super) id: u16,
    pub(super) questions: Vec<Question>,
    pub(super) records: Vec<Record>,
    /// It defends a name.
    pub(super) defends: bool,
}

impl Responder {
    /// Begins to ask whether `host` (one label) and the names of `offers` are free.
    ///
    /// # Errors
    /// A name that is none.
    pub fn new(
        now: Instant,
        host: &str,
        addresses: &[IpAddr],
        offers: Vec<Offer>,
        mut random: Random,
    ) -> Result<Responder, NotAName> {
        let local = Name::parse("local")?;
        let mut claims = vec![Claim::new(now, host, local.clone(), true, &mut random).ok_or(NotAName)?];
        let mut kinds = Vec::new();
        for offer in offers {
            let kind = Name::parse(&format!("{}.local", offer.kind))?;
            claims.push(Claim::new(now, &offer.instance, kind.clone(), false, &mut random).ok_or(NotAName)?);
            kinds.push((offer, kind));
        }
        let addresses = addresses.to_vec();
        Ok(Responder { claims, offers: kinds, addresses, waiting: Vec::new(), told: Vec::new(), random })
    }

    /// The host's name, with its number if it was taken.
    pub fn host(&self) -> Option<&Name> {
        self.claims.first().map(|claim| &claim.name)
    }

    /// The names of the services.
    pub fn instances(&self) -> impl Iterator<Item = &Name> {
        self.claims.iter().skip(1).map(|claim| &claim.name)
    }

    /// Whether all names are ours and were announced.
    pub fn is_settled(&self) -> bool {
        self.claims.iter().all(|claim| claim.phase == Phase::Settled)
    }

    /// A message has arrived.
    pub fn on_message(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) {
        let Ok(message) = Message::read(bytes) else { return };
        if message.opcode != 0 || message.code != 0 {
            return;
        }
        match message.response {
            // Answers come from the port of multicast DNS alone (RFC 6762 6).
            true if from.port() == PORT => self.on_response(now, &message),
            true => {}
            false => self.on_question(now, from, &message),
        }
    }

    /// Everything that is ours is over: says so (RFC 6762 10.1).
    pub fn leave(&mut self, now: Instant) {
        let mut records = self.all_records();
        records.iter_mut().for_each(|record| record.ttl = 0);
        self.waiting.clear();
        self.told.clear();
        // Whoever asks from now on is not answered.
        self.claims.clear();
        self.offers.clear();
        self.waiting.push(Answer {
            due: now,
            to: To::Everybody,
            asker: None,
            id: 0,
            questions: Vec::new(),
            records,
            defends: false,
        });
    }

    /// The next message that is due.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Transmit> {
        if let Some(index) = self.waiting.iter().position(|answer| answer.due <= now) {
            let answer = self.waiting.swap_remove(index);
            return self.finish(now, answer).or_else(|| self.poll_transmit(now));
        }
        let due: Vec<Option<Due>> = self.claims.iter_mut().map(|claim| claim.poll(now)).collect();
        if due.contains(&Some(Due::Probe)) {
            let probed = self.claims_where(&due, Due::Probe);
            // Claims that are to be announced at the same time are so the next time.
            self.postpone(now, &due);
            return Some(everybody(&self.probe(&probed)));
        }
        let announced = self.claims_where(&due, Due::Announcement);
        let records: Vec<Record> = announced.iter().flat_map(|index| self.records(*index)).collect();
        if records.is_empty() {
            return None;
        }
        self.note_told(now, &records);
        Some(everybody(&response(records)))
    }

    /// When [`Responder::poll_transmit`] may have something again.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let claims = self.claims.iter().filter_map(Claim::timeout);
        claims.chain(self.waiting.iter().map(|answer| answer.due)).min()
    }

    fn claims_where(&self, due: &[Option<Due>], what: Due) -> Vec<usize> {
        due.iter().enumerate().filter(|(_, due)| **due == Some(what)).map(|(index, _)| index).collect()
    }

    fn postpone(&mut self, now: Instant, due: &[Option<Due>]) {
        for (claim, due) in self.claims.iter_mut().zip(due) {
            if *due == Some(Due::Announcement) {
                claim.phase = Phase::Announcing { sent: 0, due: now };
            }
        }
    }

    /// The records of a claim, those that others may have as well last.
    fn records(&self, index: usize) -> Vec<Record> {
        let Some(claim) = self.claims.get(index) else { return Vec::new() };
        let unique = |ttl, data| Record { name: claim.name.clone(), flush: true, ttl, data };
        let Some((offer, kind)) = index.checked_sub(1).and_then(|index| self.offers.get(index)) else {
            let address = |ip: &IpAddr| match ip {
                IpAddr::V4(ip) => unique(HOST_TTL, Data::A(*ip)),
                IpAddr::V6(ip) => unique(HOST_TTL, Data::Aaaa(*ip)),
            };
            return self.addresses.iter().map(address).collect();
        };
        let target = self.host().cloned().unwrap_or_default();
        let text = offer.text.iter().map(|text| text.as_bytes().to_vec()).collect::<Vec<_>>();
        let text = if text.is_empty() { vec![Vec::new()] } else { text };
        let mut records = vec![
            unique(HOST_TTL, Data::Srv { priority: 0, weight: 0, port: offer.port, target }),
            unique(OTHER_TTL, Data::Txt(text)),
        ];
        let shared = |name, data| Record { name, flush: false, ttl: OTHER_TTL, data };
        records.push(shared(kind.clone(), Data::Ptr(claim.name.clone())));
        if let Ok(all) = Name::parse("_services._dns-sd._udp.local") {
            records.push(shared(all, Data::Ptr(kind.clone())));
        }
        records
    }

    /// Those of the names that are won.
    pub(super) fn all_records(&self) -> Vec<Record> {
        let won = self.claims.iter().enumerate().filter(|(_, claim)| claim.is_won());
        won.flat_map(|(index, _)| self.records(index)).collect()
    }

    /// What the name of a claim is to get.
    pub(super) fn unique_records(&self, index: usize) -> Vec<Record> {
        let mut records = self.records(index);
        records.retain(|record| record.flush);
        records
    }

    fn probe(&self, probed: &[usize]) -> Message {
        let mut message = Message::default();
        for index in probed {
            let records = self.unique_records(*index);
            if let Some(claim) = self.claims.get(*index) {
                message.questions.push(Question { name: claim.name.clone(), kind: ANY, unicast: true });
            }
            // It is not ours to flush yet.
            message.authorities.extend(records.into_iter().map(|record| Record { flush: false, ..record }));
        }
        message
    }

    fn on_response(&mut self, now: Instant, message: &Message) {
        // Others have told what we were about to (RFC 6762 7.4).
        for answer in self.waiting.iter_mut().filter(|answer| answer.to == To::Everybody && !answer.defends) {
            answer.records.retain(|own| {
                !message.answers.iter().any(|theirs| theirs.says_as(own) && theirs.ttl >= own.ttl)
            });
        }
        for index in 0..self.claims.len() {
            let own = self.unique_records(index);
            let Some(claim) = self.claims.get_mut(index) else { continue };
            let is_taken = message.answers.iter().chain(&message.additionals).any(|theirs| {
                theirs.name == claim.name
                    && theirs.ttl > 0
                    && matches!(theirs.data.kind(), A | AAAA | SRV | TXT)
                    && !own.iter().any(|own| own.says_as(theirs))
            });
            if is_taken {
                claim.conflict(now, &mut self.random);
            }
        }
    }

    /// Two who ask for a name at the same time compare what they want to give it (RFC 6762 8.2).
    pub(super) fn settle_ties(&mut self, now: Instant, message: &Message) {
        for index in 0..self.claims.len() {
            let own = self.unique_records(index);
            let Some(claim) = self.claims.get_mut(index).filter(|claim| !claim.is_won()) else { continue };
            let theirs: Vec<&Record> =
                message.authorities.iter().filter(|record| record.name == claim.name).collect();
            if !theirs.is_empty() && order(&theirs) > order(&own.iter().collect::<Vec<_>>()) {
                claim.lose_tie(now);
            }
        }
    }
}

/// What is compared: type and bytes of each record, in order.
fn order(records: &[&Record]) -> Vec<(u16, Vec<u8>)> {
    let bytes = |record: &&Record| {
        let alone = Record { name: Name::ROOT, ttl: 0, flush: false, data: record.data.clone() };
        (record.data.kind(), Message { answers: vec![alone], ..Message::default() }.write())
    };
    let mut order: Vec<_> = records.iter().map(bytes).collect();
    order.sort();
    order
}

pub(super) fn response(records: Vec<Record>) -> Message {
    Message { response: true, authoritative: true, answers: records, ..Message::default() }
}

pub(super) fn everybody(message: &Message) -> Transmit {
    let mut bytes = message.write();
    if bytes.len() > LONGEST {
        // What may be of use goes first.
        bytes = Message { additionals: Vec::new(), ..message.clone() }.write();
    }
    Transmit { to: To::Everybody, bytes }
}
