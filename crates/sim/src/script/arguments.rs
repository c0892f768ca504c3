//! What calls take and give back.

use super::notation::Argument;

/// What a call returns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Returned {
    Value(i64),
    Error(&'static str),
    /// Nothing yet: it blocks.
    Blocks,
}

/// The argument at `place`, which is a number.
pub(crate) fn integer(arguments: &[Argument], place: usize) -> Result<i64, String> {
    match arguments.get(place) {
        Some(Argument::Number(number)) => Ok(*number),
        other => Err(format!("argument {} is no number: {other:?}", place + 1)),
    }
}

/// The names that an argument joins by `|`.
pub(crate) fn names(argument: Option<&Argument>) -> Vec<&str> {
    match argument {
        Some(Argument::Names(names)) => names.iter().map(String::as_str).collect(),
        _ => Vec::new(),
    }
}
