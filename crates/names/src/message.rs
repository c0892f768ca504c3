//! Messages of DNS (RFC 1035 4.1), read from hostile bytes and written with compressed names.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::name::Name;
use crate::record::{A, AAAA, CNAME, Data, NSEC, PTR, Record, SRV, TXT};

/// Records and questions of a message at most: more makes it malformed.
pub const MOST: usize = 512;

const RESPONSE: u16 = 0x8000;
const AUTHORITATIVE: u16 = 0x0400;
const TRUNCATED: u16 = 0x0200;
const RECURSION_DESIRED: u16 = 0x0100;
const OPCODE: u16 = 0x7800;
/// The class of the internet; its highest bit has another meaning in multicast DNS.
const IN: u16 = 1;
const ANY_CLASS: u16 = 255;
const MARK: u16 = 0x8000;

/// A message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// What an answer has in common with its question; 0 in multicast.
    pub id: u16,
    /// Whether it answers.
    pub response: bool,
    /// Whether who answers is the one to know.
    pub authoritative: bool,
    /// Whether more was to be said: over TCP, or in multicast by a further message.
    pub truncated: bool,
    /// Whether the server is to ask others.
    pub recursion_desired: bool,
    /// Kind of question; only 0 is of interest.
    pub opcode: u8,
    /// Success, or why not (RFC 1035 4.1.1).
    pub code: u8,
    /// What is asked.
    pub questions: Vec<Question>,
    /// What was asked for; in a multicast question, what is known already.
    pub answers: Vec<Record>,
    /// In a probe, what the name is to get.
    pub authorities: Vec<Record>,
    /// What may be of use.
    pub additionals: Vec<Record>,
}

/// A question about the class IN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// About whom.
    pub name: Name,
    /// The type of record.
    pub kind: u16,
    /// Multicast DNS: an answer to who asks alone will do (RFC 6762 5.4).
    pub unicast: bool,
}

/// Bytes that are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed DNS message")]
pub struct Malformed;

impl Message {
    /// Reads a message. Questions and records of other classes are left out.
    ///
    /// # Errors
    /// Bytes that end early, names that lead nowhere, more than [`MOST`] parts.
    pub fn read(bytes: &[u8]) -> Result<Message, Malformed> {
        let mut reader = Reader { bytes, at: 0 };
        let id = reader.u16()?;
        let flags = reader.u16()?;
        let counts = [reader.u16()?, reader.u16()?, reader.u16()?, reader.u16()?].map(usize::from);
        if counts.iter().sum::<usize>() > MOST {
            return Err(Malformed);
        }
        let [questions, answers, authorities, additionals] = counts;
        let mut message = Message {
            id,
            response: flags & RESPONSE != 0,
            authoritative: flags & AUTHORITATIVE != 0,
            truncated: flags & TRUNCATED != 0,
            recursion_desired: flags & RECURSION_DESIRED != 0,
            opcode: ((flags & OPCODE) >> 11) as u8,
            code: (flags & 15) as u8,
            ..Message::default()
        };
        for _ in 0..questions {
            message.questions.extend(reader.question()?);
        }
        for (count, section) in [
            (answers, &mut message.answers),
            (authorities, &mut message.authorities),
            (additionals, &mut message.additionals),
        ] {
            for _ in 0..count {
                section.extend(reader.record()?);
            }
        }
        Ok(message)
    }

    /// Writes the message.
    pub fn write(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.u16(self.id);
        let flag = |on: bool, bit: u16| if on { bit } else { 0 };
        writer.u16(
            flag(self.response, RESPONSE)
                | flag(self.authoritative, AUTHORITATIVE)
                | flag(self.truncated, TRUNCATED)
                | flag(self.recursion_desired, RECURSION_DESIRED)
                | (u16::from(self.opcode & 15) << 11)
                | u16::from(self.code & 15),
        );
        let sections = [&self.answers, &self.authorities, &self.additionals];
        writer.u16(self.questions.len().min(MOST) as u16);
        sections.iter().for_each(|section| writer.u16(section.len().min(MOST) as u16));
        for question in self.questions.iter().take(MOST) {
            writer.name(&question.name);
            writer.u16(question.kind);
            writer.u16(IN | flag(question.unicast, MARK));
        }
        for record in sections.iter().flat_map(|section| section.iter().take(MOST)) {
            writer.record(record);
        }
        writer.bytes
    }

    /// The records of all sections.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.answers.iter().chain(&self.authorities).chain(&self.additionals)
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let end = self.at.checked_add(count).ok_or(Malformed)?;
        let taken = self.bytes.get(self.at..end).ok_or(Malformed)?;
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.take(N)?.try_into().map_err(|_| Malformed)
    }

    fn u16(&mut self) -> Result<u16, Malformed> {
        self.array().map(u16::from_be_bytes)
    }

    fn name(&mut self) -> Result<Name, Malformed> {
        let mut name = Name::ROOT;
        let mut at = self.at;
        // Behind the first pointer nothing more is taken. Each pointer leads further back, so they end (RFC 1035 4.1.4).
        let mut is_here = true;
        let mut least = self.at;
        loop {
            let length = *self.bytes.get(at).ok_or(Malformed)?;
            at += 1;
            match length {
                0 => break,
                1..=63 => {
                    let end = at + usize::from(length);
                    name.push(self.bytes.get(at..end).ok_or(Malformed)?).map_err(|_| Malformed)?;
                    at = end;
                }
                192.. => {
                    let low = *self.bytes.get(at).ok_or(Malformed)?;
                    at += 1;
                    if is_here {
                        self.at = at;
                    }
                    is_here = false;
                    at = usize::from(u16::from_be_bytes([length & 63, low]));
                    if at >= least {
                        return Err(Malformed);
                    }
                    least = at;
                }
                _ => return Err(Malformed),
            }
        }
        if is_here {
            self.at = at;
        }
        Ok(name)
    }

    fn question(&mut self) -> Result<Option<Question>, Malformed> {
        let (name, kind, class) = (self.name()?, self.u16()?, self.u16()?);
        let is_known = matches!(class & !MARK, IN | ANY_CLASS);
        Ok(is_known.then_some(Question { name, kind, unicast: class & MARK != 0 }))
    }

    fn record(&mut self) -> Result<Option<Record>, Malformed> {
        let (name, kind, class) = (self.name()?, self.u16()?, self.u16()?);
        let ttl = self.array().map(u32::from_be_bytes)?;
        let length = usize::from(self.u16()?);
        let end = self.at + length;
        let data = self.data(kind, length)?;
        if self.at != end {
            return Err(Malformed);
        }
        // An OPT record has a size for its class.
        Ok((class & !MARK == IN).then_some(Record { name, flush: class & MARK != 0, ttl, data }))
    }

    fn data(&mut self, kind: u16, length: usize) -> Result<Data, Malformed> {
        Ok(match kind {
            A => Data::A(Ipv4Addr::from(self.array::<4>()?)),
            AAAA => Data::Aaaa(Ipv6Addr::from(self.array::<16>()?)),
            PTR => Data::Ptr(self.name()?),
            CNAME => Data::Cname(self.name()?),
            SRV => {
                let (priority, weight, port) = (self.u16()?, self.u16()?, self.u16()?);
                Data::Srv { priority, weight, port, target: self.name()? }
            }
            TXT => {
                let mut rest = self.take(length)?;
                let mut texts = Vec::new();
                while let Some((length, after)) = rest.split_first() {
                    let (text, after) = after.split_at_checked(usize::from(*length)).ok_or(Malformed)?;
                    texts.push(text.to_vec());
                    rest = after;
                }
                if texts.is_empty() {
                    texts.push(Vec::new());
                }
                Data::Txt(texts)
            }
            NSEC => {
                let end = self.at.checked_add(length).ok_or(Malformed)?;
                self.name()?;
                let rest = end.checked_sub(self.at).ok_or(Malformed)?;
                Data::Nsec(types(self.take(rest)?))
            }
            other => Data::Other(other, self.take(length)?.to_vec()),
        })
    }
}

/// The types below 256 of a bitmap (RFC 4034 4.1.2).
fn types(bitmap: &[u8]) -> Vec<u8> {
    let [0, length, bits @ ..] = bitmap else { return Vec::new() };
    let bits = bits.get(..usize::from(*length).min(32)).unwrap_or(bits);
    (0..=255_u8)
        .filter(|kind| bits.get(usize::from(kind / 8)).is_some_and(|byte| byte & (0x80 >> (kind % 8)) != 0))
        .collect()
}

#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
    /// Where names were written that others may point to.
    names: Vec<(Name, u16)>,
}

impl Writer {
    fn u16(&mut self, number: u16) {
        self.bytes.extend_from_slice(&number.to_be_bytes());
    }

    fn name(&mut self, name: &Name) {
        let mut rest = name.clone();
        loop {
            if let Some((_, at)) = self.names.iter().find(|(known, _)| *known == rest) {
                return self.u16(0xc000 | *at);
            }
            let Some(parent) = rest.parent() else { return self.bytes.push(0) };
            // A pointer has fourteen bits.
            if let Ok(at) = u16::try_from(self.bytes.len())
                && at < 0x4000
            {
                self.names.push((rest.clone(), at));
            }
            let label = rest.wire().len() - parent.wire().len();
            self.bytes.extend_from_slice(rest.wire().get(..label).unwrap_or_default());
            rest = parent;
        }
    }

    fn record(&mut self, record: &Record) {
        self.name(&record.name);
        self.u16(record.data.kind());
        self.u16(IN | if record.flush { MARK } else { 0 });
        self.bytes.extend_from_slice(&record.ttl.to_be_bytes());
        let at = self.bytes.len();
        self.u16(0);
        match &record.data {
            Data::A(address) => self.bytes.extend_from_slice(&address.octets()),
            Data::Aaaa(address) => self.bytes.extend_from_slice(&address.octets()),
            Data::Ptr(name) | Data::Cname(name) => self.name(name),
            Data::Srv { priority, weight, port, target } => {
                [priority, weight, port].into_iter().for_each(|number| self.u16(*number));
                // RFC 2782 forbids compression, RFC 6762 18.14 allows it: plain is right everywhere.
                self.bytes.extend_from_slice(target.wire());
                self.bytes.push(0);
            }
            Data::Txt(texts) => {
                for text in texts {
                    let text = text.get(..255).unwrap_or(text);
                    self.bytes.push(text.len() as u8);
                    self.bytes.extend_from_slice(text);
                }
                // At least one, perhaps empty (RFC 6763 6.1).
                if texts.is_empty() {
                    self.bytes.push(0);
                }
            }
            Data::Nsec(kinds) => self.types(&record.name, kinds),
            Data::Other(_, bytes) => self.bytes.extend_from_slice(bytes.get(..0xffff).unwrap_or(bytes)),
        }
        let length = u16::try_from(self.bytes.len() - at - 2).unwrap_or(u16::MAX);
        if let Some(place) = self.bytes.get_mut(at..at + 2) {
            place.copy_from_slice(&length.to_be_bytes());
        }
    }

    fn types(&mut self, name: &Name, kinds: &[u8]) {
        self.bytes.extend_from_slice(name.wire());
        let mut bits = [0_u8; 32];
        for kind in kinds {
            if let Some(byte) = bits.get_mut(usize::from(kind / 8)) {
                *byte |= 0x80 >> (kind % 8);
            }
        }
        let used = bits.iter().rposition(|byte| *byte != 0).map_or(1, |last| last + 1);
        self.bytes.extend_from_slice(&[0, 0, used as u8]);
        self.bytes.extend_from_slice(bits.get(..used).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests;
