//! Figures as lines, Markdown, JSON and a picture.

use crate::Arguments;
use crate::case::Case;
use crate::sample::Figures;
use crate::subjects::Subject;
use anyhow::Context;
use serde::Serialize;
use std::fmt::Write;

/// One subject in one case.
#[derive(Debug, Serialize)]
pub struct Row {
    case: Case,
    subject: Subject,
    unit: &'static str,
    median: f64,
    least: f64,
    most: f64,
    /// The median of the processor time of both ends.
    processor: f64,
    samples: Vec<f64>,
    faults: Vec<String>,
}

impl Row {
    pub fn new(case: Case, subject: Subject, samples: &[Figures], faults: Vec<String>) -> Row {
        let sorted = |pick: fn(&Figures) -> f64| {
            let mut figures: Vec<f64> = samples.iter().map(pick).collect();
            figures.sort_by(f64::total_cmp);
            figures
        };
        let (figures, processor) = (sorted(|sample| sample.figure), sorted(|sample| sample.processor));
        let middle = |figures: &[f64]| figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN);
        Row {
            case,
            subject,
            unit: case.unit(),
            median: middle(&figures),
            least: figures.first().copied().unwrap_or(f64::NAN),
            most: figures.last().copied().unwrap_or(f64::NAN),
            processor: middle(&processor),
            samples: samples.iter().map(|sample| sample.figure).collect(),
            faults,
        }
    }

    pub fn line(&self) -> String {
        let mut line = format!(
            "{:<26}{:<18}{:>8.2} {:<7}{:>8.2} .. {:<8.2}",
            self.case.to_string(),
            self.subject.to_string(),
            self.median,
            self.unit,
            self.least,
            self.most
        );
        if let Some(fault) = self.faults.first() {
            // Writing to a string cannot fail.
            let _ = write!(
                line,
                " {} of {} failed: {fault}",
                self.faults.len(),
                self.faults.len() + self.samples.len()
            );
        }
        line
    }
}

/// How many times as good ours is in the case of `row`.
fn ratio(rows: &[Row], row: &Row) -> Option<f64> {
    let ours = rows.iter().find(|other| other.case == row.case && other.subject == Subject::Ours)?;
    let ratio = if row.case.lower_is_better() { row.median / ours.median } else { ours.median / row.median };
    (row.subject != Subject::Ours && ratio.is_finite()).then_some(ratio)
}

/// Writes the files that were asked for.
pub fn write(rows: &[Row], arguments: &Arguments) -> anyhow::Result<()> {
    let put = |path: &Option<std::path::PathBuf>, text: &dyn Fn() -> anyhow::Result<String>| match path {
        Some(path) => {
            std::fs::write(path, text()?).with_context(|| format!("cannot write {}", path.display()))
        }
        None => Ok(()),
    };
    put(&arguments.json, &|| Ok(serde_json::to_string_pretty(rows)? + "\n"))?;
    put(&arguments.markdown, &|| Ok(markdown(rows, arguments)))?;
    put(&arguments.svg, &|| Ok(picture(rows)))
}

fn markdown(rows: &[Row], arguments: &Arguments) -> String {
    let (rounds, seconds) = (arguments.rounds, arguments.seconds);
    let mut text = format!("Medians (least .. most) of {rounds} rounds of {seconds} s.\n\n");
    text += "| Case | Subject | Figure | Ours is | Processor time | Failed |\n|---|---|---|---|---|---|\n";
    for row in rows {
        let ratio = ratio(rows, row).map_or(String::new(), |ratio| format!("{ratio:.2} x"));
        let failed =
            row.faults.first().map_or(String::new(), |fault| format!("{}: {fault}", row.faults.len()));
        let processor = if row.case.lower_is_better() { "us each" } else { "s/GiB" };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {} | {} | **{:.2}** {} ({:.2} .. {:.2}) | {ratio} | {:.2} {processor} | {failed} |",
            row.case, row.subject, row.median, row.unit, row.least, row.most, row.processor
        );
    }
    text
}

fn picture(rows: &[Row]) -> String {
    const LABEL: usize = 150;
    const LONGEST: usize = 360;
    const STEP: usize = 20;
    const MARGIN: usize = 16;
    let mut body = String::new();
    let mut y = MARGIN;
    let mut begin = 0;
    while begin < rows.len() {
        let case = rows[begin].case;
        let count = rows[begin..].iter().take_while(|row| row.case == case).count();
        let group = &rows[begin..begin + count];
        begin += count;
        let most = group
            .iter()
            .map(|row| row.most)
            .filter(|most| most.is_finite())
            .fold(f64::MIN_POSITIVE, f64::max);
        let better = if case.lower_is_better() { ", lower is better" } else { "" };
        let _ = writeln!(
            body,
            "<text class=\"title\" x=\"{MARGIN}\" y=\"{}\">{case} ({}{better})</text>",
            y + 14,
            case.unit()
        );
        y += STEP + 4;
        for row in group {
            let width = if row.median.is_finite() { row.median / most * LONGEST as f64 } else { 0.0 };
            let words =
                if row.median.is_finite() { format!("{:.1}", row.median) } else { "failed".to_owned() };
            let _ = writeln!(
                body,
                "<text x=\"{MARGIN}\" y=\"{0}\">{1}</text><rect class=\"{1}\" x=\"{LABEL}\" y=\"{y}\" width=\"{width:.1}\" height=\"14\" rx=\"2\"/><text x=\"{2:.1}\" y=\"{0}\">{words}</text>",
                y + 11,
                row.subject,
                LABEL as f64 + width + 6.0,
            );
            y += STEP;
        }
        y += MARGIN;
    }
    let width = LABEL + LONGEST + 80;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {y}\" role=\"img\"><title>Netstrata beside its peers on a TUN device</title>\
         <style>text{{font:12px sans-serif;fill:#222}}.title{{font-weight:bold}}rect{{fill:#9aa5b1}}rect.ours,rect.ours-two-shards{{fill:#0b7a75}}rect.raw{{fill:#d9c27e}}rect.ground{{fill:#fff}}</style>\
         <rect class=\"ground\" width=\"{width}\" height=\"{y}\"/>\n{body}</svg>\n"
    )
}
