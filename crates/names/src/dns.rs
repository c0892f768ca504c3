//! Asks a name server (RFC 1035), which is to ask others in turn.

use std::net::IpAddr;

use crate::message::{Message, Question};
use crate::name::Name;
use crate::record::{A, AAAA, CNAME, Data};

/// The port of name servers.
pub const PORT: u16 = 53;
/// How many other names a name may lead to, one after the other.
const LONGEST_CHAIN: usize = 16;

/// A question for addresses, on its way.
#[derive(Clone, Debug)]
pub struct Lookup {
    id: u16,
    name: Name,
    kind: u16,
}

/// What a server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The addresses; none if the name has none of that family.
    Addresses(Vec<IpAddr>),
    /// There is no such name.
    NoSuchName,
    /// The answer is too long for a datagram: it is to be asked for over TCP.
    Truncated,
    /// The server could not or would not say; RFC 1035 4.1.1 has the codes.
    Refused(u8),
}

impl Lookup {
    /// The addresses of `name`, of IPv6 or of IPv4. `id` should be random, as the socket's port should: they tell an answer from a forgery
    /// (RFC 5452).
    pub fn new(name: Name, by_v6: bool, id: u16) -> Lookup {
        Lookup { id, name, kind: if by_v6 { AAAA } else { A } }
    }

    /// The question.
    pub fn write(&self) -> Vec<u8> {
        let question = Question { name: self.name.clone(), kind: self.kind, unicast: false };
        Message { id: self.id, recursion_desired: true, questions: vec![question], ..Message::default() }
            .write()
    }

    /// Reads what came from the server. None: it is no answer to this question, and the right one may follow.
    pub fn read(&self, bytes: &[u8]) -> Option<Outcome> {
        let message = Message::read(bytes).ok()?;
        let [question] = message.questions.as_slice() else { return None };
        let is_ours = message.response
            && message.id == self.id
            && message.opcode == 0
            && question.name == self.name
            && question.kind == self.kind;
        if !is_ours {
            return None;
        }
        Some(match (message.truncated, message.code) {
            (true, _) => Outcome::Truncated,
            (_, 0) => Outcome::Addresses(self.addresses(&message)),
            (_, 3) => Outcome::NoSuchName,
            (_, code) => Outcome::Refused(code),
        })
    }

    fn addresses(&self, message: &Message) -> Vec<IpAddr> {
        let mut name = &self.name;
        for _ in 0..LONGEST_CHAIN {
            let meant = message.answers.iter().find(|record| record.answers(name, CNAME));
            let Some(Data::Cname(other)) = meant.map(|record| &record.data) else { break };
            name = other;
        }
        let found = message.answers.iter().filter(|record| record.answers(name, self.kind));
        found
            .filter_map(|record| match record.data {
                Data::A(ip) => Some(ip.into()),
                Data::Aaaa(ip) => Some(ip.into()),
                _ => None,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn answer(lookup: &Lookup, change: impl FnOnce(&mut Message)) -> Option<Outcome> {
        let mut message = Message::read(&lookup.write()).unwrap();
        message.response = true;
        let record = |of: &str, data| Record { name: name(of), flush: false, ttl: 60, data };
        message.answers = vec![
            record("www.example", Data::Cname(name("host.example"))),
            record("host.example", Data::A([192, 0, 2, 1].into())),
            record("other.example", Data::A([192, 0, 2, 2].into())),
        ];
        change(&mut message);
        lookup.read(&message.write())
    }

    #[test]
    fn addresses_are_found_behind_other_names_and_forgeries_are_not_heard() {
        let lookup = Lookup::new(name("www.example"), false, 7);
        let found = Some(Outcome::Addresses(vec![[192, 0, 2, 1].into()]));
        assert_eq!(answer(&lookup, |_| {}), found);
        assert_eq!(answer(&lookup, |message| message.id = 8), None);
        assert_eq!(answer(&lookup, |message| message.response = false), None);
        assert_eq!(answer(&lookup, |message| message.questions[0].name = name("www.other")), None);
        assert_eq!(answer(&lookup, |message| message.questions[0].kind = AAAA), None);
        assert_eq!(answer(&lookup, |message| message.questions.clear()), None);
        assert_eq!(answer(&lookup, |message| message.truncated = true), Some(Outcome::Truncated));
        assert_eq!(answer(&lookup, |message| message.code = 3), Some(Outcome::NoSuchName));
        assert_eq!(answer(&lookup, |message| message.code = 5), Some(Outcome::Refused(5)));
        assert_eq!(answer(&lookup, |message| message.answers.clear()), Some(Outcome::Addresses(Vec::new())));
        let circle = |message: &mut Message| message.answers[0].data = Data::Cname(name("www.example"));
        assert_eq!(answer(&lookup, circle), Some(Outcome::Addresses(Vec::new())), "a circle ends");
        assert_eq!(lookup.read(b"\0\x07"), None);
    }
}
