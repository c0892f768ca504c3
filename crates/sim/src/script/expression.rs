//! The assertions of `%{ ... }%`: comparisons of whole numbers, a small part of what packetdrill lets Python do.

use super::cursor::{Cursor, Parsed};

/// `assert a == b and c < 3, message`
#[derive(Clone, Debug)]
pub(crate) struct Assertion {
    pub(crate) text: String,
    condition: Expression,
}

#[derive(Clone, Debug)]
enum Expression {
    Number(i64),
    Name(String),
    Not(Box<Expression>),
    Two(Box<Expression>, Operator, Box<Expression>),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    AtMost,
    AtLeast,
    Less,
    Greater,
    Plus,
    Minus,
    Times,
    Divided,
}

/// Operators by how loosely they bind; where one begins another, the longer stands first.
const LEVELS: [&[(&str, Operator)]; 5] = [
    &[("or ", Operator::Or)],
    &[("and ", Operator::And)],
    &[
        ("==", Operator::Equal),
        ("!=", Operator::NotEqual),
        ("<=", Operator::AtMost),
        (">=", Operator::AtLeast),
        ("<", Operator::Less),
        (">", Operator::Greater),
    ],
    &[("+", Operator::Plus), ("-", Operator::Minus)],
    &[("*", Operator::Times), ("/", Operator::Divided)],
];

impl Assertion {
    /// All assertions of a block, one a line or divided by semicolons.
    pub(crate) fn parse_all(block: &str) -> Parsed<Vec<Assertion>> {
        let lines = block.split(['\n', ';']).map(str::trim).filter(|line| !line.is_empty());
        lines.map(Assertion::parse).collect()
    }

    fn parse(text: &str) -> Parsed<Assertion> {
        let mut cursor = Cursor::new(text);
        if !cursor.eat_word("assert") {
            return Err(format!("only `assert` is understood, not `{text}`"));
        }
        let condition = level(&mut cursor, 0)?;
        if !cursor.is_at_end() && !cursor.eat(",") {
            return Err(format!("not understood: `{}`", cursor.rest()));
        }
        Ok(Assertion { text: text.to_owned(), condition })
    }

    /// Whether it holds; `lookup` gives the values of names. Else, what the sides were.
    pub(crate) fn check(&self, lookup: &dyn Fn(&str) -> Parsed<i64>) -> Parsed<()> {
        if self.condition.value(lookup)? != 0 {
            return Ok(());
        }
        let mut names = Vec::new();
        self.condition.names(&mut names);
        let values: Vec<String> = names
            .into_iter()
            .map(|name| Ok(format!("{name} is {}", lookup(name)?)))
            .collect::<Parsed<_>>()?;
        Err(format!("`{}` failed: {}", self.text, values.join(", ")))
    }
}

impl Expression {
    fn value(&self, lookup: &dyn Fn(&str) -> Parsed<i64>) -> Parsed<i64> {
        let (left, operator, right) = match self {
            Expression::Number(number) => return Ok(*number),
            Expression::Name(name) => return lookup(name),
            Expression::Not(inner) => return Ok((inner.value(lookup)? == 0) as i64),
            Expression::Two(left, operator, right) => (left.value(lookup)?, operator, right.value(lookup)?),
        };
        Ok(match operator {
            Operator::Or => (left != 0 || right != 0) as i64,
            Operator::And => (left != 0 && right != 0) as i64,
            Operator::Equal => (left == right) as i64,
            Operator::NotEqual => (left != right) as i64,
            Operator::AtMost => (left <= right) as i64,
            Operator::AtLeast => (left >= right) as i64,
            Operator::Less => (left < right) as i64,
            Operator::Greater => (left > right) as i64,
            Operator::Plus => left.saturating_add(right),
            Operator::Minus => left.saturating_sub(right),
            Operator::Times => left.saturating_mul(right),
            Operator::Divided => left.checked_div(right).ok_or("division by zero")?,
        })
    }

    fn names<'a>(&'a self, names: &mut Vec<&'a str>) {
        match self {
            Expression::Number(_) => {}
            Expression::Name(name) => names.push(name),
            Expression::Not(inner) => inner.names(names),
            Expression::Two(left, _, right) => {
                left.names(names);
                right.names(names);
            }
        }
    }
}

fn level(cursor: &mut Cursor<'_>, depth: usize) -> Parsed<Expression> {
    let Some(operators) = LEVELS.get(depth) else { return operand(cursor) };
    let mut left = level(cursor, depth + 1)?;
    while let Some((_, operator)) = operators.iter().find(|(sign, _)| cursor.eat(sign)) {
        left = Expression::Two(Box::new(left), *operator, Box::new(level(cursor, depth + 1)?));
    }
    Ok(left)
}

fn operand(cursor: &mut Cursor<'_>) -> Parsed<Expression> {
    if cursor.eat("(") {
        let inner = level(cursor, 0)?;
        cursor.expect(")")?;
        return Ok(inner);
    }
    if cursor.eat_word("not") {
        return Ok(Expression::Not(Box::new(operand(cursor)?)));
    }
    if cursor.is_at_number() {
        return cursor.number().map(Expression::Number);
    }
    cursor.name().map(|name| Expression::Name(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Parsed<()> {
        let lookup = |name: &str| if name == "a" { Ok(7) } else { Err(format!("unknown `{name}`")) };
        Assertion::parse_all(text)?.iter().try_for_each(|assertion| assertion.check(&lookup))
    }

    #[test]
    fn operators_bind_as_in_python() {
        check("assert a == 7; assert 1 + 2 * 3 == a and not a < 7, a\nassert (1 + 2) * 3 != a or a == 0")
            .unwrap();
        check("assert a / 2 - 1 >= 2 and -1 < a").unwrap();
    }

    #[test]
    fn a_false_one_tells_its_values() {
        assert_eq!(check("assert a == 8").unwrap_err(), "`assert a == 8` failed: a is 7");
        assert!(check("assert b").is_err() && check("print(a)").is_err() && check("assert a a").is_err());
    }
}
