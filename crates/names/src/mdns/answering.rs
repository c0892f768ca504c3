//! What is answered to questions, and when (RFC 6762 6 and 7).

use std::net::SocketAddr;
use std::time::Duration;

use basis::Instant;

use super::claim::{Claim, random_up_to};
use super::link::{PORT, To, Transmit};
use super::responder::{Answer, HOST_TTL, Responder, everybody, response};
use crate::message::{Message, Question};
use crate::name::Name;
use crate::record::{Data, Record};

/// How long what was told by unicast to a simple resolver holds at most (RFC 6762 6.7).
const SIMPLE_TTL: u32 = 10;
/// Least time between two tellings of one record, and of one that defends its name (RFC 6762 6).
const REPEAT: Duration = Duration::from_secs(1);
const REPEAT_DEFENCE: Duration = Duration::from_millis(250);
/// Answers that wait at most; further questions are not answered meanwhile.
const WAITING: usize = 32;

impl Responder {
    pub(super) fn on_question(&mut self, now: Instant, from: SocketAddr, message: &Message) {
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
    pub(super) fn finish(&mut self, now: Instant, answer: Answer) -> Option<Transmit> {
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

    pub(super) fn note_told(&mut self, now: Instant, records: &[Record]) {
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
