//! The ladder, drawn in characters.

use ::lab::{Experiment, Mark, Row, Trace, ladder};

use super::Language;

/// Columns of the time.
const TIME: usize = 14;
/// Columns between two nodes.
const GAP: usize = 58;
/// The same with more than three nodes.
const NARROW: usize = 26;
/// Rows drawn; the rest is counted.
const MOST_ROWS: usize = 300;

const RESET: &str = "\x1b[0m";
const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";
const BLUE: &str = "\x1b[36m";
const GREY: &str = "\x1b[90m";
const BOLD: &str = "\x1b[1m";

/// The whole picture of a run.
pub(super) fn draw(experiment: &Experiment, trace: &Trace, language: Language, colours: bool) -> String {
    let paint = |colour: &str, text: &str| match colours {
        true => format!("{colour}{text}{RESET}"),
        false => text.to_owned(),
    };
    let gap = if trace.nodes.len() > 3 { NARROW } else { GAP };
    let mut out = format!("{}\n", paint(BOLD, language.fixed(&experiment.title)));
    out += &format!("{}\n\n", language.fixed(&experiment.precise));
    let mut names = " ".repeat(TIME);
    for node in &trace.nodes {
        names += &format!("{:<width$}", node.name, width = gap);
    }
    out += &format!("{}\n", paint(BOLD, names.trim_end()));
    let rows = ladder(trace);
    for row in rows.iter().take(MOST_ROWS) {
        let (colour, text) = line(trace, row, gap, language);
        let time = paint(GREY, &format!("{:>11.6}   ", row.at as f64 / 1e9));
        out += &format!("{time}{}\n", paint(colour, text.trim_end()));
    }
    if rows.len() > MOST_ROWS {
        out += &format!(
            "{}\n",
            paint(GREY, &format!("… {} more rows: see --json, --svg or --pcapng", rows.len() - MOST_ROWS))
        );
    }
    out.push('\n');
    for check in &trace.checks {
        let (colour, mark) = match check.verdict {
            "held" => (GREEN, "✓"),
            "failed" => (RED, "✗"),
            _ => (GREY, "-"),
        };
        let text = format!("{mark} {}: {}", language.words(&check.claim), language.words(&check.seen));
        out += &format!("{}\n", paint(colour, &text));
    }
    out
}

/// One row without its time, and its colour.
fn line(trace: &Trace, row: &Row, gap: usize, language: Language) -> (&'static str, String) {
    let at = |text: &str| format!("{}{text}", " ".repeat(row.node * gap));
    match &row.mark {
        Mark::Frame { frame, label } => match trace.frames.get(*frame) {
            Some(sent) => {
                let lost = sent.fate != "delivered";
                let remark = match sent.fate {
                    "delivered" if sent.retransmission => " (again)",
                    "delivered" if sent.arrivals.len() > 1 => " (twice)",
                    "delivered" => "",
                    "ruled" => " (dropped by a rule)",
                    "queue-full" => " (queue full)",
                    "cut" => " (cable cut)",
                    _ => " (lost)",
                };
                let colour = if lost {
                    RED
                } else if sent.retransmission {
                    YELLOW
                } else {
                    BLUE
                };
                let ends = trace.links.get(sent.link).map(|link| link.ends.as_slice()).unwrap_or_default();
                let to = ends.iter().copied().find(|end| *end != row.node).unwrap_or(row.node);
                (colour, arrow(row.node, to, gap, &format!("{label}{remark}"), lost))
            }
            None => (BLUE, at(label)),
        },
        Mark::Call(call) => ("", at(&format!("▸ {call}"))),
        Mark::State(state) => (GREEN, at(&format!("● {state}"))),
        Mark::Note(words) | Mark::Link(words) => (GREY, at(&format!("  {}", language.words(words)))),
    }
}

/// An arrow from one node's column to another's, with its label on it.
fn arrow(from: usize, to: usize, gap: usize, label: &str, lost: bool) -> String {
    let (left, right) = (from.min(to), from.max(to));
    let width = ((right - left) * gap).saturating_sub(4);
    let label = format!(" {label} ");
    let length = label.chars().count();
    let room = width.saturating_sub(length);
    let (before, after) = (room / 2, room - room / 2);
    let head = if lost {
        "✗"
    } else if to > from {
        "▶"
    } else {
        "◀"
    };
    let shaft = match to >= from {
        true => format!("{}{label}{}{head}", "─".repeat(before), "─".repeat(after)),
        false => format!("{head}{}{label}{}", "─".repeat(before), "─".repeat(after)),
    };
    format!("{}│{shaft}│", " ".repeat(left * gap))
}
