//! A trace as a drawing: the ladder, with what each end knew and why.

use super::ladder::{Mark, Row, ladder, remark};
use crate::text::{Words, words};
use crate::trace::model::Trace;
use std::fmt::Write as _;

/// Rows drawn; a drawing of more would help nobody.
const MOST_ROWS: usize = 400;
const ROW: usize = 22;
const MARGIN: usize = 150;
const GAP: usize = 360;
const TOP: usize = 70;

/// The drawing, in Chinese or else in English.
pub fn svg(trace: &Trace, chinese: bool) -> String {
    let pick = |words: &Words| if chinese { words.zh.clone() } else { words.en.clone() };
    let mut rows = ladder(trace);
    let more = rows.len().saturating_sub(MOST_ROWS);
    rows.truncate(MOST_ROWS);
    let height = TOP + (rows.len() + trace.checks.len() + 3) * ROW;
    let width = 2 * MARGIN + GAP * trace.nodes.len().saturating_sub(1) + 320;
    let mut out = String::new();
    let _ = write!(
        out,
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/><defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0 0L10 5L0 10z"/></marker></defs>"##
    );
    line(&mut out, 20, 24, "#000", 16, trace.experiment);
    for (number, node) in trace.nodes.iter().enumerate() {
        let x = column(number);
        line(&mut out, x - 20, TOP - 22, "#000", 13, &node.name);
        let bottom = TOP + rows.len() * ROW;
        let _ = write!(out, r##"<line x1="{x}" y1="{}" x2="{x}" y2="{bottom}" stroke="#999"/>"##, TOP - 14);
    }
    for (number, row) in rows.iter().enumerate() {
        draw(&mut out, trace, row, TOP + number * ROW, &pick);
    }
    let mut y = TOP + (rows.len() + 1) * ROW;
    if more > 0 {
        line(&mut out, 20, y, "#666", 12, &format!("… {more}"));
    }
    for check in &trace.checks {
        y += ROW;
        let colour = if check.verdict == "failed" { "#b00" } else { "#070" };
        let verdict = match check.verdict {
            "held" => words("holds", "成立"),
            "failed" => words("does not hold", "不成立"),
            _ => words("not judged", "未判定"),
        };
        let text = format!("{}: {}: {}", pick(&verdict), pick(&check.claim), pick(&check.seen));
        line(&mut out, 20, y, colour, 12, &text);
    }
    out.push_str("</svg>\n");
    out
}

fn column(node: usize) -> usize {
    MARGIN + GAP * node
}

fn draw(out: &mut String, trace: &Trace, row: &Row, y: usize, pick: &dyn Fn(&Words) -> String) {
    line(out, 10, y + 4, "#666", 11, &format!("{:.6} s", row.at as f64 / 1e9));
    let x = column(row.node);
    match &row.mark {
        Mark::Frame { frame, label } => {
            let Some(sent) = trace.frames.get(*frame) else { return };
            let lost = sent.fate != "delivered";
            let colour = if lost {
                "#b00"
            } else if sent.retransmission {
                "#a60"
            } else {
                "#036"
            };
            let others = trace.links.get(sent.link).map(|link| link.ends.as_slice()).unwrap_or_default();
            for to in others.iter().filter(|to| **to != row.node) {
                let end = column(*to);
                let end = if lost { (x + end) / 2 } else { end };
                let dash = if lost { r#" stroke-dasharray="5 3""# } else { "" };
                let _ = write!(
                    out,
                    r#"<line x1="{x}" y1="{y}" x2="{end}" y2="{y}" stroke="{colour}"{dash} marker-end="url(#head)"/>"#
                );
                let left = x.min(column(*to)) + 12;
                let text = match remark(sent) {
                    Some(remark) => format!("{label} [{}]", pick(&remark.into())),
                    None => label.clone(),
                };
                line(out, left, y - 4, colour, 11, &text);
            }
        }
        Mark::Call(call) => line(out, x + 8, y + 4, "#444", 11, call),
        Mark::State(state) => line(out, x + 8, y + 4, "#070", 12, state),
        Mark::Note(words) | Mark::Link(words) => line(out, x + 8, y + 4, "#707", 11, &pick(words)),
    }
}

/// A line of text; nothing of it is taken for markup.
fn line(out: &mut String, x: usize, y: usize, colour: &str, size: usize, text: &str) {
    let _ = write!(out, r#"<text x="{x}" y="{y}" fill="{colour}" font-size="{size}">"#);
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out.push_str("</text>");
}
