//! Domain names (RFC 1035 2.3, 3.1).

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// Bytes of a name at most, with the lengths of its labels and the root (RFC 1035 2.3.4).
pub const LONGEST: usize = 255;
/// Bytes of a label at most.
pub const LONGEST_LABEL: usize = 63;

/// A name: labels from the host up to the root. Upper and lower case of ASCII are the same (RFC 4343).
#[derive(Clone, Default)]
pub struct Name {
    /// Each label after its length, without the root.
    wire: Vec<u8>,
}

/// A text or labels that are no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name has labels of 1 to 63 bytes, and 255 bytes in all")]
pub struct NotAName;

impl Name {
    /// The root.
    pub const ROOT: Name = Name { wire: Vec::new() };

    /// Reads `a.b.c`, with or without a dot at its end. A backslash makes the next character part of a label.
    ///
    /// # Errors
    /// An empty or long label, or a long name.
    pub fn parse(text: &str) -> Result<Name, NotAName> {
        let mut name = Name::ROOT;
        let mut label = Vec::new();
        let mut characters = text.bytes();
        while let Some(byte) = characters.next() {
            match byte {
                b'.' => name.push(&std::mem::take(&mut label))?,
                b'\\' => label.push(characters.next().ok_or(NotAName)?),
                byte => label.push(byte),
            }
        }
        if !label.is_empty() {
            name.push(&label)?;
        }
        Ok(name)
    }

    /// The name with one more label at its end, nearest to the root.
    ///
    /// # Errors
    /// An empty or long label, or a long name.
    pub fn push(&mut self, label: &[u8]) -> Result<(), NotAName> {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..=63).contains(length));
        let length = length.ok_or(NotAName)?;
        if self.wire.len() + label.len() + 2 > LONGEST {
            return Err(NotAName);
        }
        self.wire.push(length);
        self.wire.extend_from_slice(label);
        Ok(())
    }

    /// `label` below `self`: the first label of the new name.
    ///
    /// # Errors
    /// An empty or long label, or a long name.
    pub fn below(&self, label: &str) -> Result<Name, NotAName> {
        let mut name = Name::ROOT;
        name.push(label.as_bytes())?;
        if name.wire.len() + self.wire.len() + 1 > LONGEST {
            return Err(NotAName);
        }
        name.wire.extend_from_slice(&self.wire);
        Ok(name)
    }

    /// The labels, the host's first.
    pub fn labels(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.wire.as_slice();
        std::iter::from_fn(move || {
            let (length, after) = rest.split_first()?;
            let (label, after) = after.split_at_checked(usize::from(*length))?;
            rest = after;
            Some(label)
        })
    }

    /// The name above: without its first label.
    pub fn parent(&self) -> Option<Name> {
        let first = usize::from(*self.wire.first()?) + 1;
        Some(Name { wire: self.wire.get(first..)?.to_vec() })
    }

    /// The first label as text.
    pub fn first(&self) -> String {
        self.labels().next().map(|label| String::from_utf8_lossy(label).into_owned()).unwrap_or_default()
    }

    /// Whether it ends with the labels of `other`.
    pub fn is_in(&self, other: &Name) -> bool {
        let mut name = self.clone();
        loop {
            if name == *other {
                return true;
            }
            match name.parent() {
                Some(parent) => name = parent,
                None => return false,
            }
        }
    }

    /// As it is written where nothing is compressed, without the root.
    pub(crate) fn wire(&self) -> &[u8] {
        &self.wire
    }

    fn lower(&self) -> impl Iterator<Item = u8> {
        // A length is less than any letter.
        self.wire.iter().map(u8::to_ascii_lowercase)
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Name) -> bool {
        self.wire.eq_ignore_ascii_case(&other.wire)
    }
}

impl Eq for Name {}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Name) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Name) -> Ordering {
        self.lower().cmp(other.lower())
    }
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.lower().for_each(|byte| state.write_u8(byte));
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.wire.is_empty() {
            return f.write_str(".");
        }
        for (index, label) in self.labels().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            for character in String::from_utf8_lossy(label).chars() {
                match character {
                    '.' | '\\' => write!(f, "\\{character}")?,
                    // What a peer chose must not move a terminal's cursor.
                    character if character.is_control() => f.write_str("\u{fffd}")?,
                    character => write!(f, "{character}")?,
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_written_and_compared_without_case() {
        let name = Name::parse("Talk on 10\\.7._talk._tcp.local.").unwrap();
        assert_eq!(name.to_string(), "Talk on 10\\.7._talk._tcp.local");
        assert_eq!(name, Name::parse("talk ON 10\\.7._TALK._tcp.LOCAL").unwrap());
        assert_eq!(name.labels().count(), 4);
        assert_eq!(name.first(), "Talk on 10.7");
        let local = Name::parse("local").unwrap();
        assert!(name.is_in(&local) && local.is_in(&Name::ROOT) && !local.is_in(&name));
        assert_eq!(name.parent().unwrap().below("x").unwrap().to_string(), "x._talk._tcp.local");
        assert_eq!(Name::ROOT.to_string(), ".");
        assert_eq!(Name::parse("a\u{1b}[2J").unwrap().to_string(), "a\u{fffd}[2J");
    }

    #[test]
    fn labels_and_names_are_bounded() {
        assert!(Name::parse(&"x".repeat(63)).is_ok());
        for text in ["x".repeat(64), "a..b".into(), ".".into(), "\\".into()] {
            assert_eq!(Name::parse(&text), Err(NotAName), "{text}");
        }
        let longest = [63, 63, 63, 61].map(|length| "x".repeat(length)).join(".");
        assert_eq!(Name::parse(&longest).unwrap().wire().len() + 1, LONGEST);
        assert_eq!(Name::parse(&format!("{longest}x")), Err(NotAName));
        assert_eq!(Name::parse(&longest).unwrap().below("x"), Err(NotAName));
    }
}
