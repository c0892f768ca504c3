//! Figures as bars, readable on light and on dark ground. The scale is logarithmic: the cells differ by a factor of hundreds.

use super::matrix::{Cell, Pairing};
use super::report::{Figures, Report, figure};
use std::fmt::Write;

const COLUMNS: usize = 2;
const PANEL_WIDTH: usize = 470;
const MARGIN: usize = 16;
const TITLE: usize = 22;
const ROW: usize = 17;
/// Between the groups of a panel.
const GAP: usize = 10;
/// Where the bars of a panel begin, and the width of the longest.
const BARS: usize = 150;
const LONGEST: f64 = 230.0;
/// The least and the greatest figure that a bar tells apart, in Mbit/s.
const SCALE: (f64, f64) = (0.1, 100.0);

const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#222}.title{font-weight:600}.spread{stroke:#222;stroke-width:1.5}\
.ground{fill:#fff}.ours-to-ours{fill:#0b6bcb}.linux-to-linux{fill:#7a7f87}.ours-to-linux{fill:#7fb3e6}.linux-to-ours{fill:#c2c6cc}\
@media(prefers-color-scheme:dark){text{fill:#e8e8e8}.spread{stroke:#e8e8e8}.ground{fill:#15181c}.ours-to-ours{fill:#4da3ff}\
.linux-to-linux{fill:#8f969f}.ours-to-linux{fill:#2f6299}.linux-to-ours{fill:#5a6068}}";

/// One panel for each RTT with and without reordering, one group for each loss.
pub(crate) fn draw(report: &Report) -> String {
    let cells = report.cells();
    let mut columns: Vec<f64> = cells.iter().map(|cell| cell.reordering).collect();
    columns.dedup();
    let mut panels = String::new();
    let mut bottoms = [MARGIN; COLUMNS];
    for (number, reordering) in columns.iter().enumerate() {
        let column = number % COLUMNS;
        let of_column = |cell: &&Cell| cell.reordering == *reordering;
        let mut rtts: Vec<u32> = cells.iter().filter(of_column).map(|cell| cell.rtt).collect();
        rtts.dedup();
        for rtt in rtts {
            let panel: Vec<Cell> =
                cells.iter().filter(of_column).filter(|cell| cell.rtt == rtt).copied().collect();
            let (left, top) = (MARGIN + column * (PANEL_WIDTH + MARGIN), bottoms[column]);
            let (text, bottom) = draw_panel(report, &panel, left, top);
            panels += &text;
            bottoms[column] = bottom + MARGIN;
        }
    }
    let height = bottoms.into_iter().max().unwrap_or(MARGIN);
    let width = MARGIN + COLUMNS.min(columns.len().max(1)) * (PANEL_WIDTH + MARGIN);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\">\
         <title>Goodput over a poor path: Netstrata beside Linux</title><style>{STYLE}</style>\
         <rect class=\"ground\" width=\"{width}\" height=\"{height}\"/>\n{panels}</svg>\n"
    )
}

/// The panel, and where it ends.
fn draw_panel(report: &Report, cells: &[Cell], left: usize, top: usize) -> (String, usize) {
    let mut text = String::new();
    if let Some(first) = cells.first() {
        let _ = writeln!(
            text,
            "<text class=\"title\" x=\"{left}\" y=\"{}\">RTT {} ms, reordering {} % (Mbit/s, logarithmic)</text>",
            top + 14,
            first.rtt,
            first.reordering
        );
    }
    let mut y = top + TITLE;
    for cell in cells {
        let _ = writeln!(text, "<text x=\"{left}\" y=\"{}\">{} %</text>", y + 11, cell.loss);
        for pairing in Pairing::ALL {
            let Some(found) = report.find(*cell, pairing).and_then(Figures::statistics) else { continue };
            let start = (left + BARS) as f64;
            let name = pairing.name();
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "<text x=\"{}\" y=\"{baseline}\">{name}</text>\
                 <rect class=\"{name}\" x=\"{start}\" y=\"{y}\" width=\"{:.1}\" height=\"12\" rx=\"2\"/>\
                 <line class=\"spread\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{middle}\" y2=\"{middle}\"/>\
                 <text x=\"{:.1}\" y=\"{baseline}\">{}</text>",
                left + 45,
                scaled(found.median),
                start + scaled(found.least),
                start + scaled(found.most),
                start + scaled(found.most) + 6.0,
                figure(found.median),
                baseline = y + 10,
                middle = y + 6,
            );
            y += ROW;
        }
        y += GAP;
    }
    (text, y)
}

fn scaled(megabits: f64) -> f64 {
    let (least, most) = SCALE;
    let share = (megabits.clamp(least, most) / least).ln() / (most / least).ln();
    share * LONGEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_is_a_third_of_the_scale_shorter() {
        assert!((scaled(100.0) - LONGEST).abs() < 1e-9 && scaled(0.05).abs() < 1e-9);
        assert!((scaled(10.0) - LONGEST * 2.0 / 3.0).abs() < 1e-9);
    }
}
