//! Tells the link which names and services are here.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use basis::{Instant, Random};

use super::claim::{Claim, Due, Phase, random_up_to};
use super::link::{LONGEST, PORT, To, Transmit};
use crate::message::{Message, Question};
use crate::name::{Name, NotAName};
use crate::record::{A, AAAA, ANY, Data, Record, SRV, TXT};

/// How long records hold that name a host, in seconds (RFC 6762 10).
const HOST_TTL: u32 = 120;
/// How long others hold.
const OTHER_TTL: u32 = 4500;
/// How long what was told by unicast to a simple resolver holds at most (RFC 6762 6.7).
const SIMPLE_TTL: u32 = 10;
/// Least time between two tellings of one record, and of one that defends its name (RFC 6762 6).
const REPEAT: Duration = Duration::from_secs(1);
const REPEAT_DEFENCE: Duration = Duration::from_millis(250);
/// Answers that wait at most; further questions are not answered meanwhile.
const WAITING: usize = 32;

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
    claims: Vec<Claim>,
    offers: Vec<(Offer, Name)>,
    addresses: Vec<IpAddr>,
    waiting: Vec<Answer>,
    /// When which record was last told to everybody.
    told: Vec<(Record, Instant)>,
    random: Random,
}

/// An answer that waits.
#[derive(Clone, Debug)]
struct Answer {
    due: Instant,
    to: To,
    /// Who may still say what it knows (RFC 6762 7.2).
    asker: Option<SocketAddr>,
    id: u16,
    questions: Vec<Question>,
    records: Vec<Record>,
    /// It defends a name.
    defends: bool,
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
    fn all_records(&self) -> Vec<Record> {
        let won = self.claims.iter().enumerate().filter(|(_, claim)| claim.is_won());
        won.flat_map(|(index, _)| self.records(index)).collect()
    }

    /// What the name of a claim is to get.
    fn unique_records(&self, index: usize) -> Vec<Record> {
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

    fn on_question(&mut self, now: Instant, from: SocketAddr, message: &Message) {
        self.settle_ties(now, message);
        if message.questions.is_empty() {
            // The rest of what an asker knows.
            for answer in self.waiting.iter_mut().filter(|answer| answer.asker == Some(from)) {
                answer.records.retain(|own| !is_known(own, message));
            }
            return;
        }
        let is_simple = from.port() != PORT;
        let (mut for_all, mut for_one) = (Vec::new(), Vec::new());
        for question in &message.questions {
            let found = self.found(question);
            let chosen = if question.unicast || is_simple { &mut for_one } else { &mut for_all };
            for record in found.into_iter().filter(|record| !is_known(record, message)) {
                if !chosen.contains(&record) {
                    chosen.push(record);
                }
            }
        }
        let defends = !message.authorities.is_empty();
        // One who alone has the answer gives it at once; where many may, each waits a moment (RFC 6762 6).
        let is_alone = for_all.iter().all(|record| record.flush);
        let wait = match (message.truncated, is_alone || defends) {
            (true, _) => {
                Duration::from_millis(400) + random_up_to(&mut self.random, Duration::from_millis(100))
            }
            (false, true) => Duration::ZERO,
            (false, false) => {
                Duration::from_millis(20) + random_up_to(&mut self.random, Duration::from_millis(100))
            }
        };
        let answer = |to, due, records| Answer {
            due,
            to,
            asker: Some(from),
            id: if is_simple { message.id } else { 0 },
            questions: if is_simple { message.questions.clone() } else { Vec::new() },
            records,
            defends,
        };
        let (all, one) = (answer(To::Everybody, now + wait, for_all), answer(To::One(from), now, for_one));
        for answer in [all, one] {
            if !answer.records.is_empty() && self.waiting.len() < WAITING {
                self.waiting.push(answer);
            }
        }
    }

    /// Two who ask for a name at the same time compare what they want to give it (RFC 6762 8.2).
    fn settle_ties(&mut self, now: Instant, message: &Message) {
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

    /// What a question asks for.
    fn found(&self, question: &Question) -> Vec<Record> {
        let mut found = self.all_records();
        found.retain(|record| record.answers(&question.name, question.kind));
        let won = |claim: &&Claim| claim.is_won() && claim.name == question.name;
        if found.is_empty()
            && let Some(index) = self.claims.iter().position(|claim| won(&claim))
        {
            // The name is ours, and has nothing of that type: there is nobody else to ask (RFC 6762 6.1).
            let own = self.unique_records(index);
            let mut kinds: Vec<u8> = own.iter().filter_map(|own| own.data.kind().try_into().ok()).collect();
            kinds.sort_unstable();
            kinds.dedup();
            let data = Data::Nsec(kinds);
            found.push(Record { name: question.name.clone(), flush: true, ttl: HOST_TTL, data });
        }
        found
    }

    /// Makes a message of an answer, unless everybody has just been told.
    fn finish(&mut self, now: Instant, answer: Answer) -> Option<Transmit> {
        let Answer { to, id, questions, mut records, defends, .. } = answer;
        if to == To::Everybody {
            let pause = if defends { REPEAT_DEFENCE } else { REPEAT };
            self.told.retain(|(_, at)| now.saturating_since(*at) < REPEAT);
            let told = &self.told;
            records.retain(|own| {
                own.ttl == 0
                    || !told.iter().any(|(told, at)| told == own && now.saturating_since(*at) < pause)
            });
        }
        if records.is_empty() {
            return None;
        }
        let mut message = response(records);
        let further = self.further(&message.answers);
        if message.answers.first().is_some_and(|record| record.ttl > 0) {
            message.additionals = further;
        }
        if to == To::Everybody {
            let told = message.answers.clone();
            self.note_told(now, &told);
            return Some(everybody(&message));
        }
        if !questions.is_empty() {
            // A resolver that knows nothing of multicast (RFC 6762 6.7).
            (message.id, message.questions) = (id, questions);
            for record in message.answers.iter_mut().chain(&mut message.additionals) {
                (record.flush, record.ttl) = (false, record.ttl.min(SIMPLE_TTL));
            }
        }
        Some(Transmit { to, bytes: message.write() })
    }

    /// What who gets these answers would ask for next (RFC 6763 12).
    fn further(&self, answers: &[Record]) -> Vec<Record> {
        let own = self.all_records();
        let mut further: Vec<Record> = Vec::new();
        let mut wanted: Vec<Name> = answers.iter().filter_map(leads_to).collect();
        while let Some(name) = wanted.pop() {
            for record in own.iter().filter(|record| record.flush && record.name == name) {
                if !answers.contains(record) && !further.contains(record) {
                    wanted.extend(leads_to(record));
                    further.push(record.clone());
                }
            }
        }
        further
    }

    fn note_told(&mut self, now: Instant, records: &[Record]) {
        self.told.retain(|(_, at)| now.saturating_since(*at) < REPEAT);
        self.told.extend(records.iter().map(|record| (record.clone(), now)));
    }
}

/// The name that a record leads to.
fn leads_to(record: &Record) -> Option<Name> {
    match &record.data {
        Data::Ptr(name) | Data::Srv { target: name, .. } => Some(name.clone()),
        _ => None,
    }
}

/// Whether an asker says that it knows this, and for long enough yet (RFC 6762 7.1).
fn is_known(own: &Record, message: &Message) -> bool {
    message.answers.iter().any(|known| known.says_as(own) && u64::from(known.ttl) * 2 >= u64::from(own.ttl))
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

fn response(records: Vec<Record>) -> Message {
    Message { response: true, authoritative: true, answers: records, ..Message::default() }
}

fn everybody(message: &Message) -> Transmit {
    let mut bytes = message.write();
    if bytes.len() > LONGEST {
        // What may be of use goes first.
        bytes = Message { additionals: Vec::new(), ..message.clone() }.write();
    }
    Transmit { to: To::Everybody, bytes }
}
