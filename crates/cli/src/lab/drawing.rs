//! The ladder, drawn in characters.

use std::collections::BTreeSet;

use ::lab::{Experiment, Mark, Row, Trace, ladder, remark};

use super::Language;
use super::canvas::{Canvas, Colour};

/// Rows drawn; the rest is counted.
const MOST_ROWS: usize = 300;

/// The whole picture of a run.
pub(super) fn draw(experiment: &Experiment, trace: &Trace, language: Language, canvas: &Canvas) -> String {
    let mut out = format!("{}\n", canvas.paint(Colour::Bold, language.fixed(&experiment.title)));
    out += &format!("{}\n\n", language.fixed(&experiment.precise));
    let columns = columns(trace);
    let mut names = vec![""; trace.nodes.len()];
    for (node, column) in columns.iter().enumerate() {
        names[*column] = &trace.nodes[node].name;
    }
    out += &canvas.heads(&names);
    let rows = ladder(trace);
    for row in rows.iter().take(MOST_ROWS) {
        let (colour, text) = line(trace, row, &columns, language, canvas);
        out += &canvas.row(row.at, colour, &text);
    }
    if rows.len() > MOST_ROWS {
        let more = rows.len() - MOST_ROWS;
        let more = match language.is_chinese() {
            true => format!("… 还有 {more} 行：见 --json、--svg 或 --pcapng"),
            false => format!("… {more} more rows: see --json, --svg or --pcapng"),
        };
        out += &format!("{}\n", canvas.paint(Colour::Grey, &more));
    }
    out.push('\n');
    for check in &trace.checks {
        let (colour, mark) = match check.verdict {
            "held" => (Colour::Green, "✓"),
            "failed" => (Colour::Red, "✗"),
            _ => (Colour::Grey, "-"),
        };
        let colon = if language.is_chinese() { "：" } else { ": " };
        let text = format!("{mark} {}{colon}{}", language.words(&check.claim), language.words(&check.seen));
        out += &format!("{}\n", canvas.paint(colour, &text));
    }
    out
}

/// The column of each node: along the cables from the first host, so that neighbours stand beside each other.
fn columns(trace: &Trace) -> Vec<usize> {
    let host = trace.nodes.iter().position(|node| node.kind == "host").unwrap_or(0);
    let mut seen = BTreeSet::new();
    let mut order = Vec::new();
    for start in std::iter::once(host).chain(0..trace.nodes.len()) {
        let mut line = vec![start];
        while let Some(node) = line.pop().filter(|node| *node < trace.nodes.len()) {
            if seen.insert(node) {
                order.push(node);
                let ends = trace.links.iter().rev().filter(|link| link.ends.contains(&node));
                line.extend(
                    ends.flat_map(|link| link.ends.iter().copied()).filter(|end| !seen.contains(end)),
                );
            }
        }
    }
    let mut columns = vec![0; trace.nodes.len()];
    for (column, node) in order.into_iter().enumerate() {
        columns[node] = column;
    }
    columns
}

/// One row without its time, and its colour.
fn line(
    trace: &Trace,
    row: &Row,
    columns: &[usize],
    language: Language,
    canvas: &Canvas,
) -> (Colour, String) {
    let column = columns.get(row.node).copied().unwrap_or(0);
    let at = |text: &str| canvas.at(column, text);
    match &row.mark {
        Mark::Frame { frame, label } => match trace.frames.get(*frame) {
            Some(sent) => {
                let lost = sent.fate != "delivered";
                let colour = if lost {
                    Colour::Red
                } else if sent.retransmission {
                    Colour::Yellow
                } else {
                    Colour::Blue
                };
                let label = match remark(sent) {
                    Some(remark) => format!("{label} ({})", language.fixed(&remark)),
                    None => label.clone(),
                };
                let ends = trace.links.get(sent.link).map(|link| link.ends.as_slice()).unwrap_or_default();
                let to = ends.iter().copied().find(|end| *end != row.node).unwrap_or(row.node);
                (colour, canvas.arrow(column, columns.get(to).copied().unwrap_or(column), &label, lost))
            }
            None => (Colour::Blue, at(label)),
        },
        Mark::Call(call) => (Colour::Plain, at(&format!("▸ {call}"))),
        Mark::State(state) => (Colour::Green, at(&format!("● {state}"))),
        Mark::Note(words) | Mark::Link(words) => (Colour::Grey, at(&format!("  {}", language.words(words)))),
    }
}
