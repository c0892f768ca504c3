//! Questions and answers as far as a forwarder looks into them (RFC 1035, RFC 6891).

use crate::gateway::Cause;
use hickory_proto::op::{Message, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::{Name, RData};
use std::net::IpAddr;
use std::time::Duration;

/// Bytes of a datagram that every asker can take, and that this forwarder gives at most.
const SHORTEST: u16 = 512;
const LONGEST_DATAGRAM: u16 = 4096;
/// Aliases that an answer is followed through.
const ALIASES: usize = 16;

/// A guest's question.
#[derive(Clone, Debug)]
pub(super) struct Question {
    message: Message,
}

impl Question {
    /// Reads a question; it asks for one name, as all do (RFC 9619).
    pub(super) fn read(bytes: &[u8]) -> Result<Question, Cause> {
        let message = Message::from_vec(bytes).map_err(|_| Cause::Garbage)?;
        let one = message.queries.len() == 1;
        let asks =
            message.metadata.message_type == MessageType::Query && message.metadata.op_code == OpCode::Query;
        if one && asks { Ok(Question { message }) } else { Err(Cause::Garbage) }
    }

    pub(super) fn id(&self) -> u16 {
        self.message.metadata.id
    }

    /// The name that it asks for.
    pub(super) fn name(&self) -> String {
        self.message.queries.first().map(|query| query.name().to_ascii()).unwrap_or_default()
    }

    /// Bytes of a datagram that the asker takes.
    pub(super) fn longest(&self) -> usize {
        let told = self.message.edns.as_ref().map_or(SHORTEST, |edns| edns.max_payload());
        told.clamp(SHORTEST, LONGEST_DATAGRAM).into()
    }

    /// An answer without records.
    pub(super) fn fail(&self, code: ResponseCode) -> Option<Vec<u8>> {
        let mut answer = Message::error_msg(self.id(), OpCode::Query, code);
        answer.add_queries(self.message.queries.iter().cloned());
        answer.metadata.recursion_desired = self.message.metadata.recursion_desired;
        answer.metadata.recursion_available = true;
        answer.to_vec().ok()
    }

    /// Reads an answer to this very question, which was asked with the number `id`; None for all else that may come.
    pub(super) fn answered(&self, id: u16, bytes: &[u8]) -> Option<Answer> {
        let message = Message::from_vec(bytes).ok()?;
        let same = match (message.queries.as_slice(), self.message.queries.as_slice()) {
            ([told], [asked]) => {
                told.name().to_lowercase() == asked.name().to_lowercase()
                    && told.query_type() == asked.query_type()
                    && told.query_class() == asked.query_class()
            }
            // A refusal may leave it away.
            ([], _) => message.answers.is_empty() && message.metadata.response_code != ResponseCode::NoError,
            _ => false,
        };
        let is_answer = message.metadata.message_type == MessageType::Response && message.metadata.id == id;
        (same && is_answer).then_some(Answer { message })
    }
}

/// A name server's answer.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    message: Message,
}

impl Answer {
    /// Whether there is more than fitted into a datagram.
    pub(super) fn is_truncated(&self) -> bool {
        self.message.metadata.truncation
    }

    /// Whether another server may know better.
    pub(super) fn is_useless(&self) -> bool {
        use ResponseCode::{NotImp, Refused, ServFail};
        matches!(self.message.metadata.response_code, ServFail | Refused | NotImp)
    }

    /// The same without what did not fit, for an asker that must come again by TCP.
    pub(super) fn truncated(&self, id: u16) -> Option<Vec<u8>> {
        let mut short = self.message.truncate();
        short.metadata.id = id;
        short.to_vec().ok()
    }

    /// The names that it leads to.
    pub(super) fn aliases(&self) -> impl Iterator<Item = String> {
        self.message.answers.iter().filter_map(|record| match &record.data {
            RData::CNAME(alias) => Some(alias.0.to_ascii()),
            _ => None,
        })
    }

    /// The addresses that it gives, each for how long; and the names that are asked for by it: the question's and its aliases.
    pub(super) fn addresses(&self) -> (Vec<String>, Vec<(IpAddr, Duration)>) {
        let Some(query) = self.message.queries.first() else { return (Vec::new(), Vec::new()) };
        let mut names: Vec<Name> = vec![query.name().to_lowercase()];
        // Only what follows from the question counts: other records say nothing that was asked.
        for _ in 0..ALIASES {
            let alias = self.message.answers.iter().find_map(|record| match &record.data {
                RData::CNAME(alias) if names.last() == Some(&record.name.to_lowercase()) => {
                    Some(alias.0.to_lowercase())
                }
                _ => None,
            });
            match alias {
                Some(alias) if !names.contains(&alias) => names.push(alias),
                _ => break,
            }
        }
        let addresses =
            self.message.answers.iter().filter(|record| names.contains(&record.name.to_lowercase()));
        let addresses = addresses.filter_map(|record| {
            let address = match &record.data {
                RData::A(address) => IpAddr::V4(address.0),
                RData::AAAA(address) => IpAddr::V6(address.0),
                _ => return None,
            };
            Some((address, Duration::from_secs(record.ttl.into())))
        });
        (names.iter().map(Name::to_ascii).collect(), addresses.collect())
    }
}

/// Puts a number in the place of a message's own.
pub(super) fn set_id(message: &mut [u8], id: u16) {
    if let Some(place) = message.get_mut(..2) {
        place.copy_from_slice(&id.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_proto::op::Query;
    use hickory_proto::rr::rdata::{A, CNAME};
    use hickory_proto::rr::{Record, RecordType};

    /// Everything that a forwarder does with a guest's bytes and a server's, however broken they are.
    fn look_into(question: &[u8], answer: &[u8]) -> bool {
        let Ok(asked) = Question::read(question) else { return false };
        let _ = (asked.name(), asked.fail(ResponseCode::Refused));
        assert!((512..=4096).contains(&asked.longest()));
        let id = answer.first_chunk().map_or(0, |id| u16::from_be_bytes(*id));
        let Some(told) = asked.answered(id, answer) else { return false };
        let _ = (told.is_truncated(), told.is_useless(), told.truncated(id), told.aliases().count());
        let (names, addresses) = told.addresses();
        assert!(names.len() <= ALIASES + 1 && addresses.len() <= answer.len());
        true
    }

    #[test]
    fn no_bytes_of_guests_or_servers_are_a_panic() {
        let name = Name::from_ascii("www.example.").unwrap();
        let mut question = Message::query();
        question.add_query(Query::query(name.clone(), RecordType::A));
        let mut answer = Message::error_msg(7, OpCode::Query, ResponseCode::NoError);
        answer.add_queries(question.queries.iter().cloned());
        let alias = Name::from_ascii("host.example.").unwrap();
        answer.add_answer(Record::from_rdata(name, 60, RData::CNAME(CNAME(alias.clone()))));
        answer.add_answer(Record::from_rdata(alias, 60, RData::A(A::new(192, 0, 2, 1))));
        let good = [question.to_vec().unwrap(), answer.to_vec().unwrap()];
        assert!(look_into(&good[0], &good[1]));
        let mut random = basis::Random::new([5; 32]);
        let mut understood = 0;
        for _ in 0..4_000 {
            let mut broken = good.clone();
            for _ in 0..1 + random.below(4) {
                let which = random.below(3).min(1) as usize;
                let at = random.below(broken[which].len().max(1) as u32) as usize;
                match random.below(4) {
                    0 => broken[which].truncate(at),
                    1 => broken[which].insert(at, random.next_u32() as u8),
                    _ => {
                        if let Some(byte) = broken[which].get_mut(at) {
                            *byte = random.next_u32() as u8;
                        }
                    }
                }
            }
            understood += u32::from(look_into(&broken[0], &broken[1]));
        }
        assert!(understood > 100, "only {understood} came as far as the addresses");
    }
}
