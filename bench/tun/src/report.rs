//! Figures as Markdown and a picture.

use crate::Arguments;
use crate::case::{Case, Device, Work};
use crate::rows::{self, Row};
use crate::subjects::Subject;
use anyhow::Context;
use std::fmt::Write;

/// How many times as good ours is in the case of `row`.
fn ratio(rows: &[Row], row: &Row) -> Option<f64> {
    let ours = rows.iter().find(|other| other.case == row.case && other.subject == Subject::Ours)?;
    let ratio = if row.case.lower_is_better() { row.median / ours.median } else { ours.median / row.median };
    (row.subject != Subject::Ours && ratio.is_finite()).then_some(ratio)
}

/// Writes the files that were asked for.
pub fn write(rows: &[Row], arguments: &Arguments) -> anyhow::Result<()> {
    let put = |path: &Option<std::path::PathBuf>, text: fn(&[Row]) -> String| match path {
        Some(path) => {
            std::fs::write(path, text(rows)).with_context(|| format!("cannot write {}", path.display()))
        }
        None => Ok(()),
    };
    if let Some(file) = &arguments.json {
        rows::write(rows, file)?;
    }
    put(&arguments.markdown, markdown)?;
    put(&arguments.svg, picture)
}

/// What is aimed at in a case: how many times as good as the best peer, and as what bounds it.
fn goals(case: Case) -> (f64, Option<f64>) {
    match (case.work, case.device) {
        (Work::RoundTrip, _) => (1.0, Some(1.0 / 1.1)),
        (_, Device::Plain) => (1.2, Some(0.8)),
        (_, Device::Offload) => (2.0, Some(0.5)),
        // Nothing is promised there; no peer should be faster.
        (_, Device::Large) => (1.0, None),
    }
}

/// The row of `case` that is best among those of which `which` is true.
fn best(rows: &[Row], case: Case, which: impl Fn(Subject) -> bool) -> Option<&Row> {
    let rows = rows.iter().filter(|row| row.case == case && which(row.subject) && row.median.is_finite());
    let order = |a: &&Row, b: &&Row| a.median.total_cmp(&b.median);
    if case.lower_is_better() { rows.min_by(order) } else { rows.max_by(order) }
}

/// What was aimed at beside what was reached.
fn aims(rows: &[Row]) -> String {
    let mut text = String::from(
        "| Case | Ours | Spread | Processor time | Of the best peer | Aim | Of the bound | Aim | |\n|---|---|---|---|---|---|---|---|---|\n",
    );
    let ours = |subject| matches!(subject, Subject::Ours | Subject::OursTwoShards);
    for case in Case::all() {
        let Some(own) = best(rows, case, ours) else { continue };
        let times = |other: &Row| {
            if case.lower_is_better() { other.median / own.median } else { own.median / other.median }
        };
        let (peer_goal, bound_goal) = goals(case);
        let peer = best(rows, case, |subject| !ours(subject) && !subject.bounds());
        let bound = if case.lower_is_better() { Subject::KernelVeth } else { Subject::Raw };
        // The kernel's round trip is over a pair that has no offload to be told of.
        let bound = rows.iter().find(|row| {
            row.case.work == case.work
                && row.case.connections == case.connections
                && row.subject == bound
                && (row.case.device == case.device || case.lower_is_better())
        });
        let bound = bound.zip(bound_goal).filter(|(row, _)| row.median.is_finite());
        let met = peer.is_none_or(|row| times(row) >= peer_goal)
            && bound.is_none_or(|(row, goal)| times(row) >= goal);
        let shown = |row: &Row| format!("{:.2} ({})", times(row), row.subject);
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {case} | {:.2} {} ({}) | {:.2} .. {:.2} | {:.2} {} | {} | {peer_goal} | {} | {} | {} |",
            own.median,
            own.unit,
            own.subject,
            own.least,
            own.most,
            own.processor,
            processor_unit(case),
            peer.map_or("-".to_owned(), shown),
            bound.map_or("-".to_owned(), |(row, _)| shown(row)),
            bound.map_or("-".to_owned(), |(_, goal)| format!("{goal:.2}")),
            match (met, peer.is_some() || bound.is_some()) {
                (_, false) => "-",
                (true, _) => "reached",
                (false, _) => "**short**",
            },
        );
    }
    text
}

/// The unit of the processor time.
fn processor_unit(case: Case) -> &'static str {
    if case.lower_is_better() { "us each" } else { "s/GiB" }
}

fn markdown(rows: &[Row]) -> String {
    let turns = || rows.iter().map(Row::turns);
    let (fewest, rounds) = (turns().min().unwrap_or(0), turns().max().unwrap_or(0));
    let rounds = if fewest == rounds { rounds.to_string() } else { format!("{fewest} to {rounds}") };
    let mut text = format!(
        "{}\nMedians (least .. most) of {rounds} rounds, in which the subjects take turns.\n",
        include_str!("words.md")
    );
    text += "\n## What is aimed at\n\n";
    text += "Times as good as the best peer of the same case, and as what bounds it: the bare device, or for round trips the kernel over a veth pair.\n\n";
    text += &aims(rows);
    text += "\n## All figures\n\n";
    text += "| Case | Subject | Figure | Ours is | Processor time | Failed |\n|---|---|---|---|---|---|\n";
    for row in rows {
        let ratio = ratio(rows, row).map_or(String::new(), |ratio| format!("{ratio:.2} x"));
        let failed =
            row.faults.first().map_or(String::new(), |fault| format!("{}: {fault}", row.faults.len()));
        let processor = processor_unit(row.case);
        // Writing to a string cannot fail.
        let figures = match row.median.is_finite() {
            true => format!(
                "**{:.2}** {} ({:.2} .. {:.2}) | {ratio} | {:.2} {processor}",
                row.median, row.unit, row.least, row.most, row.processor
            ),
            false => "- | | -".to_owned(),
        };
        let _ = writeln!(text, "| {} | {} | {figures} | {failed} |", row.case, row.subject);
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
