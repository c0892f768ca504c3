//! Lines of the control connection: bounded, and freed of what Telnet puts between them (RFC 959 3.1, RFC 854).

/// Bytes of a command at most. Names of files have at most 255, paths here rarely more than a few of them.
pub(super) const LONGEST: usize = 2048;

/// What has arrived and is not yet a line.
#[derive(Debug, Default)]
pub(super) struct Lines {
    buffer: Vec<u8>,
    /// A line that is too long is being skipped.
    skipping: bool,
}

/// A line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    Text(String),
    TooLong,
    /// It is not UTF-8 (RFC 2640).
    NotText,
}

impl Lines {
    /// Takes in what was read.
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// The next whole line.
    pub(super) fn next(&mut self) -> Option<Line> {
        let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') else {
            if self.buffer.len() > LONGEST {
                self.buffer.clear();
                self.skipping = true;
            }
            return None;
        };
        let mut line: Vec<u8> = self.buffer.drain(..=end).collect();
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        if std::mem::take(&mut self.skipping) || line.len() > LONGEST {
            return Some(Line::TooLong);
        }
        Some(String::from_utf8(without_telnet(&line)).map_or(Line::NotText, Line::Text))
    }
}

/// Clients say ABOR after "interrupt process" and a data mark. Both are for a terminal's other end.
fn without_telnet(line: &[u8]) -> Vec<u8> {
    const IAC: u8 = 255;
    let mut text = Vec::with_capacity(line.len());
    let mut rest = line.iter().copied();
    while let Some(byte) = rest.next() {
        if byte != IAC {
            text.push(byte);
            continue;
        }
        match rest.next() {
            // WILL, WON'T, DO and DON'T name an option.
            Some(251..=254) => _ = rest.next(),
            Some(IAC) => text.push(IAC),
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8]) -> Vec<Line> {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        for byte in bytes {
            lines.extend(&[*byte]);
            found.extend(lines.next());
        }
        found
    }

    #[test]
    fn lines_end_as_they_like_and_lose_what_is_telnets() {
        let text = |text: &str| Line::Text(text.into());
        assert_eq!(lines(b"USER a\r\nPASS b\n\r\nrest"), [text("USER a"), text("PASS b"), text("")]);
        assert_eq!(lines(b"\xff\xf4\xff\xf2ABOR\r\n\xff\xfb\x01X\n"), [text("ABOR"), text("X")]);
        assert_eq!(lines("CWD 目录\r\n".as_bytes()), [text("CWD 目录")]);
        assert_eq!(lines(b"CWD \xe7\xfe\n"), [Line::NotText]);
    }

    #[test]
    fn a_line_at_the_bound_is_taken_and_a_longer_one_is_skipped_without_being_kept() {
        let longest = "x".repeat(LONGEST);
        assert_eq!(lines(format!("{longest}\n").as_bytes()), [Line::Text(longest.clone())]);
        let mut all = Lines::default();
        for _ in 0..100 {
            all.extend(longest.as_bytes());
            assert_eq!(all.next(), None);
            assert!(all.buffer.len() <= 2 * LONGEST);
        }
        all.extend(b"y\nNOOP\n");
        assert_eq!((all.next(), all.next()), (Some(Line::TooLong), Some(Line::Text("NOOP".into()))));
    }
}
