//! Calls: `setsockopt(4, SOL_TCP, TCP_NODELAY, [1], 4) = 0`.

use super::cursor::{Cursor, Parsed};
use super::notation::{Argument, Call, Expected};

pub(crate) fn call(cursor: &mut Cursor<'_>) -> Parsed<Call> {
    let name = cursor.name()?.to_owned();
    cursor.expect("(")?;
    let arguments = arguments(cursor, ")")?;
    cursor.expect("=")?;
    let expected = expected(cursor)?;
    Ok(Call { name, arguments, expected })
}

fn expected(cursor: &mut Cursor<'_>) -> Parsed<Expected> {
    if cursor.eat("?") {
        return Ok(Expected::Any);
    }
    let value: i64 = cursor.number()?;
    if value != -1 || cursor.is_at_end() {
        return Ok(Expected::Value(value));
    }
    let error = cursor.name()?.to_owned();
    if cursor.eat("(") {
        cursor.take_until(")")?;
    }
    Ok(Expected::Error(error))
}

fn arguments(cursor: &mut Cursor<'_>, end: &str) -> Parsed<Vec<Argument>> {
    let mut arguments = Vec::new();
    while !cursor.eat(end) {
        arguments.push(argument(cursor)?);
        if !cursor.eat(",") {
            cursor.expect(end)?;
            break;
        }
    }
    Ok(arguments)
}

fn argument(cursor: &mut Cursor<'_>) -> Parsed<Argument> {
    if cursor.eat("...") {
        return Ok(Argument::Any);
    }
    if cursor.eat("[") {
        return arguments(cursor, "]").map(Argument::List);
    }
    if cursor.eat("{") {
        return fields(cursor);
    }
    if cursor.eat("\"") {
        return cursor.take_until("\"").map(|text| Argument::Text(text.to_owned()));
    }
    if cursor.is_at_number() {
        return cursor.number().map(Argument::Number);
    }
    let mut names = vec![cursor.name()?.to_owned()];
    while cursor.eat("|") {
        names.push(cursor.name()?.to_owned());
    }
    Ok(Argument::Names(names))
}

fn fields(cursor: &mut Cursor<'_>) -> Parsed<Argument> {
    let mut fields = Vec::new();
    while !cursor.eat("}") {
        let name = cursor.name()?.to_owned();
        cursor.expect("=")?;
        fields.push((name, argument(cursor)?));
        cursor.eat(",");
    }
    Ok(Argument::Fields(fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_of_every_kind() {
        let text = "poll([{fd=4, events=POLLIN|POLLOUT}], -1, ..., \"a, b\") = -1 EAGAIN (Try again)";
        let mut cursor = Cursor::new(text);
        let call = call(&mut cursor).unwrap();
        assert!(cursor.is_at_end());
        let names = Argument::Names(vec!["POLLIN".into(), "POLLOUT".into()]);
        let fields = Argument::Fields(vec![("fd".into(), Argument::Number(4)), ("events".into(), names)]);
        let text = Argument::Text("a, b".into());
        let expected = [Argument::List(vec![fields]), Argument::Number(-1), Argument::Any, text];
        assert_eq!(call.arguments, expected);
        assert_eq!(call.expected, Expected::Error("EAGAIN".into()));
        assert_eq!(super::call(&mut Cursor::new("f() = 0x2")).unwrap().expected, Expected::Value(2));
        assert_eq!(super::call(&mut Cursor::new("f() = ?")).unwrap().expected, Expected::Any);
    }
}
