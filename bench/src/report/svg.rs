//! Figures as bars, readable on light and on dark ground.

use super::Report;
use super::table::figure;
use crate::measure::Measured;
use crate::subject::Subject;
use std::fmt::Write;

const COLUMNS: usize = 2;
const PANEL_WIDTH: usize = 470;
const MARGIN: usize = 16;
const TITLE: usize = 22;
const ROW: usize = 20;
/// Where the bars of a panel begin, and the width of the longest.
const BARS: usize = 120;
const LONGEST: usize = 220;

const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#222}.title{font-weight:600}.spread{stroke:#222;stroke-width:1.5}\
.ground{fill:#fff}.ours{fill:#0b6bcb}.smoltcp{fill:#c9731a}.kernel-loopback{fill:#7a7f87}.kernel-veth{fill:#a9adb4}\
@media(prefers-color-scheme:dark){text{fill:#e8e8e8}.spread{stroke:#e8e8e8}.ground{fill:#15181c}.ours{fill:#4da3ff}\
.smoltcp{fill:#f0a35a}.kernel-loopback{fill:#8f969f}.kernel-veth{fill:#6b7179}}";

/// One panel of bars for each case.
pub(crate) fn draw(report: &Report) -> String {
    let mut panels = String::new();
    let mut bottoms = [MARGIN; COLUMNS];
    for (number, measured) in report.measured.iter().enumerate() {
        let column = number % COLUMNS;
        let left = MARGIN + column * (PANEL_WIDTH + MARGIN);
        // Panels of one row begin at the same height.
        if column == 0 {
            bottoms = [bottoms.into_iter().max().unwrap_or(MARGIN); COLUMNS];
        }
        panels += &panel(measured, left, bottoms[column]);
        bottoms[column] += TITLE + measured.outcomes.len() * ROW + MARGIN;
    }
    let height = bottoms.into_iter().max().unwrap_or(MARGIN) + MARGIN;
    let width = MARGIN + COLUMNS * (PANEL_WIDTH + MARGIN);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\">\
         <title>Netstrata beside its peers</title><style>{STYLE}</style>\
         <rect class=\"ground\" width=\"{width}\" height=\"{height}\"/>\n{panels}</svg>\n"
    )
}

fn panel(measured: &Measured, left: usize, top: usize) -> String {
    let work = measured.case.work;
    let better = if work.lower_is_better() { ", lower is better" } else { "" };
    let mut text = format!(
        "<text class=\"title\" x=\"{left}\" y=\"{}\">{} ({}{better})</text>\n",
        top + 14,
        measured.case,
        measured.unit
    );
    let most =
        measured.outcomes.iter().map(|outcome| outcome.statistics.most).fold(f64::MIN_POSITIVE, f64::max);
    let scaled = |value: f64| value / most * LONGEST as f64;
    for (row, outcome) in measured.outcomes.iter().enumerate() {
        let y = top + TITLE + row * ROW;
        let (name, statistics) = (outcome.subject.name(), outcome.statistics);
        let start = (left + BARS) as f64;
        let ratio = match (outcome.subject, measured.ratio(outcome.subject)) {
            (Subject::Ours, _) | (_, None) => String::new(),
            (_, Some(ratio)) => format!(" · ours {ratio:.2} ×"),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "<text x=\"{left}\" y=\"{baseline}\">{name}</text>\
             <rect class=\"{name}\" x=\"{start}\" y=\"{y}\" width=\"{:.1}\" height=\"14\" rx=\"2\"/>\
             <line class=\"spread\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{middle}\" y2=\"{middle}\"/>\
             <text x=\"{:.1}\" y=\"{baseline}\">{}{ratio}</text>",
            scaled(statistics.median),
            start + scaled(statistics.least),
            start + scaled(statistics.most),
            start + scaled(statistics.most) + 6.0,
            figure(work, statistics.median),
            baseline = y + 11,
            middle = y + 7,
        );
    }
    text
}
