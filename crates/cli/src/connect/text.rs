//! Bytes from a peer as text for a terminal.

/// Decodes UTF-8 that arrives in pieces, and shows control characters instead of obeying them.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    /// The beginning of a character whose end has not arrived; at most three bytes.
    begun: Vec<u8>,
}

impl Decoder {
    /// The text of the bytes so far, but for a character that is not yet whole.
    pub(crate) fn decode(&mut self, bytes: &[u8]) -> String {
        let joined;
        let mut rest = if self.begun.is_empty() {
            bytes
        } else {
            joined = [self.begun.as_slice(), bytes].concat();
            self.begun.clear();
            joined.as_slice()
        };
        let mut text = String::with_capacity(rest.len());
        loop {
            let (valid, error) = match std::str::from_utf8(rest) {
                Ok(_) => (rest.len(), None),
                Err(error) => (error.valid_up_to(), Some(error.error_len())),
            };
            let (good, tail) = rest.split_at(valid);
            for c in String::from_utf8_lossy(good).chars() {
                push_visible(&mut text, c);
            }
            match error {
                None => return text,
                Some(None) => {
                    self.begun.extend_from_slice(tail);
                    return text;
                }
                Some(Some(length)) => {
                    text.push(char::REPLACEMENT_CHARACTER);
                    rest = tail.get(length..).unwrap_or_default();
                }
            }
        }
    }
}

fn push_visible(text: &mut String, c: char) {
    match c {
        '\n' | '\t' => text.push(c),
        '\r' => {}
        c if c.is_control() => text.extend(c.escape_default()),
        c => text.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_split_anywhere_arrives_whole() {
        let text = "aé网😀\n";
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let mut decoder = Decoder::default();
                let bytes = text.as_bytes();
                let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                assert_eq!(pieces.map(|piece| decoder.decode(piece)).concat(), text);
            }
        }
    }

    #[test]
    fn what_is_no_text_is_shown_as_such() {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.decode(b"a\xffb\x1b[2J\x07\r\n"), "a\u{fffd}b\\u{1b}[2J\\u{7}\n");
        assert_eq!(decoder.decode(b"\xe7\xbd"), "");
        assert_eq!(decoder.decode(b"x"), "\u{fffd}x");
    }
}
