//! From text to events: lines, times, and what follows them.

use super::cursor::{Cursor, Parsed};
use super::expression::Assertion;
use super::failure::Failure;
use super::notation::{Action, Event, Script, When};
use super::parse_call::call;
use super::parse_packet::{arriving, leaving};
use super::settings::Settings;
use std::time::Duration;

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// The first line that is not understood.
    pub fn parse(text: &str) -> Result<Script, Failure> {
        let mut script = Script { settings: Settings::default(), events: Vec::new() };
        for (line, text) in statements(text)? {
            script.take(line, &text).map_err(|message| Failure::at(line, message))?;
        }
        Ok(script)
    }

    fn take(&mut self, line: u32, text: &str) -> Parsed<()> {
        let mut cursor = Cursor::new(text);
        if cursor.rest().starts_with("--") {
            return self.settings.option(cursor.rest());
        }
        let when = time(&mut cursor)?;
        if cursor.eat("`") {
            return self.settings.commands(cursor.take_until("`")?);
        }
        let action = if cursor.eat("<") {
            Action::Arrives(arriving(&mut cursor)?)
        } else if cursor.eat(">") {
            Action::Leaves(leaving(&mut cursor)?)
        } else if cursor.eat("%{") {
            Action::Assert(Assertion::parse_all(cursor.take_until("}%")?)?)
        } else {
            Action::Call(call(&mut cursor)?)
        };
        if !cursor.is_at_end() {
            return Err(format!("not understood: `{}`", cursor.rest()));
        }
        self.events.push(Event { line, when, action });
        Ok(())
    }
}

/// The statements of a script with the line on which each begins, without comments. A statement goes on while brackets
/// are open.
fn statements(text: &str) -> Result<Vec<(u32, String)>, Failure> {
    let mut statements = Vec::new();
    let mut open: Option<(u32, String)> = None;
    let text = without_comments(text);
    for (line, text) in (1..).zip(text.lines()) {
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        let (line, statement) = match open.take() {
            Some((line, before)) => (line, format!("{before}\n{text}")),
            None => (line, text.to_owned()),
        };
        if is_complete(&statement) {
            statements.push((line, statement));
        } else {
            open = Some((line, statement));
        }
    }
    match open {
        Some((line, _)) => Err(Failure::at(line, "a bracket is not closed")),
        None => Ok(statements),
    }
}

fn is_complete(statement: &str) -> bool {
    let count = |wanted: char| statement.chars().filter(|c| *c == wanted).count();
    count('(') == count(')') && count('{') == count('}') && count('`').is_multiple_of(2)
}

/// Blanks out `//`, `#` and `/* */`, keeping lines where they are. Inside backticks nothing is a comment.
fn without_comments(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    let (mut shell, mut quoted) = (false, false);
    while let Some(c) = rest.chars().next() {
        shell ^= c == '`';
        quoted = if c == '\n' { false } else { quoted ^ (c == '"') };
        let plain = !shell && !quoted;
        if plain && (rest.starts_with("//") || c == '#') {
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
        } else if plain && rest.starts_with("/*") {
            let end = rest.find("*/").map_or(rest.len(), |at| at + 2);
            out.extend(rest[..end].chars().filter(|c| *c == '\n'));
            rest = &rest[end..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

/// The time before an event. Without one, it happens with the event before.
fn time(cursor: &mut Cursor<'_>) -> Parsed<When> {
    if cursor.eat("*") {
        return Ok(When::Any);
    }
    let relative = cursor.eat("+");
    if !relative && !cursor.rest().starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return Ok(When::Relative { from: Duration::ZERO, to: None });
    }
    let from = seconds(cursor)?;
    let to = if cursor.eat("...") || cursor.eat("~") {
        cursor.eat("+");
        Some(seconds(cursor)?)
    } else {
        None
    };
    if to.is_some_and(|to| to < from) {
        return Err("the time range ends before it begins".into());
    }
    Ok(if relative { When::Relative { from, to } } else { When::Absolute { from, to } })
}

/// Seconds with a decimal point. Three points are not part of a number.
fn seconds(cursor: &mut Cursor<'_>) -> Parsed<Duration> {
    let before = cursor.rest();
    let text: &str = match before.find("...") {
        Some(at) if before[..at].chars().all(|c| c.is_ascii_digit() || c == '.') && at > 0 => &before[..at],
        _ => &before[..before.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(before.len())],
    };
    cursor.eat(text);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole: u64 = if whole.is_empty() { Ok(0) } else { whole.parse() }.map_err(|_| no_time(before))?;
    let nanoseconds: u32 =
        format!("{fraction:0<9}").get(..9).unwrap_or("").parse().map_err(|_| no_time(before))?;
    if text.is_empty() {
        return Err(no_time(before));
    }
    Ok(Duration::new(whole, nanoseconds))
}

fn no_time(text: &str) -> String {
    format!("expected a time before `{text}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn when(text: &str) -> When {
        let mut cursor = Cursor::new(text);
        let when = time(&mut cursor).unwrap();
        assert_eq!(cursor.rest(), "x", "{text}");
        when
    }

    #[test]
    fn times_in_all_their_forms() {
        let ms = Duration::from_millis;
        assert_eq!(when("0 x"), When::Absolute { from: ms(0), to: None });
        assert_eq!(when("1.25 x"), When::Absolute { from: ms(1250), to: None });
        assert_eq!(when("+.1 x"), When::Relative { from: ms(100), to: None });
        assert_eq!(when("0.5...0.6 x"), When::Absolute { from: ms(500), to: Some(ms(600)) });
        assert_eq!(when("+0...0.2 x"), When::Relative { from: ms(0), to: Some(ms(200)) });
        assert_eq!(when("+0~+0.1 x"), When::Relative { from: ms(0), to: Some(ms(100)) });
        assert_eq!(when("* x"), When::Any);
        assert_eq!(when("x"), When::Relative { from: ms(0), to: None });
        assert!(time(&mut Cursor::new("+x")).is_err() && time(&mut Cursor::new("2...1 x")).is_err());
    }

    #[test]
    fn comments_vanish_and_lines_keep_their_numbers() {
        let text = "// one\n/* two\n three */ +0 a(\n 1) # no\n`x # y`\n";
        assert_eq!(statements(text).unwrap(), [(3, "+0 a(\n1)".into()), (5, "`x # y`".into())]);
        assert_eq!(statements("+0 a(").unwrap_err().line, 1);
    }
}
