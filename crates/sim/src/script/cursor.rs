//! A place in one event's text.

/// What is left to be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    rest: &'a str,
}

/// Reading stopped because of this.
pub(crate) type Parsed<T> = Result<T, String>;

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str) -> Cursor<'a> {
        Cursor { rest: text.trim() }
    }

    pub(crate) fn rest(&self) -> &'a str {
        self.rest
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or("").trim_start();
    }

    /// Takes `token` if it comes next.
    pub(crate) fn eat(&mut self, token: &str) -> bool {
        let found = self.rest.starts_with(token);
        if found {
            self.skip(token.len());
        }
        found
    }

    /// Takes `word` if it comes next and ends there.
    pub(crate) fn eat_word(&mut self, word: &str) -> bool {
        let ends = self.rest.strip_prefix(word).is_some_and(|after| !after.starts_with(is_name));
        ends && self.eat(word)
    }

    pub(crate) fn expect(&mut self, token: &str) -> Parsed<()> {
        if self.eat(token) { Ok(()) } else { Err(format!("expected `{token}` before `{}`", self.rest)) }
    }

    /// The longest run of characters that `wanted` takes.
    pub(crate) fn take(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        let taken = &self.rest[..end];
        self.skip(end);
        taken
    }

    /// Everything up to `end`, which is taken too.
    pub(crate) fn take_until(&mut self, end: &str) -> Parsed<&'a str> {
        let at = self.rest.find(end).ok_or_else(|| format!("`{end}` is missing"))?;
        let taken = &self.rest[..at];
        self.skip(at + end.len());
        Ok(taken)
    }

    pub(crate) fn name(&mut self) -> Parsed<&'a str> {
        match self.take(is_name) {
            "" => Err(format!("expected a name before `{}`", self.rest)),
            name => Ok(name),
        }
    }

    /// A number, decimal or hexadecimal.
    pub(crate) fn number<T: TryFrom<i64>>(&mut self) -> Parsed<T> {
        let negative = self.rest.starts_with('-');
        let before = self.rest;
        if negative {
            self.skip(1);
        }
        let value = match self.rest.strip_prefix("0x") {
            Some(_) => {
                self.skip(2);
                i64::from_str_radix(self.take(|c| c.is_ascii_hexdigit()), 16)
            }
            None => self.take(|c| c.is_ascii_digit()).parse(),
        };
        let value = value.map_err(|_| format!("expected a number before `{before}`"))?;
        T::try_from(if negative { -value } else { value }).map_err(|_| format!("{value} is out of range"))
    }

    /// `first:end(length)`: the first number and the length.
    pub(crate) fn range(&mut self) -> Parsed<(u32, u32)> {
        let first: u32 = self.number()?;
        self.expect(":")?;
        let end: u32 = self.number()?;
        self.expect("(")?;
        let length: u32 = self.number()?;
        self.expect(")")?;
        if end != first.wrapping_add(length) {
            return Err(format!("{first} and {length} bytes do not end at {end}"));
        }
        Ok((first, length))
    }

    /// Whether a number comes next.
    pub(crate) fn is_at_number(&self) -> bool {
        self.rest.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit())
    }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}
