//! TCP options as the wire has them: in order, with their padding. Written apart from `wire`, so that each checks the other.

use super::cursor::{Cursor, Parsed};
use std::fmt;

/// One option.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum TcpOption {
    End,
    Nop,
    MaximumSegmentSize(u16),
    WindowScale(u8),
    SackPermitted,
    Sack(Vec<(u32, u32)>),
    Timestamps {
        value: u32,
        echo: u32,
    },
    /// `kind 253 0a0b`: any kind with its bytes.
    Other(u8, Vec<u8>),
}

impl TcpOption {
    /// One option as a script writes it.
    pub(crate) fn parse(cursor: &mut Cursor<'_>) -> Parsed<TcpOption> {
        Ok(match cursor.name()? {
            "eol" => TcpOption::End,
            "nop" => TcpOption::Nop,
            "mss" => TcpOption::MaximumSegmentSize(cursor.number()?),
            "wscale" => TcpOption::WindowScale(cursor.number()?),
            "sackOK" => TcpOption::SackPermitted,
            "sack" => {
                let mut blocks = Vec::new();
                while cursor.is_at_number() {
                    let left = cursor.number()?;
                    cursor.expect(":")?;
                    blocks.push((left, cursor.number()?));
                }
                TcpOption::Sack(blocks)
            }
            "TS" => {
                cursor.expect("val")?;
                let value = cursor.number()?;
                cursor.expect("ecr")?;
                TcpOption::Timestamps { value, echo: cursor.number()? }
            }
            "kind" => {
                let kind = cursor.number()?;
                let digits = cursor.take(|c| c.is_ascii_hexdigit()).as_bytes();
                let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap_or(""), 16);
                let bytes: Result<Vec<u8>, _> = digits.chunks(2).map(byte).collect();
                TcpOption::Other(kind, bytes.map_err(|error| error.to_string())?)
            }
            name => return Err(format!("unknown option `{name}`")),
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            TcpOption::End => out.push(0),
            TcpOption::Nop => out.push(1),
            TcpOption::MaximumSegmentSize(size) => {
                out.extend([2, 4]);
                out.extend(size.to_be_bytes());
            }
            TcpOption::WindowScale(shift) => out.extend([3, 3, *shift]),
            TcpOption::SackPermitted => out.extend([4, 2]),
            TcpOption::Sack(blocks) => {
                out.extend([5, 2 + 8 * blocks.len() as u8]);
                for (left, right) in blocks {
                    out.extend(left.to_be_bytes());
                    out.extend(right.to_be_bytes());
                }
            }
            TcpOption::Timestamps { value, echo } => {
                out.extend([8, 10]);
                out.extend(value.to_be_bytes());
                out.extend(echo.to_be_bytes());
            }
            TcpOption::Other(kind, bytes) => {
                out.extend([*kind, 2 + bytes.len() as u8]);
                out.extend(bytes);
            }
        }
    }
}

/// The options' bytes, padded with zeros to whole words.
pub(crate) fn encode(options: &[TcpOption]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for option in options {
        option.write(&mut bytes);
    }
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// The options in `bytes`. What cannot be read ends them.
pub(crate) fn decode(mut bytes: &[u8]) -> Vec<TcpOption> {
    let mut options = Vec::new();
    while let [kind, rest @ ..] = bytes {
        if *kind < 2 {
            options.push(if *kind == 0 { TcpOption::End } else { TcpOption::Nop });
            bytes = rest;
            continue;
        }
        let Some(value) = rest.first().and_then(|length| bytes.get(2..*length as usize)) else { break };
        bytes = &bytes[2 + value.len()..];
        options.push(option(*kind, value));
    }
    options
}

fn option(kind: u8, value: &[u8]) -> TcpOption {
    let word = |at: usize| u32::from_be_bytes([value[at], value[at + 1], value[at + 2], value[at + 3]]);
    match (kind, value.len()) {
        (2, 2) => TcpOption::MaximumSegmentSize(u16::from_be_bytes([value[0], value[1]])),
        (3, 1) => TcpOption::WindowScale(value[0]),
        (4, 0) => TcpOption::SackPermitted,
        (5, length) if length.is_multiple_of(8) => {
            TcpOption::Sack((0..length / 8).map(|n| (word(8 * n), word(8 * n + 4))).collect())
        }
        (8, 8) => TcpOption::Timestamps { value: word(0), echo: word(4) },
        _ => TcpOption::Other(kind, value.to_vec()),
    }
}

impl fmt::Display for TcpOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TcpOption::End => f.write_str("eol"),
            TcpOption::Nop => f.write_str("nop"),
            TcpOption::MaximumSegmentSize(size) => write!(f, "mss {size}"),
            TcpOption::WindowScale(shift) => write!(f, "wscale {shift}"),
            TcpOption::SackPermitted => f.write_str("sackOK"),
            TcpOption::Sack(blocks) => {
                f.write_str("sack")?;
                blocks.iter().try_for_each(|(left, right)| write!(f, " {left}:{right}"))
            }
            TcpOption::Timestamps { value, echo } => write!(f, "TS val {value} ecr {echo}"),
            TcpOption::Other(kind, bytes) => {
                write!(f, "kind {kind} ")?;
                bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
    }
}

/// Options as a script writes them.
pub(crate) struct List<'a>(pub(crate) &'a [TcpOption]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self.0.iter().map(TcpOption::to_string).collect();
        write!(f, "<{}>", words.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_printed_as_it_was() {
        let text = "mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7,kind 253 0a0b";
        let mut cursor = Cursor::new(text);
        let mut options = vec![TcpOption::parse(&mut cursor).unwrap()];
        while cursor.eat(",") {
            options.push(TcpOption::parse(&mut cursor).unwrap());
        }
        assert_eq!(List(&options).to_string(), format!("<{text}>"));
        assert_eq!(decode(&encode(&options)), options);
        let blocks = vec![TcpOption::Nop, TcpOption::Nop, TcpOption::Sack(vec![(1, 2), (u32::MAX, 4)])];
        assert_eq!(decode(&encode(&blocks)), blocks);
    }

    #[test]
    fn cut_bytes_end_the_list_without_harm() {
        assert_eq!(decode(&[2, 4, 5]), []);
        assert_eq!(decode(&[1, 8]), [TcpOption::Nop]);
        assert_eq!(decode(&[9, 0, 1]), []);
    }
}
