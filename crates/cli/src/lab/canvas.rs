//! Where things stand in a ladder of characters, and in which colours.

use std::io::{self, IsTerminal};

/// Columns of the time.
const TIME: usize = 14;
/// Columns between two nodes where nothing limits the width.
const GAP: usize = 58;
/// The same with more than three nodes.
const NARROW: usize = 26;
/// The least that shows an arrow.
const LEAST: usize = 8;
/// What is kept free behind the last node, for its states.
const BEHIND: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Colour {
    Plain,
    Red,
    Green,
    Yellow,
    Blue,
    Grey,
    Bold,
}

impl Colour {
    fn code(self) -> &'static str {
        match self {
            Colour::Plain => "",
            Colour::Red => "\x1b[31m",
            Colour::Green => "\x1b[32m",
            Colour::Yellow => "\x1b[33m",
            Colour::Blue => "\x1b[36m",
            Colour::Grey => "\x1b[90m",
            Colour::Bold => "\x1b[1m",
        }
    }
}

/// A surface of a width.
#[derive(Clone, Copy, Debug)]
pub(super) struct Canvas {
    colours: bool,
    gap: usize,
    /// Columns altogether, of a terminal.
    width: Option<usize>,
}

impl Canvas {
    /// For standard output: a terminal has a width, and colours unless `NO_COLOR` is set.
    pub(super) fn of_stdout(nodes: usize) -> Canvas {
        let terminal = io::stdout().is_terminal();
        let width = rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| usize::from(size.ws_col));
        let colours = terminal && std::env::var_os("NO_COLOR").is_none();
        Canvas::new(nodes, width.filter(|width| terminal && *width > 0), colours)
    }

    fn new(nodes: usize, width: Option<usize>, colours: bool) -> Canvas {
        let widest = if nodes > 3 { NARROW } else { GAP };
        let gaps = nodes.saturating_sub(1).max(1);
        let gap = match width {
            Some(width) => (width.saturating_sub(TIME + BEHIND) / gaps).clamp(LEAST, GAP),
            None => widest,
        };
        Canvas { colours, gap, width }
    }

    pub(super) fn paint(&self, colour: Colour, text: &str) -> String {
        match self.colours && colour != Colour::Plain {
            true => format!("{}{text}\x1b[0m", colour.code()),
            false => text.to_owned(),
        }
    }

    /// The line of the nodes' names.
    pub(super) fn heads(&self, names: &[&str]) -> String {
        if names.is_empty() {
            return String::new();
        }
        let mut line = " ".repeat(TIME);
        for name in names {
            line += &format!("{:<gap$}", shortened(name, self.gap - 1), gap = self.gap);
        }
        format!("{}\n", self.paint(Colour::Bold, line.trim_end()))
    }

    /// One line, with its time in nanoseconds.
    pub(super) fn row(&self, at: u64, colour: Colour, text: &str) -> String {
        let time = self.paint(Colour::Grey, &format!("{:>11.6}   ", at as f64 / 1e9));
        format!("{time}{}\n", self.paint(colour, text.trim_end()))
    }

    /// A text at a node's column, or as far to the left of it as it needs to stay on the screen.
    pub(super) fn at(&self, column: usize, text: &str) -> String {
        let mut left = column * self.gap;
        if let Some(width) = self.width {
            left = left.min(width.saturating_sub(TIME + cells(text)));
        }
        format!("{}{text}", " ".repeat(left))
    }

    /// An arrow from one node's column to another's, with its label on it.
    pub(super) fn arrow(&self, from: usize, to: usize, label: &str, lost: bool) -> String {
        let (left, right) = (from.min(to), from.max(to));
        if left == right {
            // To itself.
            return self.at(left, &format!("↺ {label}"));
        }
        let width = ((right - left) * self.gap).saturating_sub(4);
        let label = format!(" {} ", shortened(label, width.saturating_sub(3)));
        let room = width.saturating_sub(cells(&label));
        let (before, after) = (room / 2, room - room / 2);
        let head = match (lost, to > from) {
            (true, _) => "✗",
            (false, true) => "▶",
            (false, false) => "◀",
        };
        let shaft = match to > from {
            true => format!("{}{label}{}{head}", "─".repeat(before), "─".repeat(after)),
            false => format!("{head}{}{label}{}", "─".repeat(before), "─".repeat(after)),
        };
        format!("{}│{shaft}│", " ".repeat(left * self.gap))
    }
}

/// How many columns of a terminal a text takes: signs of East Asia take two.
fn cells(text: &str) -> usize {
    text.chars().map(wide).sum()
}

fn wide(sign: char) -> usize {
    1 + usize::from(
        matches!(sign, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}'),
    )
}

/// A text of at most so many columns.
fn shortened(text: &str, most: usize) -> String {
    if cells(text) <= most {
        return text.to_owned();
    }
    let mut used = 0;
    let kept = text.chars().take_while(|sign| {
        used += wide(*sign);
        used < most
    });
    format!("{}…", kept.collect::<String>().trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_terminal_nothing_is_wider() {
        for width in [60, 80, 132] {
            for nodes in 2..=5 {
                let canvas = Canvas::new(nodes, Some(width), false);
                let label = "SYN,ACK seq 0 ack 1 win 65535 (被规则丢弃)";
                for to in 1..nodes {
                    for (from, to) in [(0, to), (to, 0)] {
                        let arrow = canvas.arrow(from, to, label, false);
                        assert!(TIME + cells(&arrow) <= width, "{width} {nodes}: {arrow}");
                        assert!(arrow.ends_with('│') && arrow.contains(['▶', '◀']), "{arrow}");
                    }
                    let state = canvas.at(to, "● SYN-RECEIVED");
                    assert!(TIME + cells(&state) <= width, "{width} {nodes}: {state}");
                }
            }
        }
    }

    #[test]
    fn signs_of_two_columns_are_counted_as_two() {
        assert_eq!((cells("abc"), cells("三次"), cells("：")), (3, 4, 2));
        assert_eq!(
            (shortened("abcdef", 4), shortened("三次握手", 5)),
            ("abc…".to_owned(), "三次…".to_owned())
        );
        assert_eq!(shortened("abcd", 4), "abcd");
    }
}
